"""What no kind claims is accounted for: an answer that leaves out half of the repository is no answer."""

from __future__ import annotations

import pytest

from service.projects.keyfiles import wanted
from tests.projects.looking import (
    EXPRESS,
    FASTAPI_PY,
    FLASK_PY,
    MANAGE_PY,
    SERVER_JS,
    VUE,
    Files,
    look,
    look_for,
    package,
    under,
)
from tests.projects.test_wrong_claims import SPA, TOOLS

APP_VUE: Files = {"package.json": VUE, "index.html": "", "src/main.ts": ""}


FLASK = {"app.py": FLASK_PY, "requirements.txt": "flask\n"}


def modules(folder: str, ending: str, number: int = 20) -> Files:
    return {f"{folder}/part{i}{ending}": "" for i in range(number)}


LEFT_OUT: dict[str, tuple[Files, str, str]] = {
    "a good part of the code beside an interface": (
        {**under("ui", SPA), **modules("ui/src", ".tsx", 30), **modules("engine", ".ts", 15)},
        "react",
        "15 of 46 files of code lie outside of ui",
    ),
    "a good part of the code beside a server": (
        {**under("desk", {"requirements.txt": "flask\n", "app.py": FLASK_PY, "a.py": ""}), **modules("engine", ".js")},
        "flask",
        "20 of 22 files of code lie outside of desk",
    ),
    "pages in a directory that is called the front end": (
        {
            **under("backend/desk", {"requirements.txt": "fastapi\n", "main.py": FASTAPI_PY, "a.py": ""}),
            "frontend/north/index.html": "",
            "frontend/nginx.Dockerfile": "FROM nginx\n",
        },
        "fastapi",
        "frontend/north/index.html lies where pages do",
    ),
    "code for a server in a directory that is called one": (
        {**under("pages", APP_VUE), "back/server/routes.py": "", "back/server/tables.py": ""},
        "vue",
        "back/server/routes.py lies where a server does",
    ),
    "code in another language where a server lies": (
        {**SPA, "api/orders.php": ""},
        "react",
        "api/orders.php lies where a server does",
    ),
    "pages that are built and were not recognised": (
        {
            **under("shop", {"requirements.txt": "flask\n", "app.py": FLASK_PY}),
            "panel/package.json": package("angular", dev=("@shop/builder",), scripts={"build": "shop-builder"}),
        },
        "flask",
        "panel/package.json builds pages with angular",
    ),
    "documentation with a script": (
        {"requirements.txt": "sphinx\n", "main.py": "", **modules("manual", ".rst")},
        "python",
        "20 files are documentation",
    ),
    "a package beside an image that nothing recognises": (
        {"Dockerfile": "FROM node\n", "package.json": package("mystery", scripts={"build": "mystery"})},
        "docker",
        "package.json starts or builds something",
    ),
    "documentation beside pages that an unknown tool builds": (
        {"mkdocs.yml": "site_name: desk\n", "package.json": package("react", scripts={"build": "mastarm"})},
        "static",
        "package.json depends on react",
    ),
    "an application in Perl with an image": (
        {"cpanfile": "requires 'Catalyst';\n", "Dockerfile": "FROM perl\n", **modules("perllib", ".pm", 12)},
        "docker",
        "cpanfile describes a project in a language that is not known here",
    ),
    "a whole program beside an image": (
        {"Dockerfile": "FROM nginx\n", **modules("src", ".ts", 31)},
        "docker",
        "31 files of code lie beside the images",
    ),
    "a program in C++ with a page about it": (
        {"docs/index.html": "", **modules("src", ".cpp")},
        "static",
        "20 files end in .c or the like",
    ),
    "notebooks around a script": (
        {"requirements.txt": "pandas\n", "main.py": "", **modules("studies", ".ipynb")},
        "python",
        "20 files end in .ipynb",
    ),
    "a solution for .NET above servers in Python": (
        {"shop.sln": "", "desk/desk.csproj": "<Project/>", "desk/Desk.cs": "", **modules("shop", ".py")},
        "dotnet",
        "20 files end in .py",
    ),
    "sources of pages that nothing here builds, among those of a server": (
        {"requirements.txt": "flask\n", "app.py": FLASK_PY, **modules("context/pages", ".tsx")},
        "flask",
        "20 files are sources of pages",
    ),
    "a full stack in a repository about something else": (
        {**under("ui", SPA), **under("server", {"package.json": EXPRESS, "server.js": ""}), **modules("lab", ".py")},
        "express",
        "20 files end in .py",
    ),
    "a script beside what describes an infrastructure": (
        {"requirements.txt": "boto3\n", "main.py": "", **modules("network", ".tf", 6), **modules("live", ".hcl", 6)},
        "python",
        "12 files end in .tf",
    ),
    "an aid beside an application for telephones": (
        {
            "build.gradle": "",
            "app/src/main/AndroidManifest.xml": "",
            **under("pretender", {"requirements.txt": "flask\n", "app.py": FLASK_PY}),
        },
        "flask",
        "at the top is an application that is installed",
    ),
    "lessons on servers": (
        {**under("tp1", FLASK), **under("tp2", FLASK), **under("tp3", FLASK)},
        "flask",
        "tp1 is one of several lessons",
    ),
    "a server that a program for desktops keeps": (
        {"package.json": package("express", dev=("electron",), main="server.js"), "server.js": SERVER_JS},
        "express",
        "Electron runs it",
    ),
    "a site of Django without its manage.py": (
        {"setup.py": "", **under("src/shop", {"__init__.py": "", "settings.py": "", "urls.py": ""})},
        "python",
        "src/shop/settings.py and urls.py beside it are of a site",
    ),
    "pages of a framework that its kind does not know to build": (
        {"package.json": package("vue", "electron", dev=("webpack",), scripts={"build": "webpack"}), "index.html": ""},
        "static",
        "dependencies.vue",
    ),
    "pages in PHP here and there": (
        {"shop/index.php": "", "admin/index.php": "", "old/pages/index.php": ""},
        "php",
        "pages in PHP lie in",
    ),
    "a small server far away from a large interface": (
        {**SPA, **modules("src", ".tsx", 60), **under("ops/bridge", {"package.json": EXPRESS, "server.js": SERVER_JS})},
        "express",
        "lie in ops/bridge",
    ),
}  # fmt: skip

