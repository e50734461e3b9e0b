"""What is no application is not called one: a type that is claimed and wrong costs more than `unknown`."""

from __future__ import annotations

import pytest

from tests.projects.looking import (
    EXPRESS,
    FASTAPI_PY,
    FLASK_PY,
    MANAGE_PY,
    REACT,
    SERVER_JS,
    VUE,
    WSGI_PY,
    Files,
    look,
    package,
    under,
)

FLASK: Files = {"app.py": FLASK_PY, "requirements.txt": "flask\n"}
SPA: Files = {"package.json": REACT, "index.html": "", "src/main.tsx": ""}
TOOLS = ("vite", "@vitejs/plugin-react")


def samples(number: int, files: Files) -> Files:
    return {path: text for i in range(number) for path, text in under(f"sample{i}", files).items()}


def components(name: str, **more: object) -> str:
    """The package.json of components for a framework, published with it as a peer."""
    return package(dev=(name, *TOOLS), main="dist/index.js", exports="./dist/index.js", peerDependencies={name: "1"})


CASES: dict[str, tuple[Files, str]] = {
    "components for React": ({"package.json": components("react"), "src/index.ts": "", "index.html": ""}, "node"),
    "components for Vue": ({"package.json": components("vue"), "src/index.ts": "", "src/App.vue": ""}, "node"),
    "components for Svelte": ({"package.json": components("svelte"), "src/index.ts": ""}, "node"),
    "components that Vite builds as a library": (
        {
            **SPA,
            "package.json": package("react", dev=(*TOOLS, "tailwindcss")),
            "vite.config.ts": 'export default { build: { lib: { entry: "lib/main.ts" } } }',
        },
        "unknown",
    ),
    "a package with several ways in": (
        {
            "package.json": package(name="cache", main="dist/index.js", exports="./dist/index.js"),
            "src/index.ts": "",
            "pnpm-workspace.yaml": "packages: ['once', 'list']\n",
            **under("once", {"package.json": package(private=True, main="../dist/once.js")}),
            **under("list", {"package.json": package(private=True, main="../dist/list.js")}),
        },
        "node",
    ),
    "pages for phones with Express among what they are made of": (
        {"package.json": package("vue", "express", "@dcloudio/uni-app", dev=("vite",)), "src/main.ts": ""},
        "unknown",
    ),
    "a package for Python that brings pages along": (
        {
            "pyproject.toml": '[project]\nname = "cms"\n[build-system]\nrequires = []\n',
            "cms/__init__.py": "",
            "client/webpack.config.js": "",
            "package.json": package(
                "react", dev=("webpack",), scripts={"start": "webpack -c client/webpack.config.js"}
            ),
            "cms/project_template/requirements.txt": "django\n",
            "cms/project_template/manage.py": MANAGE_PY,
        },
        "python",
    ),
    "a command and the site about it in one workspace": (
        {
            "package.json": package(private=True, dev=("turbo",), workspaces=["cli", "www"]),
            "turbo.json": "{}",
            **under("cli", {"package.json": package(bin="dist/cli.js", scripts={"start": "node dist/cli.js"})}),
            **under("www", {"package.json": package("astro"), "astro.config.mjs": ""}),
        },
        "monorepo",
    ),
    "a page of one of many samples in Rust": (
        {
            "Cargo.toml": "[workspace]\nmembers = ['cors/*', 's*']\n",
            **{path: "" for i in range(9) for path in (f"s{i}/Cargo.toml", f"s{i}/src/main.rs")},
            "cors/backend/Cargo.toml": "",
            **under("cors/frontend", SPA),
        },
        "rust",
    ),
    "a showcase of published packages": (
        {
            "package.json": package(private=True),
            "pnpm-workspace.yaml": "packages: ['packages/*', 'apps/*']\n",
            **under("packages/ui", {"package.json": package(name="ui-kit", exports="./index.js"), "index.js": ""}),
            **under("packages/icons", {"package.json": package(name="icons", exports="./index.js"), "index.js": ""}),
            **under("apps/show", {"package.json": package("nuxt", "ui-kit"), "nuxt.config.ts": ""}),
        },
        "monorepo",
    ),
    "a package for Python with a script for its assets": (
        {
            "pyproject.toml": '[project]\nname = "theme"\n[build-system]\nrequires = []\n',
            "theme/__init__.py": "",
            "package.json": package("rxjs", private=True, scripts={"start": "ts-node tools/build --watch"}),
        },
        "python",
    ),
    "a package with an application that tries it out": (
        {
            "package.json": package(
                name="forms", exports="./dist/index.js", scripts={"start": "cd app && npm run dev"}
            ),
            "src/index.ts": "",
            **under("app", {**SPA, "package.json": package("react", "forms", dev=TOOLS)}),
        },
        "node",
    ),
    "a program for desktops": (
        {**SPA, "package.json": package("react", dev=(*TOOLS, "electron"), main="main.js")},
        "unknown",
    ),
    "a program for desktops in Vue": (
        {"package.json": package("vue", "@tauri-apps/api", dev=("vite", "@vitejs/plugin-vue")), "index.html": ""},
        "unknown",
    ),
    "a program for phones": ({"package.json": package("react", "react-native", "expo"), "App.tsx": ""}, "unknown"),
    "an extension for browsers": (
        {"package.json": package("react", dev=(*TOOLS, "@types/chrome")), "manifest.json": "{}", "index.html": ""},
        "unknown",
    ),
    "an extension for browsers in Svelte": (
        {"package.json": package("svelte", dev=("vite", "webextension-polyfill")), "index.html": ""},
        "unknown",
    ),
    "a template whose folder the user names": (
        {
            "pyproject.toml": '[project]\nname = "starter"\n[build-system]\nrequires = []\n',
            "hooks/pre_gen.py": "",
            "cookiecutter.json": "{}",
            **under("{{cookiecutter.slug}}", {"manage.py": MANAGE_PY, "config/wsgi.py": WSGI_PY}),
        },
        "python",
    ),
    "pages from Hugo whose themes are modules of Go": (
        {"go.mod": "module handbook\n", "hugo.toml": 'baseURL = "/"\n', "content/index.md": ""},
        "static",
    ),
    "pages from Hugo as its configuration was called for long": (
        {
            "config.toml": 'baseURL = "/"\n',
            "content/index.md": "",
            "themes/ink/src/package.json": package("got", main="a.js", scripts={"start": "node a.js"}),
            "themes/ink/layouts/index.html": "",
        },
        "static",
    ),
    "a program for desktops in Rust": (
        {
            "Cargo.toml": '[package]\nname = "desk"\n[dependencies]\ntauri = "2"\n',
            "src/main.rs": "",
            "tauri.conf.json": "{}",
            "package.json": package(private=True, scripts={"start": "tauri dev"}),
        },
        "unknown",
    ),
    "a page beside a server that has no manifest": ({"index.html": "", "server.js": SERVER_JS}, "unknown"),
    "a collection of images with one application among them": (
        {**under("desk", FLASK), **samples(20, {"Dockerfile": "FROM debian:12\n"})},
        "docker",
    ),
    "a collection of images with a few samples that they are composed of": (
        {
            **samples(12, {"Dockerfile": "FROM debian:12\n"}),
            **under("proxy/app", {**FLASK, "Dockerfile": "FROM python:3.12\n"}),
            "proxy/compose.yml": "services:\n  app: {build: ./app}\n  proxy: {image: nginx}\n",
            **under("queue", {**FLASK, "compose.yml": "services:\n  queue: {build: .}\n"}),
        },
        "docker",
    ),
    "a collection of packages with one application among them": (
        {**under("desk", FLASK), **samples(12, {"package.json": package(main="index.js"), "index.js": ""})},
        "unknown",
    ),
    "a collection of scripts with one application among them": (
        {**under("desk", FLASK), **samples(12, {"main.py": "print(1)\n"})},
        "unknown",
    ),
}

