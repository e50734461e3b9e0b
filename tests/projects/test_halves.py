"""The other half of a full stack where no framework announces it: said where it is seen, unknown where it may be."""

from __future__ import annotations

import json

import pytest

from tests.projects.looking import ANGULAR_JSON, EXPRESS, FASTAPI_PY, FLASK_PY, Files, look, package, under
from tests.projects.test_wrong_claims import SPA

BUN_TS = "import { answer } from './src/answer'\n\nBun.serve({ fetch: answer })\n"
HTTP_JS = "const { createServer } = require('node:http')\n\ncreateServer(answer).listen(3000)\n"
MAIN_GO = "package main\n\nfunc main() {}\n"
WORKER = 'name = "desk"\nmain = "src/index.ts"\n'

BOTH: dict[str, tuple[Files, list[tuple[str, str]]]] = {
    "a server that a script of its own starts beside Angular": (
        {
            "package.json": package(
                "@angular/core", "express", scripts={"start": "ng serve", "server": "nodemon ./server/index.js"}
            ),
            "angular.json": ANGULAR_JSON,
            "server/index.js": "const express = require('./express')\n",
        },
        [(".", "angular"), (".", "express")],
    ),
    "a worker at the edge above pages": (
        {
            "package.json": package("zod", dev=("wrangler",), private=True, scripts={"dev": "wrangler dev"}),
            "wrangler.toml": WORKER,
            "src/index.ts": "",
            **under("admin", SPA),
        },
        [("admin", "react"), (".", "node")],
    ),
    "an interface that a command of Redwood starts": (
        {
            "package.json": package(dev=("@redwoodjs/core",), private=True, workspaces=["api", "web"]),
            "api/package.json": package("@redwoodjs/api", "@redwoodjs/graphql-server", private=True),
            **under("web", SPA),
        },
        [("web", "react"), ("api", "node")],
    ),
    "a worker beside pages": (
        {
            **under("site", SPA),
            "edge/package.json": package("zod", dev=("wrangler",), private=True),
            "edge/wrangler.jsonc": '{"main": "./src/index.ts"} // ours',
            "edge/src/index.ts": "",
        },
        [("site", "react"), ("edge", "node")],
    ),
    "what Bun serves above pages": (
        {
            "package.json": package("zod", private=True, scripts={"start": "bun run index.ts"}),
            "index.ts": BUN_TS,
            **under("web", SPA),
        },
        [("web", "react"), (".", "node")],
    ),
    "what Node.js serves by itself above pages": (
        {
            "package.json": package("pg", private=True, scripts={"start": "node server.js"}),
            "server.js": HTTP_JS,
            **under("web", SPA),
        },
        [("web", "react"), (".", "node")],
    ),
    "a module in Go whose program lies in the back end": (
        {"go.mod": "module desk\n", "backend/cmd/desk/main.go": MAIN_GO, **under("frontend", SPA)},
        [("frontend", "react"), (".", "go")],
    ),
    "Quasar before a server": (
        {
            "package.json": package(dev=("quasar-cli",), private=True, scripts={"build": "quasar build"}),
            "quasar.conf.js": "module.exports = () => ({ build: {} })\n",
            "src/index.template.html": "",
            "server/package.json": package("koa", scripts={"start": "node app.js"}),
            "server/app.js": "const Koa = require('koa')\n",
        },
        [(".", "vue"), ("server", "node")],
    ),
    "Angular in the directory of its host": (
        {
            "Desk.sln": "",
            "Web/Web.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>',
            "Web/Program.cs": "",
            "Web/angular.json": ANGULAR_JSON,
            "Web/package.json": package("@angular/core", dev=("@angular/cli",)),
        },
        [("Web", "angular"), (".", "dotnet")],
    ),
}

MAYBE: dict[str, tuple[Files, str]] = {
    "a program that a script starts above pages": (
        {
            "package.json": package("left-pad", private=True, scripts={"start": "node src/run.js"}),
            "src/run.js": "",
            **under("web", SPA),
        },
        "package.json starts src/run.js",
    ),
    "a project in Clojure around pages": (
        {**SPA, "project.clj": "(defproject desk)", "src/desk/core.clj": ""},
        "project.clj describes",
    ),
    "a project in Scala beside pages": (
        {**under("ui", SPA), "build.sbt": "", "app/Desk.scala": ""},
        "build.sbt describes",
    ),
    "a package for Python around pages": (
        {**SPA, "setup.py": "", "desk/__init__.py": "", **{f"desk/part{i}.py": "" for i in range(12)}},
        "setup.py describes",
    ),
}