ACCOUNTED: dict[str, tuple[Files, str]] = {
    "most of an application in the packages of its workspace": (
        {
            "package.json": package(private=True, workspaces=["apps/*", "libs/*"]),
            **under("apps/shop", SPA),
            **{path: text for i in range(4) for path, text in modules(f"libs/part{i}/src", ".ts").items()},
        },
        "react",
    ),
    "many pages that Rails bundles": (
        {
            "Gemfile": "gem 'rails'\n",
            "config/application.rb": "",
            "bin/rails": "",
            "package.json": package("react", "react-dom", dev=("webpack",), scripts={"build": "webpack"}),
            **modules("app/javascript", ".jsx", 30),
            **modules("app/models", ".rb", 12),
        },
        "rails",
    ),
    "a few scripts beside an interface": (
        {**under("ui", SPA), **modules("ui/src", ".tsx", 30), **modules("release", ".ts", 5)},
        "react",
    ),
    "tests and examples beside an interface": (
        {**under("ui", SPA), **modules("ui/src", ".tsx"), **modules("e2e", ".ts"), **modules("examples", ".ts")},
        "react",
    ),
    "an application for telephones beside a server": (
        {
            **under("desk", {"requirements.txt": "flask\n", "app.py": FLASK_PY}),
            **modules("desk/shop", ".py"),
            "phone/pubspec.yaml": "name: shop\n",
            **modules("phone/lib", ".dart", 60),
            "other/app/src/main/AndroidManifest.xml": "",
            **modules("other/app/src/main/kotlin", ".kt", 60),
            "fourth/package.json": package("react", "react-native"),
            **modules("fourth/screens", ".tsx", 60),
            "third/Shop.xcodeproj/project.pbxproj": "",
            **modules("third/Shop", ".swift", 60),
        },
        "flask",
    ),
    "what makes an image": ({"Dockerfile": "FROM nginx\n", **modules("made", ".py"), **modules("ci", ".py")}, "docker"),
    "a package of tools above Django": (
        {
            "package.json": package("react-dom", dev=("webpack",), scripts={"build": "webpack"}),
            "shop/manage.py": MANAGE_PY,
            "shop/requirements.txt": "django\n",
            "shop/config/settings.py": "",
        },
        "django",
    ),
    "scripts of pages beside a server": (
        {"requirements.txt": "flask\n", "app.py": FLASK_PY, **modules("static", ".js", 60)},
        "flask",
    ),
    "a page that package.json names": ({"package.json": package("pg", main="index.html"), "index.html": ""}, "static"),
    "documentation beside a server": (
        {"docs/index.html": "", **under("src", {"requirements.txt": "flask\n", "app.py": FLASK_PY})},
        "flask",
    ),
    "React as gulp and browserify built it": (
        {
            "package.json": package("react", dev=("gulp", "browserify"), private=True, scripts={"build": "gulp build"}),
            "app/index.html": "",
            "app/scripts/main.jsx": "",
        },
        "react",
    ),
    "pages of the first Angular that webpack fills in": (
        {
            "package.json": package("angular", dev=("webpack",), scripts={"build": "webpack -p"}, main="app/app.js"),
            "app/index.ejs": "",
            "app/app.js": "",
            "Dockerfile": "FROM nginx\n",
        },
        "static",
    ),
    "pages that React makes in a directory of a server": (
        {
            **FLASK,
            "static/package.json": package("react", "react-dom", dev=("webpack",), scripts={"build": "webpack"}),
            "static/index.html": "",
        },
        "fullstack",
    ),
    "a site of Jekyll in an image of Ruby": (
        {"_config.yml": "title: shop\n", "Gemfile": "gem 'jekyll'\n", "_posts/a.md": "", "Dockerfile": "FROM ruby\n"},
        "static",
    ),
    "images that Gradle builds": (
        {
            "build.gradle.kts": "",
            "buildSrc/build.gradle.kts": "",
            "buildSrc/src/main/kotlin/Images.kt": "",
            **{f"{name}/Dockerfile": "FROM base\n" for name in ("solr", "fits", "nginx", "drupal")},
        },
        "docker",
    ),
    "a site of Hugo with all its settings": (
        {
            "hugo.yml": "title: shop\n",
            "package.json": package("uswds", dev=("gulp",), scripts={"start": "run-p watch serve", "build": "hugo"}),
            "gulpfile.js": "",
        },
        "static",
    ),
    "packages of a workspace that its top starts": (
        {
            "package.json": package(private=True, workspaces=["packages/*"], scripts={"start": "shop develop"}),
            "packages/charts/package.json": package("lodash", name="charts", main="src/index.ts"),
            "packages/charts/src/index.ts": "",
            "packages/orders/package.json": package("lodash", name="orders", main="src/index.ts"),
            "packages/orders/src/index.ts": "",
        },
        "monorepo",
    ),
    "a small server among images": (
        {
            **{f"{name}/Dockerfile": "FROM base\n" for name in ("restic", "meter", "charge")},
            **under("label", {"Dockerfile": "FROM base\n", "requirements.txt": "bottle\n"}),
            "label/rootfs/server.py": "from bottle import Bottle\n\napp = Bottle()\n",
        },
        "docker",
    ),
    "finished images with much beside them": (
        {
            "compose.yml": "services: {a: {image: mail}, b: {image: sieve}, c: {image: rspamd}}\n",
            **modules("conf/web", ".php", 60),
        },
        "docker",
    ),
    "scripts with React that a site of Django hands out": (
        {
            "manage.py": MANAGE_PY,
            "requirements.txt": "django\n",
            "config/settings.py": "",
            "shop/static_src/package.json": package(
                "react", "react-dom", dev=("webpack",), scripts={"build": "webpack", "dev": "webpack --watch"}
            ),
            **modules("shop", ".py"),
        },
        "django",
    ),
    "a site of Hugo whose styles Node.js makes": (
        {
            "config.toml": 'baseURL = "https://shop.example/"\n',
            "package.json": package(dev=("hugo-bin", "postcss-cli"), scripts={"start": "run-p dev:*", "build": "hugo"}),
            "netlify/functions/bins.js": "",
        },
        "static",
    ),
    "Angular that webpack builds": (
        {
            "package.json": package("@angular/core", dev=("@ngtools/webpack", "webpack"), scripts={"build": "webpack"}),
            "src/app/main.ts": "",
            "src/index.html": "",
        },
        "angular",
    ),
    "an extension for browsers beside a server": (
        {
            **under("api", {"requirements.txt": "flask\n", "app.py": FLASK_PY}),
            "extension/package.json": package("react-dom", dev=("vite", "@types/chrome"), scripts={"build": "vite"}),
            **modules("extension/src", ".tsx", 60),
        },
        "flask",
    ),
    "an interface that Maven builds": ({**SPA, "pom.xml": "<project/>"}, "react"),
    "leftovers in PHP beside a server": (
        {"package.json": EXPRESS, "server.js": SERVER_JS, "composer.json": "{}", "import.php": ""},
        "express",
    ),
    "images with scripts in them": (
        {
            "base/Dockerfile": "FROM debian\n",
            **under("notes", {"Dockerfile": "FROM base\n", "environment.yml": "name: notes\n"}),
            **under("cells", {"Dockerfile": "FROM base\n", "requirements.txt": "pandas\n", "run.py": ""}),
        },
        "docker",
    ),
    "services in several languages that a compose file builds": (
        {
            "compose.yml": "services: {a: {build: ./take}, b: {build: ./score}, c: {build: ./gate}}\n",
            **under("take", {"go.mod": "module take\n", "main.go": "package main\n", "Dockerfile": "FROM golang\n"}),
            **under("score", {"requirements.txt": "pandas\n", "main.py": "", "Dockerfile": "FROM python\n"}),
            **under("gate", {"package.json": package("kafkajs"), "index.js": "", "Dockerfile": "FROM node\n"}),
        },
        "docker",
    ),
    "a part of another application's page": (
        {
            "package.json": package(
                "react", "react-dom", "single-spa-react", dev=("webpack",), scripts={"build": "webpack"}, types="a.d.ts"
            ),
            "src/cards.tsx": "",
        },
        "react",
    ),
    "an application whose packages Conda installs": (
        {
            "environment.yml": "name: crops\ndependencies: [python=3.11, flask]\n",
            "service/__init__.py": "",
            "service/app.py": FLASK_PY,
            **modules("training", ".py"),
        },
        "flask",
    ),
    "a server beside an application for telephones": (
        {
            "package.json": package("react", "react-native"),
            **modules("screens", ".tsx", 30),
            **under("server", {"package.json": EXPRESS, "server.js": SERVER_JS}),
        },
        "express",
    ),
    "a page in PHP": ({"index.php": "", "orders.php": ""}, "php"),
    "functions for an interface that call themselves a server": (
        {**SPA, "src/server/orders.ts": "", "api/orders.ts": ""},
        "react",
    ),
    "a small server that is named as one": (
        {**SPA, **modules("src", ".tsx", 60), **under("server", {"package.json": EXPRESS, "server.js": SERVER_JS})},
        "fullstack",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT_OUT)
def test_it_is_not_certain_with(case: str) -> None:
    files, type, reason = LEFT_OUT[case]

    answer, told = look_for(files, type)

    assert (answer, reason in told) == ("unknown", True), told


@pytest.mark.parametrize("case", ACCOUNTED)
def test_it_is_not_put_off_by(case: str) -> None:
    files, expected = ACCOUNTED[case]

    assert look(files).type == expected


SHOWN_ONLY = (
    "const express = require('express')\nconst app = express()\napp.use(express.static('dist'))\n"
    "app.get('*', (request, answer) => answer.sendFile('dist/index.html'))\napp.listen(3000)\n"
)
SERVED = package("react", "react-dom", "express", dev=TOOLS, scripts={"build": "vite build", "start": "node server.js"})


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (SHOWN_ONLY, "react"),
        (SHOWN_ONLY.replace("app.get", "app.use('/api', require('./orders'))\napp.get"), "fullstack"),
        (SHOWN_ONLY.replace("app.get", "app.get('/orders', orders)\napp.get"), "fullstack"),
        (SHOWN_ONLY.replace("app.get", "app.post('/orders', orders)\napp.get"), "fullstack"),
    ],
)
def test_a_server_that_only_hands_out_what_is_built_is_no_back_end(server: str, expected: str) -> None:
    assert look({**SPA, "package.json": SERVED, "server.js": server}).type == expected


