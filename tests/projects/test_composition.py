"""What several directories together are."""

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

Parts = list[tuple[str, str, str]]  # root, type, role


SPA: Files = {"package.json": REACT, "index.html": "", "src/main.tsx": ""}
SERVER: Files = {"package.json": EXPRESS, "server.js": SERVER_JS}
NEXT: Files = {"package.json": package("next", "react", scripts={"build": "next build"}), "next.config.js": ""}
DJANGO: Files = {"manage.py": MANAGE_PY, "config/wsgi.py": WSGI_PY, "requirements.txt": "django\n"}
CRA = package("react", "react-scripts", scripts={"start": "react-scripts start", "build": "react-scripts build"})
LIBRARY: Files = {"package.json": package(exports="./index.js", name="part"), "index.js": ""}
WORKSPACE: Files = {
    "pnpm-workspace.yaml": "packages:\n  - './apps/*'\n  - 'packages/*'\n",
    "package.json": package(private=True, dev=("turbo",)),
    "turbo.json": "{}",
    "pnpm-lock.yaml": "",
}

CASES: dict[str, tuple[Files, str, Parts]] = {
    "a front end beside a back end": (
        {**under("frontend", SPA), **under("backend", {"main.py": FASTAPI_PY, "requirements.txt": "fastapi\n"})},
        "fullstack",
        [("frontend", "react", "frontend"), ("backend", "fastapi", "backend")],
    ),
    "a back end at the top": (
        {**SERVER, **under("client", SPA)},
        "fullstack",
        [("client", "react", "frontend"), (".", "express", "backend")],
    ),
    "a top that only starts both": (
        {
            "package.json": package(dev=("concurrently",), scripts={"start": "concurrently 'npm:a' 'npm:b'"}),
            **under("client", SPA),
            **under("server", SERVER),
        },
        "fullstack",
        [("client", "react", "frontend"), ("server", "express", "backend")],
    ),
    "a front end four directories down": (
        {
            "pyproject.toml": '[project]\nname = "desk"\ndependencies = ["fastapi"]\n',
            "src/desk/main.py": FASTAPI_PY,
            "src/desk/__init__.py": "",
            **under("src/desk/static/desk", {"package.json": VUE, "index.html": "", "src/main.js": ""}),
        },
        "fullstack",
        [("src/desk/static/desk", "vue", "frontend"), (".", "fastapi", "backend")],
    ),
    "both halves in one directory": (
        {**DJANGO, "package.json": REACT, "index.html": "", "src/main.tsx": ""},
        "fullstack",
        [(".", "react", "frontend"), (".", "django", "backend")],
    ),
    "both halves in one package.json": (
        {
            "package.json": package(
                "vue",
                "express",
                dev=("vite", "@vitejs/plugin-vue"),
                scripts={
                    "start": "npm run start-server",
                    "start-server": "node server/server.js",
                    "build": "vite build",
                },
            ),
            "index.html": "",
            "src/main.js": "",
            "server/server.js": SERVER_JS,
        },
        "fullstack",
        [(".", "vue", "frontend"), (".", "express", "backend")],
    ),
    "a workspace with both": (
        {**WORKSPACE, **under("apps/web", NEXT), **under("apps/api", SERVER), **under("packages/ui", LIBRARY)},
        "fullstack",
        [("apps/web", "nextjs", "frontend"), ("apps/api", "express", "backend")],
    ),
    "a workspace with applications of one kind": (
        {**WORKSPACE, **under("apps/shop", NEXT), **under("apps/web", NEXT)},
        "nextjs",
        [("apps/shop", "nextjs", "frontend"), ("apps/web", "nextjs", "frontend")],
    ),
    "a workspace of packages": (
        {**WORKSPACE, **under("packages/one", LIBRARY), **under("packages/two", LIBRARY)},
        "monorepo",
        [("packages/one", "node", "library"), ("packages/two", "node", "library")],
    ),
    "unrelated front ends": (
        {**under("apps/next", NEXT), **under("apps/vite", SPA)},
        "monorepo",
        [("apps/next", "nextjs", "frontend"), ("apps/vite", "react", "frontend")],
    ),
    "services in several languages": (
        {
            "docker-compose.yml": "services: {v: {build: ./vote}, r: {build: ./result}, w: {build: ./worker}}\n",
            **under("vote", {"app.py": FLASK_PY, "requirements.txt": "flask\n", "Dockerfile": "FROM python:3.12\n"}),
            **under("result", {**SERVER, "Dockerfile": "FROM node:20\n"}),
            **under("worker", {"go.mod": "module worker\n", "main.go": "", "Dockerfile": "FROM golang:1.23\n"}),
        },
        "docker",
        [("result", "express", "backend"), ("vote", "flask", "backend"), ("worker", "go", "backend")],
    ),
    "one application in a directory": (under("app", SPA), "react", []),
    "a server on any framework below a Dockerfile": (
        {
            "Dockerfile": "FROM node:24\n",
            **under("desk-web", SPA),
            **under("desk-core", {"package.json": package("fastify", scripts={"start": "node dist/server.js"})}),
        },
        "fullstack",
        [("desk-web", "react", "frontend"), ("desk-core", "node", "backend")],
    ),
    "one front end before many services": (
        {
            **under("frontend", SPA),
            **{
                path: text
                for number in range(9)
                for path, text in under(f"services/s{number}", {"go.mod": "module s\n", "main.go": ""}).items()
            },
        },
        "fullstack",
        [("frontend", "react", "frontend"), *((f"services/s{number}", "go", "backend") for number in range(9))],
    ),
    "both halves in one package.json, started without a build step": (
        {
            "package.json": package(
                "express",
                dev=("react", "vite", "@vitejs/plugin-react", "tsx"),
                scripts={"pages": "vite build", "start": "npm run pages && tsx index.ts"},
                main="index.ts",
            ),
            "index.ts": "import express from 'express'\n",
            "client/src/index.html": "",
        },
        "fullstack",
        [(".", "react", "frontend"), (".", "express", "backend")],
    ),
    "both halves in one package.json, compiled before they start": (
        {
            "package.json": package(
                "express",
                "react",
                dev=("vite", "@vitejs/plugin-react", "tsx"),
                scripts={
                    "dev": "tsx server/index.ts",
                    "build": "vite build && esbuild server/index.ts",
                    "start": "node dist/index.js",
                },
            ),
            "server/index.ts": "import express from 'express'\n",
            "client/index.html": "",
        },
        "fullstack",
        [(".", "react", "frontend"), (".", "express", "backend")],
    ),
    "both halves in one package.json, restarted on change": (
        {
            "package.json": package("express", "react", dev=("webpack",), scripts={"start": "nodemon server"}),
            "server/index.js": SERVER_JS,
            "client/public/index.html": "",
        },
        "fullstack",
        [(".", "react", "frontend"), (".", "express", "backend")],
    ),
    "a program in Go under another name than main": (
        {**under("web", SPA), **under("desk", {"go.mod": "module desk\n", "desk.go": "package main\n"})},
        "fullstack",
        [("web", "react", "frontend"), ("desk", "go", "backend")],
    ),
    "a program in Go below its module": (
        {"go.mod": "module desk\n", "bin/desk/main.go": "package main\n", **under("web", SPA)},
        "fullstack",
        [("web", "react", "frontend"), (".", "go", "backend")],
    ),
    "a package in Go beside a front end": (
        {"go.mod": "module desk\n", "desk.go": "package desk\n", **under("web", SPA)},
        "react",
        [],
    ),
    "more applications side by side than one would have": (
        {
            **under("desk0", SPA),
            **{
                path: text
                for number in range(1, 10)
                for path, text in under(
                    f"desk{number}", {"main.py": FASTAPI_PY, "requirements.txt": "fastapi\n"}
                ).items()
            },
        },
        "monorepo",
        [("desk0", "react", "frontend"), *((f"desk{number}", "fastapi", "backend") for number in range(1, 10))],
    ),
    "a server whose package.json lists what its front end needs": (
        {
            "package.json": package("express", "react", "react-scripts", scripts={"start": "node backend/server.js"}),
            "backend/server.js": SERVER_JS,
            **under("frontend", {"package.json": CRA, "public/index.html": "", "src/App.js": ""}),
        },
        "fullstack",
        [("frontend", "react", "frontend"), (".", "express", "backend")],
    ),
    "pages of the project without a project above them": (
        {**under("website", SPA), **under("api", SERVER)},
        "fullstack",
        [("website", "react", "frontend"), ("api", "express", "backend")],
    ),
    "pages of the project beside its server": (
        {
            "package.json": package(dev=("concurrently",), scripts={"start": "concurrently 'npm:a' 'npm:b'"}),
            **under("website", SPA),
            **under("server", SERVER),
        },
        "fullstack",
        [("website", "react", "frontend"), ("server", "express", "backend")],
    ),
    "pages about the project at the top": (
        {**SERVER, **under("website", SPA)},
        "express",
        [],
    ),
    "variants of an application, each with both halves": (
        {
            path: text
            for name in ("cookies", "tokens")
            for path, text in {**under(f"{name}/frontend", SPA), **under(f"{name}/backend", SERVER)}.items()
        },
        "monorepo",
        [
            *((f"{name}/frontend", "react", "frontend") for name in ("cookies", "tokens")),
            *((f"{name}/backend", "express", "backend") for name in ("cookies", "tokens")),
        ],
    ),
    "an application with both halves among other samples": (
        {
            **under("compose-shop/client", SPA),
            **under("compose-shop/back", SERVER),
            **under("compose-paper", {"app.py": FLASK_PY, "requirements.txt": "flask\n"}),
            **under("compose-ink", {"app.py": FLASK_PY, "requirements.txt": "flask\n"}),
        },
        "monorepo",
        [
            ("compose-shop/client", "react", "frontend"),
            *((root, "flask", "backend") for root in ("compose-ink", "compose-paper")),
            ("compose-shop/back", "express", "backend"),
        ],
    ),
    "both halves in one directory, beside services": (
        {
            **under("apps/shop", SPA),
            **under("apps/desk", SERVER),
            **under("paper", {"app.py": FLASK_PY, "requirements.txt": "flask\n"}),
            **under("ink", {"app.py": FLASK_PY, "requirements.txt": "flask\n"}),
        },
        "fullstack",
        [
            ("apps/shop", "react", "frontend"),
            *((root, "flask", "backend") for root in ("ink", "paper")),
            ("apps/desk", "express", "backend"),
        ],
    ),
    "the one front end among published packages": (
        {
            **WORKSPACE,
            **under("packages/frontend", {"package.json": package("vue", "part", dev=("vite",)), "index.html": ""}),
            **{f"packages/{name}/{path}": text for name in ("a", "b", "c", "d") for path, text in LIBRARY.items()},
        },
        "vue",
        [],
    ),
    "an application beside the one package that it is made of": (
        {
            "package.json": package(private=True, workspaces=["packages/*"]),
            **under("packages/web", {**NEXT, "package.json": package("next", "part", scripts={"build": "next build"})}),
            **under("packages/common", LIBRARY),
        },
        "nextjs",
        [],
    ),
    "applications that nothing ties together": (
        {
            **WORKSPACE,
            **{f"apps/{name}/{path}": text for name in ("paper", "ink") for path, text in NEXT.items()},
            **{f"apps/{name}/{path}": text for name in ("north", "south", "west") for path, text in SERVER.items()},
        },
        "monorepo",
        [
            *((f"apps/{name}", "nextjs", "frontend") for name in ("ink", "paper")),
            *((f"apps/{name}", "express", "backend") for name in ("north", "south", "west")),
        ],
    ),
    "many applications of which one is named as a half": (
        {
            **WORKSPACE,
            **{f"apps/{name}/{path}": text for name in ("paper", "ink") for path, text in NEXT.items()},
            **{f"apps/{name}/{path}": text for name in ("api", "south", "west") for path, text in SERVER.items()},
        },
        "fullstack",
        [
            *((f"apps/{name}", "nextjs", "frontend") for name in ("ink", "paper")),
            *((f"apps/{name}", "express", "backend") for name in ("api", "south", "west")),
        ],
    ),
    "modules that a Go workspace binds": (
        {
            "go.work": "go 1.24\nuse ./api\n",
            **under("api", {"go.mod": "module api\n", "main.go": ""}),
            **under("web", SPA),
        },
        "fullstack",
        [("web", "react", "frontend"), ("api", "go", "backend")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_together_they_are(case: str) -> None:
    files, expected, parts = CASES[case]

    detection = look(files)

    assert detection.type == expected
    assert [(part.root, part.type, part.role) for part in detection.components] == parts


def test_one_application_in_a_directory_keeps_its_root() -> None:
    assert look(under("app", SPA)).root == "app"


def test_a_full_stack_carries_the_result_of_one_half_and_the_server_of_the_other() -> None:
    detection = look({**under("web", SPA), **under("api", {**DJANGO, ".python-version": "3.13"})})

    assert (detection.output_dir, detection.app_object, detection.port) == ("dist", "config.wsgi:application", 8000)
    assert (detection.language, detection.runtime_version) == ("python", "3.13")


def test_a_member_of_a_workspace_uses_the_lock_file_above_it() -> None:
    detection = look({**WORKSPACE, **under("apps/web", NEXT), **under("packages/ui", LIBRARY)})

    assert (detection.type, detection.root, detection.package_manager) == ("nextjs", "apps/web", "pnpm")
    assert (detection.install_command, detection.install_root) == ("pnpm install --frozen-lockfile", ".")
    assert detection.build_command == "pnpm exec turbo run build --filter=shop"


def test_a_negated_pattern_takes_a_member_out() -> None:
    files = {**WORKSPACE, "pnpm-workspace.yaml": "packages: ['packages/*', '!packages/old']\n"}

    detection = look(
        {
            **files,
            **{
                path: text
                for name in ("one", "two", "old")
                for path, text in under(f"packages/{name}", LIBRARY).items()
            },
        }
    )

    assert [part.root for part in detection.components] == ["packages/one", "packages/two"]


def test_what_was_not_chosen_is_told_with_the_reason() -> None:
    detection = look({**SERVER, **under("client", SPA)})

    reasons = {other.type: other.because for other in detection.alternatives}
    assert set(reasons) == {"express", "react", "node", "static"}
    assert "as a whole this is fullstack" in reasons["react"]
    assert "express says more about what runs" in reasons["node"]
