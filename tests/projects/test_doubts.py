"""Something speaks against what the manifests say: the answer is `unknown`, and the first alternative says why."""

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
from tests.projects.test_wrong_claims import SPA, TOOLS

COMPOSE = "services: {web: {build: ./web}, db: {image: postgres}}\n"

DOUBTED: dict[str, tuple[Files, str, str]] = {
    "scripts of an example far down, beside nothing else": (
        {
            "README.md": "",
            "plugins/shop/examples/python/requirements.txt": "rich\n",
            "plugins/shop/examples/python/main.py": "",
        },
        "python",
        "lies among what is beside a project",
    ),
    "a program of Node.js among examples far down, beside nothing else": (
        {
            "plugins/shop/examples/node/package.json": package(scripts={"start": "node index.js"}),
            "plugins/shop/examples/node/index.js": "",
        },
        "node",
        "lies among what is beside a project",
    ),
    "a server that nothing starts beside Angular": (
        {
            "package.json": package("@angular/core", "express", scripts={"start": "ng serve"}),
            "angular.json": ANGULAR_JSON,
            "server/run.js": "",
        },
        "angular",
        "package.json depends on express",
    ),
    "pages whose package.json brings a server that nothing starts": (
        {"package.json": package("react", "koa", dev=TOOLS), "index.html": "", "server/index.js": ""},
        "react",
        "package.json depends on koa",
    ),
    "pages beside a package that serves": (
        {**under("ui", SPA), "service/package.json": package("fastify", exports="./index.js")},
        "react",
        "service/package.json depends on fastify",
    ),
    "pages among far more code of a server": (
        {**SPA, **{f"shop/module{i}.py": "" for i in range(20)}},
        "react",
        "20 files end in .py",
    ),
    "pages of a program for desktops that names no package for it": (
        {**SPA, "src-tauri/tauri.conf.json": "{}"},
        "react",
        "src-tauri/tauri.conf.json tells",
    ),
    "pages and a program in Go in one window": (
        {"go.mod": "module shop\n", "main.go": "package main\n", "wails.json": "{}", **under("frontend", SPA)},
        "react",
        "wails.json tells",
    ),
    "an extension for browsers that names no package for it": (
        {**SPA, "public/manifest.json": "{}", "public/background.js": ""},
        "react",
        "public/manifest.json tells",
    ),
    "an extension for browsers without a bundler": (
        {"index.html": "", "manifest.json": "{}", "popup.html": "", "popup.js": ""},
        "static",
        "manifest.json tells",
    ),
    "pages for phones that names no package for it": (
        {"package.json": package("uview-ui", main="main.js"), "main.js": "", "pages.json": "{}"},
        "node",
        "pages.json tells",
    ),
    "one of several lessons": (
        {**under("week3", SPA), "week1/notes.txt": "", "week2/notes.txt": ""},
        "react",
        "week3 is one of several lessons",
    ),
    "two halves that are lessons of their own": (
        {**under("01-forms", SPA), **under("02-api", {"main.py": FASTAPI_PY}), "03-more/notes.txt": ""},
        "react",
        "01-forms is one of several lessons",
    ),
    "a compose file that builds a program of no known kind": (
        {"compose.yml": COMPOSE, "web/package.json": package("left-pad"), "web/Dockerfile": "FROM node:22\n"},
        "docker",
        "web holds a program",
    ),
}