def test_express_is_angulars_own_where_it_renders_on_a_server() -> None:
    rendered = package(
        "@angular/core", "@angular/ssr", "express", dev=("@angular/cli",), scripts={"start": "node server.js"}
    )

    assert look({"package.json": rendered, "angular.json": "{}", "server.js": SERVER_JS}).type == "angular"


@pytest.mark.parametrize("name", ["react-dom", "vue", "angular", "solid-js"])
def test_what_a_browser_shows_is_no_program_for_nodejs(name: str) -> None:
    shown = package(name, dev=("@shop/builder",), scripts={"start": "shop-builder start", "build": "shop-builder"})

    assert look({"package.json": shown, "src/index.ts": ""}).type == "unknown"


def test_a_page_that_is_published_is_a_page() -> None:
    published = package("react", "react-dom", dev=TOOLS, exports="./dist/index.js", scripts={"build": "vite build"})
    shared = package(dev=("react", "react-dom", *TOOLS), peerDependencies={"react": "18"}, exports="./dist/index.js")

    assert look({"package.json": published, "index.html": "", "src/index.tsx": ""}).type == "react"
    assert look({"package.json": shared, "index.html": "", "src/index.tsx": ""}).type == "node"


def test_a_page_among_sources_is_built_by_the_package_above() -> None:
    files = {"package.json": package("zod", dev=("@shop/builder",)), "web/index.html": "", "web/index.tsx": ""}

    assert look(files).type == "unknown"
    assert look({"web/index.html": "", "web/index.js": ""}).type == "static"


