"""What ordinary repositories hold beside what they are about: aids, leftovers, tryouts, second programs."""

from __future__ import annotations

import pytest

from tests.projects.looking import (
    ANGULAR_JSON,
    EXPRESS,
    FASTAPI_PY,
    FLASK_PY,
    REACT,
    SERVER_JS,
    VUE,
    Files,
    look,
    look_for,
    package,
    under,
)

SPA: Files = {"package.json": REACT, "index.html": "", "src/main.tsx": ""}
NEXT: Files = {"package.json": package("next", "react", "react-dom"), "next.config.mjs": ""}
NEST: Files = {
    "package.json": package("@nestjs/core", scripts={"start": "nest start"}, name="api"),
    "nest-cli.json": "{}",
    "src/main.ts": "",
}
ANGULAR: Files = {
    "package.json": package("@angular/core", dev=("@angular/cli",), scripts={"build": "ng build"}),
    "angular.json": ANGULAR_JSON,
    "src/main.ts": "",
    "src/index.html": "",
}
FLASK: Files = {"requirements.txt": "flask\n", "app.py": FLASK_PY}
WORKSPACE: Files = {"package.json": package(private=True, workspaces=["apps/*", "packages/*"], name="all")}
POM = "<project><artifactId>desk</artifactId>{}</project>"
SPRING = "<dependencies><dependency><groupId>org.springframework.boot</groupId></dependency></dependencies>"
CSPROJ = '<Project Sdk="Microsoft.NET.Sdk{}"><PropertyGroup>{}</PropertyGroup></Project>'
HANDS_OUT = (
    "import express from 'express'\nconst app = express()\napp.use((q, r, n) => r.set('Cache-Control', "
    "'proxy-revalidate'))\nawait import('./webpack.dev.js')\napp.use('/', express.static('www'))\napp.listen(80)\n"
)


def many(place: str, ending: str, number: int) -> Files:
    """As many empty files of code, two at least in each directory, so that they count."""
    return {f"{place}/part{index // 10}/file{index}{ending}": "" for index in range(number)}