CERTAIN: dict[str, tuple[Files, str]] = {
    "Express for a proxy while developing": (
        {"package.json": package("react", "express", dev=TOOLS), "index.html": "", "proxy.js": ""},
        "react",
    ),
    "a server that only tries the pages out": ({**SPA, "test/package.json": EXPRESS, "test/server.js": ""}, "react"),
    "pages with a few scripts beside them": ({**SPA, **{f"tools/step{i}.py": "" for i in range(5)}}, "react"),
    "pages with a manifest that makes them an application on a phone": (
        {**SPA, "public/manifest.json": "{}", "public/sw.js": ""},
        "react",
    ),
    "a number that makes no series": ({**under("week1", SPA), "week2/notes.txt": ""}, "react"),
    "an application beside a program for desktops": (
        {
            **under("backend", {"main.py": FASTAPI_PY, "requirements.txt": "fastapi\n"}),
            **under("frontend", SPA),
            **under("desktop", {**SPA, "src-tauri/tauri.conf.json": "{}"}),
        },
        "fullstack",
    ),
    "Next.js with a server of its own": (
        {"package.json": package("next", "react", "express"), "pages/index.js": "", "server/index.js": SERVER_JS},
        "nextjs",
    ),
    "a workspace whose top depends on what one package needs": (
        {
            "package.json": package("express", private=True, workspaces=["apps/*"]),
            **under("apps/shop", {"package.json": VUE, "index.html": ""}),
        },
        "vue",
    ),
    "a compose file that builds a server and plain pages, named as such": (
        {
            "compose.yml": "services: {api: {build: ./back}, pages: {build: ./front}}\n",
            **under("back", {"package.json": package("ws", scripts={"start": "nodemon index.js"}), "index.js": ""}),
            **under("front", {"package.json": package("serve"), "index.html": ""}),
            "back/Dockerfile": "FROM node:22\n",
            "front/Dockerfile": "FROM node:22\n",
        },
        "fullstack",
    ),
    "pages that list the server's dependencies and its start": (
        {
            **under("server", {"package.json": EXPRESS, "server.js": SERVER_JS}),
            **under(
                "client",
                {
                    "package.json": package(
                        "express", "socket.io", dev=("vite",), scripts={"start": "node dist/server.js"}
                    ),
                    "index.html": "",
                    "src/main.ts": "",
                },
            ),
        },
        "fullstack",
    ),
    "a command with pages that it shows": (
        {
            "package.json": package("express", dev=("react", *TOOLS), bin="dist/hub.js", types="dist/hub.d.ts"),
            "src/hub.ts": "",
            "web/index.html": "",
        },
        "node",
    ),
    "scripts of an example, beside nothing else": (
        {"README.md": "", "examples/python/requirements.txt": "rich\n", "examples/python/main.py": ""},
        "python",
    ),
    "a server among examples far down": (
        {"plugins/shop/examples/python/requirements.txt": "flask\n", "plugins/shop/examples/python/app.py": FLASK_PY},
        "flask",
    ),
    "documentation whose scripts call one another": (
        {
            "package.json": package(
                "@docusaurus/core", "react", private=True,
                scripts={"docusaurus": "npx docusaurus", "start": "npm run docusaurus -- start"},
            ),
            "docusaurus.config.js": "",
        },
        "static",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DOUBTED)
def test_it_is_not_certain_of(case: str) -> None:
    files, type, reason = DOUBTED[case]

    answer, told = look_for(files, type)

    assert (answer, reason in told) == ("unknown", True), told


@pytest.mark.parametrize("case", CERTAIN)
def test_it_is_not_put_off_by(case: str) -> None:
    files, expected = CERTAIN[case]

    assert look(files).type == expected


def test_the_reason_is_also_the_evidence_of_an_unknown_project() -> None:
    files, _, reason = DOUBTED["pages beside a package that serves"]

    assert any(reason in evidence.fact for evidence in look(files).evidence)


def test_the_tool_that_a_build_runs_says_where_the_result_lies_whatever_else_is_installed() -> None:
    both = package("react", "react-scripts", dev=TOOLS, scripts={"build": "tsc && vite build"})

    assert look({"package.json": both, "index.html": "", "src/main.tsx": ""}).output_dir == "dist"
    assert look({"package.json": REACT, "index.html": "", "src/main.tsx": ""}).output_dir == "dist"


def test_the_first_of_several_builds_says_where_the_result_lies() -> None:
    twice = package("react", dev=TOOLS, scripts={"build": "vite build && vite build --config vite.config.login.ts"})
    config = 'export default { build: { outDir: "pages" } }'

    detection = look({"package.json": twice, "vite.config.ts": config, "index.html": "", "src/main.tsx": ""})

    assert detection.output_dir == "pages"