def test_a_front_end_for_a_page_that_the_server_keeps_is_the_other_half() -> None:
    bundle = package("react-dom", "react", dev=("vite",), main="index.js", scripts={"build": "vite build"})
    files = {"app/manage.py": MANAGE_PY, "app/requirements.txt": "django\n", "app/config/settings.py": ""}

    detection = look(
        {**files, "frontend/package.json": bundle, "frontend/vite.config.ts": "", "frontend/src/a.tsx": ""}
    )

    assert [(part.root, part.type) for part in detection.components] == [("frontend", "react"), ("app", "django")]


def test_pages_that_the_package_at_the_top_builds_into_an_application_of_django_are_the_other_half() -> None:
    build = "webpack ./shop/pages/src/index.js --output ./shop/pages/static/pages/main.js"
    scripts = {"build": f"{build} --mode production", "dev": f"{build} --watch"}
    bundle = package("react", "react-dom", dev=("webpack", "webpack-cli"), scripts=scripts, main="index.js")
    server = {"manage.py": MANAGE_PY, "shop/settings.py": "", "pages/src/index.js": "", "pages/views.py": ""}

    detection = look({"package.json": bundle, "Pipfile": "[packages]\ndjango = '*'\n", **under("shop", server)})

    assert [(part.root, part.type) for part in detection.components] == [(".", "react"), ("shop", "django")]
    assert detection.output_dir == "shop/pages/static/pages"