ALONE: dict[str, tuple[Files, str]] = {
    **{
        f"pages with a directory called {name}": (
            {**SPA, f"{name}/package.json": EXPRESS, f"{name}/server.js": ""},
            "react",
        )
        for name in ("dev-server", "mock-server", "mock_api", "fake-api", "json-server", "stub-server", "fake-backend")
    },
    "pages that a worker serves from their own package": (
        {**SPA, "wrangler.jsonc": '{"main": "src/worker.ts"}', "src/worker.ts": ""},
        "react",
    ),
    "pages above which a script starts both halves": (
        {
            "package.json": package(dev=("concurrently",), private=True, scripts={"start": "concurrently 'npm:web'"}),
            **under("web", SPA),
        },
        "react",
    ),
    "pages above which a script of the pages is started": (
        {
            "package.json": package(private=True, scripts={"start": "node web/preview.js"}),
            "web/preview.js": "",
            **under("web", SPA),
        },
        "react",
    ),
    "a package in Go with an example": (
        {"go.mod": "module desk\n", "desk.go": "package desk\n", "examples/one/main.go": MAIN_GO, **under("web", SPA)},
        "react",
    ),
    "pages beside a sandbox for drafts of them": (
        {**under("packages/shop", SPA), **under("packages/mockup-sandbox", SPA)},
        "react",
    ),
    "Quasar for desktops": (
        {
            "package.json": package(
                "quasar", dev=("@quasar/app-vite", "electron"), scripts={"build": "quasar build -m electron"}
            ),
            "quasar.config.js": "",
        },
        "unknown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BOTH)
def test_it_sees_both_halves_of(case: str) -> None:
    files, expected = BOTH[case]

    detection = look(files)

    assert detection.type == "fullstack"
    assert [(part.root, part.type) for part in detection.components] == expected


@pytest.mark.parametrize("case", MAYBE)
def test_it_is_unknown_for(case: str) -> None:
    files, reason = MAYBE[case]

    detection = look(files)
    told = next(other.because for other in detection.alternatives if other.type == "react")

    assert (detection.type, reason in told) == ("unknown", True), told


@pytest.mark.parametrize("case", ALONE)
def test_it_sees_one_half_of(case: str) -> None:
    files, expected = ALONE[case]

    assert look(files).type == expected


def of_nx(builder: str, root: str) -> dict[str, object]:
    return {"projectType": "application", "root": root, "architect": {"build": {"builder": builder}}}


@pytest.mark.parametrize(("listing", "page"), [("angular.json", "angular"), ("workspace.json", "react")])
def test_an_older_nx_lists_both_halves_at_the_top(listing: str, page: str) -> None:
    builder = "@angular-devkit/build-angular:browser" if page == "angular" else "@nrwl/web:build"
    projects = {"shop": of_nx(builder, "apps/shop"), "api": of_nx("@nrwl/node:build", "apps/api")}

    detection = look(
        {
            "nx.json": "{}",
            "package.json": package("@angular/core", "react", "@nestjs/core", dev=("@angular/cli", "@nrwl/workspace")),
            listing: json.dumps({"projects": projects}),
            "apps/shop/src/index.html": "",
            "apps/shop/src/main.tsx": "import React from 'react'\n",
            "apps/api/src/main.ts": "import { NestFactory } from '@nestjs/core'\n",
        }
    )

    assert {part.type for part in detection.components} == {page, "nestjs"}
    assert detection.type == "fullstack"
    assert any(part.build_command == "npx nx build api" for part in detection.components)


def test_finished_images_are_the_project_where_code_lies_far_below_them() -> None:
    images = "services: {board: {image: grafana/grafana}, agent: {image: telegraf}, store: {image: influxdb}}\n"

    detection = look({"compose.yml": images, "clients/go/go.mod": "module desk\n", "clients/go/main.go": MAIN_GO})

    assert detection.type == "docker"


def test_databases_alone_do_not_make_code_in_an_unknown_language_an_image() -> None:
    databases = "services: {db: {image: 'postgres:16'}, cache: {image: redis}}\n"
    code = {f"src/desk/part{i}.cljs": "" for i in range(4)}

    assert look({"compose.yml": databases, **code}).type == "unknown"
    assert look({"compose.yml": databases, "README.md": ""}).type == "docker"


def test_a_database_whose_image_is_built_here_does_not_make_the_code_beside_it_an_image() -> None:
    database = "services: {cache: {image: redis, build: ./redis}}\n"
    files = {"redis/redis.conf": "", **{f"src/part{i}.ts": "" for i in range(4)}}

    assert look({"compose.yml": database, **files}).type == "unknown"


def test_a_page_about_an_image_is_not_what_is_deployed() -> None:
    about = {"index.html": "<h1>desk</h1>", "README.md": ""}

    assert look({**about, "Dockerfile": "FROM alpine\nRUN apk add desk\nENTRYPOINT desk\n"}).type == "unknown"
    assert look({**about, "Dockerfile": "FROM nginx\nCOPY . /usr/share/nginx/html\n"}).type == "static"


def test_pages_with_a_script_as_main_are_no_program() -> None:
    detection = look({"package.json": package(main="src/app.js"), "src/app.js": "", "src/index.html": ""})

    assert (detection.type, "node" in [other.type for other in detection.alternatives]) == ("unknown", True)


def test_a_bot_that_keeps_a_server_is_a_program_still() -> None:
    assert look({"requirements.txt": "aiogram\nflask\n", "bot.py": "", "keep_alive.py": FLASK_PY}).type == "python"
    assert look({"requirements.txt": "aiogram\nfastapi\n", "bot.py": "", "hooks.py": FASTAPI_PY}).type == "fastapi"