CASES: dict[str, tuple[Files, str]] = {
    "Fastify is started, Express only a dependency": (
        {
            "package.json": package("express", "fastify", scripts={"start": "node dist/index.js", "build": "tsc"}),
            "src/index.ts": "import { make } from './app'\n",
            "src/app.ts": "import Fastify from 'fastify'\n",
        },
        "node",
    ),
    "Express beside pages in what looks published": (
        {
            "package.json": package("express", scripts={"api:start": "ts-node src/index.ts"}, module="commonjs"),
            "src/index.ts": "import express from 'express'\nexpress().listen(3000)\n",
            **under("client", SPA),
        },
        "fullstack",
    ),
    "PHP whose page lies in public_html": (
        {"composer.json": "{}", "src/Order.php": "", "public_html/index.php": "", **under("frontend", SPA)},
        "fullstack",
    ),
    "PHP that is called the front end": (
        {**under("FrontEnd", {"index.php": "", "list.php": ""}), **under("BackEnd", FLASK)},
        "fullstack",
    ),
    "a worker of Cloudflare without a package": (
        {
            "package.json": package("preact", dev=("vite",), scripts={"build": "vite build"}),
            "index.html": "",
            "src/main.tsx": "",
            "vite.config.ts": "",
            "worker/wrangler.toml": 'main = "index.ts"\n',
            "worker/index.ts": "",
        },
        "unknown",
    ),
    "an application for telephones with a module called api": (
        {
            "settings.gradle.kts": 'include(":app")\n',
            "app/build.gradle.kts": 'plugins { id("shop.android") }\n',
            "app/src/main/AndroidManifest.xml": "",
            "app/src/main/kotlin/App.kt": "",
            **under("features/api", {"build.gradle.kts": "", "src/main/kotlin/Api.kt": ""}),
            **under("core/data", {"build.gradle.kts": "", "src/main/kotlin/Data.kt": ""}),
        },
        "unknown",
    ),
    "packages for .NET with a site that tries them out": (
        {
            "Kit.sln": "",
            **{f"Kit.{name}/Kit.{name}.csproj": CSPROJ.format("", "<PackageId>K</PackageId>") for name in ("A", "B")},
            "Dev/Kit.DevTest/Kit.DevTest.csproj": CSPROJ.format(".Web", ""),
            **many("Kit.A", ".cs", 30),
            **under("Kit.Frontend", {"package.json": VUE, "index.html": "", "src/main.js": ""}),
        },
        "unknown",
    ),
    "a site for .NET with packages of its own": (
        {
            "Shop.sln": "",
            **{f"Shop.{name}/Shop.{name}.csproj": CSPROJ.format("", "<PackageId>K</PackageId>") for name in ("A", "B")},
            "Shop.Web/Shop.Web.csproj": CSPROJ.format(".Web", ""),
            "Shop.Web/Program.cs": "",
            "Shop.Web/Pages.cs": "",
            **under("client", SPA),
        },
        "fullstack",
    ),
    "a small aid in Python beside an application on Next.js": (
        {**NEXT, **many("app", ".tsx", 80), **under("draft-helper", {**FLASK, **many("mail", ".py", 8)})},
        "unknown",
    ),
    "pages that are few beside their servers": (
        {
            **under("ai-office", {**NEXT, **many("app", ".tsx", 8)}),
            **under("apps/api", {"requirements.txt": "fastapi\n", "main.py": FASTAPI_PY, **many("desk", ".py", 70)}),
        },
        "fullstack",
    ),
    "exercises in many front ends": (
        {path: text for number in range(9) for path, text in under(f"web{number}/try", SPA).items()},
        "unknown",
    ),
    "slides about an application": ({**under("code", ANGULAR), **under("slides", SPA)}, "angular"),
    "services that a compose file starts from one image": (
        {
            **WORKSPACE,
            "compose.yaml": "services:\n  gateway: {build: {context: ., dockerfile: infra/Dockerfile.node}}\n",
            **under("apps/gateway", {"package.json": package("effect", scripts={"start": "tsx src/run.ts"})}),
            "apps/gateway/src/run.ts": "",
            **under("apps/web", SPA),
        },
        "fullstack",
    ),
    "a script beside a server and its pages": (
        {
            **WORKSPACE,
            "proxy.py": "",
            "apps/api/package.json": package("fastify", scripts={"start": "node dist/index.js"}, main="dist/index.js"),
            "apps/api/src/index.ts": "import fastify from 'fastify'\n",
            **under("apps/web", NEXT),
        },
        "fullstack",
    ),
    "the package of a template among the pages": (
        {**ANGULAR, "src/app/package.json": package("@angular/core", "express")},
        "angular",
    ),
    "Spring in the modules of a build": (
        {
            "pom.xml": POM.format("<modules><module>desk</module></modules>"),
            "desk/pom.xml": POM.format(SPRING),
            "desk/src/main/java/Desk.java": "",
            **under("ui", SPA),
        },
        "fullstack",
    ),
    "a workspace with finished images for working on it": (
        {
            **WORKSPACE,
            "compose.yml": "services:\n  mail: {image: mailhog/mailhog}\n  traces: {image: jaegertracing/jaeger}\n",
            **under("apps/api", NEST),
            **under("apps/web", {"package.json": package("@tanstack/react-start", "react-dom")}),
        },
        "fullstack",
    ),
    "Phoenix with crates": (
        {
            "mix.exs": 'defp deps, do: [{:phoenix, "~> 1.7"}]\n',
            "lib/shop.ex": "",
            "Cargo.toml": '[workspace]\nmembers = ["native/sum"]\n',
            "native/sum/Cargo.toml": '[package]\nname = "sum"\n',
        },
        "elixir",
    ),
    "pages with a script called app and styles that are built": (
        {
            **under("frontend", {"package.json": package("pdf-lib", dev=("tailwindcss",)), "index.html": ""}),
            "frontend/app.js": "",
            **under("backend", FLASK),
        },
        "fullstack",
    ),
    "samples behind a server of pages": (
        {
            "package.json": package("static-server", scripts={"start": "static-server -p 3000"}),
            "index.html": "",
            "examples/one/src/index.js": "",
        },
        "unknown",
    ),
    "a page that a script called build writes": (
        {
            "package.json": package(scripts={"dev": "node build.mjs", "build": "node build.mjs --out"}),
            "index.html": "",
            "build.mjs": "",
        },
        "static",
    ),
    "a book with an example": (
        {
            **{f"manuscript/{number}.md": "" for number in range(30)},
            **under("examples/01-first", {"requirements.txt": "requests\n", **many("app", ".py", 12)}),
        },
        "unknown",
    ),
    "scripts in Python beside a page": (
        {"requirements.txt": "requests\n", "fetch_news.py": "", "index.html": "", "app.js": ""},
        "unknown",
    ),
    "servers with a client that is no page of theirs": (
        {
            **under("App/broker", {"package.json": EXPRESS, "server.js": SERVER_JS}),
            **under("App/server", {"package.json": EXPRESS, "server.js": SERVER_JS}),
            **under("App/client", {"package.json": package("vue", "electron", dev=("@vue/cli-service",))}),
            "App/client/public/index.html": "",
        },
        "unknown",
    ),
    "Java beside pages that are called its interface": (
        {
            "Desk/pom.xml": POM.format(SPRING),
            "Desk/src/main/java/Desk.java": "",
            **{f"DeskUI/{name}.html": "" for name in ("index", "orders", "users")},
        },
        "unknown",
    ),
    "Laravel of which the command line was left out": (
        {"composer.json": '{"require": {"laravel/framework": "^9.2"}}', "routes/web.php": "", "app/Order.php": ""},
        "laravel",
    ),
    "a bot with a page that nothing requires": (
        {"requirements.txt": "python-telegram-bot\n", "main.py": "import telegram\n", "app.py": FLASK_PY},
        "python",
    ),
    "published packages in one workspace, with an image": (
        {
            "package.json": package(private=True, name="all"),
            "pnpm-workspace.yaml": "packages: [packages/*]\n",
            "Dockerfile": "FROM node:22\n",
            **{f"packages/{name}/package.json": package(name=name, main="index.js") for name in ("core", "node")},
            **{f"packages/{name}/index.js": "" for name in ("core", "node")},
        },
        "monorepo",
    ),
    "Flask in a module that a script names": (
        {
            "pyproject.toml": '[project]\nname = "shop-flask"\ndependencies = ["flask"]\n'
            '[project.scripts]\napp = "desk.orders:book"\n',
            "desk/orders.py": FLASK_PY.replace("app =", "book ="),
        },
        "flask",
    ),
    "a workspace in which what tries the application out is most of the code": (
        {
            **WORKSPACE,
            **under("apps/shop", {**NEXT, **many("app", ".tsx", 16)}),
            "packages/tryouts/package.json": package(name="tryouts", private=True),
            **many("packages/tryouts/src", ".ts", 21),
        },
        "nextjs",
    ),
    "a package for the command line that can answer requests": (
        {
            "pyproject.toml": '[project]\nname = "route"\ndependencies = ["fastapi"]\n'
            'classifiers = ["Development Status :: 4 - Beta"]\n[project.scripts]\nroute = "route.cli:main"\n',
            "src/route/__init__.py": "",
            "src/route/cli.py": "",
            "src/route/service.py": FASTAPI_PY,
        },
        "python",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_lies_beside_is_weighed(case: str) -> None:
    files, expected = CASES[case]

    assert look(files).type == expected


def test_a_server_that_hands_out_what_webpack_builds_is_no_second_half() -> None:
    pages = package("react", "express", dev=("webpack",), scripts={"start": "node server.js", "build": "webpack"})

    assert look({"package.json": pages, "server.js": HANDS_OUT, "src/index.jsx": "", "index.html": ""}).type == "react"


def test_a_dashboard_that_is_hardly_any_of_a_program_is_not_what_it_is() -> None:
    program = {**many("src/engine", ".py", 120), "requirements.txt": "flask\n", "src/web/app.py": FLASK_PY}

    answer, reason = look_for(program, "flask")

    assert answer == "unknown"
    assert "1 of 121 modules lie in src/web" in reason
    assert look({**program, **many("src/web", ".py", 20)}).type == "flask"


def test_a_server_of_a_file_or_two_beside_many_pages_may_only_be_for_working_on_them() -> None:
    pages = {**SPA, **many("src", ".tsx", 210)}
    server = under("server", {"package.json": EXPRESS, "server.js": SERVER_JS, "mail.js": ""})

    answer, reason = look_for({**pages, **server}, "react")

    assert answer == "unknown"
    assert "server holds hardly more than a script" in reason
    assert look({**pages, **server, **many("server/routes", ".js", 4)}).type == "fullstack"
    assert look({**SPA, **many("src", ".tsx", 60), **server}).type == "fullstack"


def test_packages_that_the_application_does_not_need_lie_beside_it() -> None:
    files = {**WORKSPACE, **under("apps/api", NEST), **many("packages/engine/src", ".ts", 60)}
    engine = {"packages/engine/package.json": package(name="engine", private=True)}
    needing = {"apps/api/package.json": package("@nestjs/core", "engine", scripts={"start": "nest start"}, name="api")}

    assert look({**files, **engine}).type == "unknown"
    assert look({**files, **engine, **needing}).type == "nestjs"


def test_what_runs_on_a_desktop_is_no_server_of_the_pages() -> None:
    window = package("express", "electron", scripts={"start": "electron ."}, main="index.js")

    assert look({**under("web", SPA), **under("desk", {"package.json": window, "index.js": SERVER_JS})}).type != (
        "fullstack"
    )


def test_the_directory_that_the_web_sees_is_the_output_of_php() -> None:
    assert look({"composer.json": "{}", "public_html/index.php": "", "src/Order.php": ""}).output_dir == "public_html"


def test_where_both_halves_lie_in_one_directory_the_server_says_what_installs_it() -> None:
    page: Files = {"package.json": REACT, "package-lock.json": "", "index.html": "", "src/main.tsx": ""}
    detection = look({**page, **FLASK, "uv.lock": ""})

    assert (detection.type, detection.package_manager) == ("fullstack", "uv")