def test_pages_of_the_first_angular_are_the_other_half_of_what_serves_them() -> None:
    pages = package(
        "angular", dev=("webpack",), publishConfig={}, scripts={"build": "webpack --config webpack.prod.js"}
    )
    server = {"requirements.txt": "tornado\n", "setup.py": "", "shop/app.py": "import tornado\n"}

    detection = look({**under("src/app", server), "src/ui/package.json": pages, "src/ui/src/index.html": ""})

    assert [(part.root, part.type) for part in detection.components] == [("src/ui", "static"), ("src/app", "python")]


@pytest.mark.parametrize("name", ["template.yaml", "serverless.yml", "serverless.ts"])
def test_functions_that_nodejs_runs_are_a_program(name: str) -> None:
    told = "Transform: AWS::Serverless-2016-10-31\nGlobals: {}\nFunction:\n  Runtime: nodejs20.x\n  Handler: !Ref a.b\n"
    files = {"package.json": package("aws-sdk"), "src/handlers/order.js": "", name: told}

    assert look(files).type == "node"
    assert look({**files, name: told.replace("nodejs20.x", "python3.12")}).type == "unknown"


def test_an_android_project_is_no_java_that_is_served() -> None:
    gradle = "buildscript { dependencies { classpath('com.android.tools.build:gradle:8.7.0') } }\n"

    assert look({"examples/shop/android/build.gradle": gradle, "README.md": ""}).type == "unknown"


def test_documentation_of_what_is_installed_is_not_what_is_deployed() -> None:
    desktop = package("vue", dev=("electron", "vitepress"), scripts={"build": "quasar build -m electron"})

    assert look({"package.json": desktop, "docs/index.md": ""}).type == "unknown"


def test_the_main_compose_file_is_read_before_those_that_vary_it() -> None:
    names = ["docker-compose.arm.yml", "docker-compose.override.yml", "docker-compose.yml"]

    assert "docker-compose.yml" in wanted([*names, "Dockerfile", "Dockerfile.arm", "Dockerfile.b"])
    assert wanted(["composer-notes.yml", "README.md"]) == []