STILL: dict[str, tuple[Files, str]] = {
    "a page that webpack writes": (
        {
            "package.json": package("react", dev=("webpack", "html-webpack-plugin"), scripts={"build": "webpack"}),
            "source/index.js": "",
        },
        "react",
    ),
    "a page that webpack writes beside a server": (
        {
            **under("frontend", {"package.json": package("react", dev=("webpack", "html-webpack-plugin"))}),
            **under("backend", FLASK),
        },
        "fullstack",
    ),
    "an application where applications lie, among many scripts": (
        {**under("backend", FLASK), **samples(12, {"main.py": "print(1)\n"})},
        "flask",
    ),
    "an application at the top, among many scripts": ({**FLASK, **samples(12, {"main.py": "print(1)\n"})}, "flask"),
    "an application at the top that is a package": ({"__init__.py": "", "app.py": FLASK_PY}, "flask"),
    "a template and nothing beside it": (
        under("{{cookiecutter.slug}}", {"main.py": FASTAPI_PY, "requirements.txt": "fastapi\n"}),
        "fastapi",
    ),
    "a server that starts under another name, published too": (
        {
            "package.json": package("fastify", exports="./dist/index.js", scripts={"start:api": "node dist/api.js"}),
            **under("ui", {"package.json": VUE, "index.html": ""}),
        },
        "fullstack",
    ),
    "both halves in one package.json, with a script called server": (
        {
            "package.json": package(
                "vue", "express", dev=("vite",), scripts={"build": "vite build", "server": "node server/index.js"}
            ),
            "index.html": "",
            "server/index.js": SERVER_JS,
        },
        "fullstack",
    ),
    "packages that two stars name": (
        {
            "package.json": package(private=True),
            "pnpm-workspace.yaml": "packages: ['packages/**/*']\n",
            **under("packages/one", {"package.json": package(exports="./index.js"), "index.js": ""}),
            **under("packages/two", {"package.json": package(exports="./index.js"), "index.js": ""}),
        },
        "monorepo",
    ),
    "a server on any framework below a package that starts both halves": (
        {
            "package.json": package("concurrently", private=True, scripts={"start": "concurrently 'npm:a' 'npm:b'"}),
            "index.js": "",
            **under("client", SPA),
            **under("server", {"package.json": package("sails", main="app.js"), "app.js": "require('sails')"}),
        },
        "fullstack",
    ),
    "both halves in one package.json, started from what a build leaves": (
        {
            "package.json": package(
                "react", "koa", dev=TOOLS, scripts={"build": "vite build", "start": "node ./build/server/index.js"}
            ),
            "index.html": "",
            "server/index.ts": "import Koa from 'koa'\n",
        },
        "fullstack",
    ),
    "a server with a folder of pages": (
        {"package.json": EXPRESS, "server.js": SERVER_JS, "public/index.html": ""},
        "express",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_does_not_take_for_an_application(case: str) -> None:
    files, expected = CASES[case]

    assert look(files).type == expected


@pytest.mark.parametrize("case", STILL)
def test_it_still_sees(case: str) -> None:
    files, expected = STILL[case]

    assert look(files).type == expected


def test_a_desktop_program_names_its_framework_as_what_it_could_be_taken_for() -> None:
    files, _ = CASES["a program for desktops"]

    assert look(files).alternatives[0].type == "react"


def test_projects_that_nothing_binds_are_a_monorepo_that_a_person_should_confirm() -> None:
    detection = look(samples(9, FLASK))

    assert (detection.type, detection.confidence) == ("monorepo", 0.5)


def test_a_statement_of_a_newer_python_costs_itself_only() -> None:
    newer = 'def label(order):\n    return f"order {\n        order\n    }"\n\n\ntype Order = str\n'

    detection = look({"app.py": newer + FLASK_PY, "requirements.txt": "flask\n"})

    assert (detection.type, detection.app_object) == ("flask", "app:app")


def test_the_config_file_that_a_build_script_names_says_where_the_result_lies() -> None:
    detection = look(
        {
            "package.json": package(
                "vue", dev=("vite",), scripts={"build": "vite build --config ./page/vite.config.ts"}
            ),
            "page/vite.config.ts": 'export default { root: "./page", build: { outDir: "../public-page" } }',
            "page/index.html": "",
            "src/main.ts": "",
        }
    )

    assert (detection.type, detection.output_dir) == ("vue", "public-page")
