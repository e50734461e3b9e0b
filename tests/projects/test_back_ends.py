"""Back ends that no usual name leads to, and what only looks like one."""

from __future__ import annotations

import pytest

from tests.projects.looking import FASTAPI_PY, REACT, SERVER_JS, VUE, Files, look, look_for, package, under

SPA: Files = {"package.json": REACT, "index.html": "", "src/main.tsx": ""}
POM = "<project><artifactId>desk</artifactId><dependencies>{}</dependencies></project>"
SPRING = "<dependency><groupId>org.springframework.boot</groupId></dependency>"
SERVLETS = "<dependency><groupId>jakarta.servlet</groupId></dependency>"


def java(dependencies: str) -> Files:
    return {"pom.xml": POM.format(dependencies), "src/main/java/desk/Desk.java": ""}


CASES: dict[str, tuple[Files, str]] = {
    "Express in a module that its builder is named for": (
        {
            "package.json": package(dev=("express",), scripts={"start": "node dist/index.js", "build": "node b.mjs"}),
            "src/http/buildApp.ts": "import express from 'express'\nexport const app = express()\n",
        },
        "express",
    ),
    "Express further down, beside a workspace's own modules": (
        {
            "package.json": package("express", "react-dom", private=True, workspaces=["src/modules/*"]),
            "src/index.ts": "import './express/server'\n",
            "src/express/server.ts": SERVER_JS,
        },
        "express",
    ),
    "Express in a module that belongs to a package of the workspace": (
        {
            "package.json": package("express", private=True, workspaces=["modules/*"]),
            "modules/desk/server.ts": SERVER_JS,
            "modules/desk/package.json": package(name="desk"),
        },
        "unknown",
    ),
    "Flask under a name of the project's own": (
        {
            "requirements.txt": "flask\n",
            "app.py": "from support import ShopFlask\n\napp = ShopFlask(__name__)\n",
            "support.py": "import json, flask\n\n\nclass ShopFlask(flask.Flask):\n    pass\n",
        },
        "flask",
    ),
    "plain pages that are called the front end": (
        {
            **under("backend", {"requirements.txt": "fastapi\n", "main.py": FASTAPI_PY, "a.py": "", "b.py": ""}),
            "frontend/index.html": "",
        },
        "fullstack",
    ),
    "a system for contents behind pages": (
        {
            **under("contents", {"package.json": package("next", "payload"), "next.config.mjs": ""}),
            **under("shop", {"package.json": package("nuxt"), "nuxt.config.ts": ""}),
        },
        "fullstack",
    ),
    "a system for contents that shows its own pages": (
        {"package.json": package("next", "payload"), "next.config.mjs": ""},
        "nextjs",
    ),
    "Java on Spring beside pages": ({**java(SPRING), **under("ui", SPA)}, "fullstack"),
    "Java in a server for servlets beside pages": ({**java(SERVLETS), **under("ui", SPA)}, "fullstack"),
    "Java in an image beside pages": (
        {**under("desk", {**java(""), "Dockerfile": "FROM eclipse-temurin:21\n"}), **under("ui", SPA)},
        "fullstack",
    ),
    "pages to copy beside a server": (
        {
            "package.json": package("hyper-express", scripts={"start": "node app.js"}),
            "app.js": "",
            **under("page-templates/plain", {"package.json": VUE, "index.html": "", "src/main.js": ""}),
            **under("page-templates/rich", {"package.json": VUE, "index.html": "", "src/main.js": ""}),
        },
        "node",
    ),
    "a worker in a directory of its own beside pages": (
        {**SPA, "wrangler.jsonc": '{"main": "./api/index.js"}', "api/index.js": "import { Hono } from 'hono'\n"},
        "fullstack",
    ),
    "Nitro below pages that Vite builds": (
        {
            "package.json": REACT.replace('"vite": ', '"nitro": "3", "vite": '),
            "index.html": "",
            "src/main.tsx": "",
            "server/routes/orders.ts": "",
        },
        "fullstack",
    ),
    "plain pages below a front end's name, beside servers": (
        {
            **under("backend", {"package.json": package("express", scripts={"start": "node app.js"}), "app.js": ""}),
            **under("crawler", {"package.json": package("express", scripts={"start": "node app.js"}), "app.js": ""}),
            "frontend/login/index.html": "",
        },
        "fullstack",
    ),
    "a gateway in Python beside pages": (
        {
            **under("gateway", {"pyproject.toml": '[project]\nname = "gateway"\n', "app.py": "import litellm\n"}),
            **under("frontend", SPA),
        },
        "fullstack",
    ),
    "WordPress as Composer fetches it, behind pages": (
        {
            "wordpress/composer.json": '{"require": {"johnpbloch/wordpress-core": "^6"}}',
            "wordpress/wp-config.php": "",
            **under("pages", {"package.json": package("gatsby", scripts={"build": "gatsby build"})}),
            "pages/gatsby-config.js": "",
        },
        "fullstack",
    ),
    "a server on Koa that hands out what is built": (
        {
            "package.json": package("koa", "koa-static", "react", "react-dom", dev=("webpack",), private=True),
            "webpack.config.js": "",
            "public/index.html": "",
            "src/index.tsx": "",
            "server/index.ts": "import Koa from 'koa'\nimport files from 'koa-static'\n",
        },
        "react",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_right_for(case: str) -> None:
    files, expected = CASES[case]

    assert look(files).type == expected


@pytest.mark.parametrize("needs", ["", "<dependency><groupId>javax.inject</groupId></dependency>"])
def test_java_of_which_nothing_says_that_it_serves_makes_pages_beside_it_no_full_stack(needs: str) -> None:
    answer, reason = look_for({**java(needs), **under("ui", SPA)}, "react")

    assert answer == "unknown"
    assert "nothing says that the Java code in . answers requests" in reason


LISTENS = "import { createServer } from 'node:http'\ncreateServer((a, b) => b.end()).listen(3000)\n"

PROGRAMS: dict[str, tuple[Files, str]] = {
    "Nitro": (
        {"package.json": package(dev=("nitropack",), private=True, scripts={"build": "nitro build"}), "a.ts": ""},
        "node",
    ),
    "a function of Google's": ({"package.json": package("@google-cloud/functions-framework"), "a.js": ""}, "node"),
    "a function of Azure's": (
        {"package.json": package("jsonwebtoken"), "host.json": "{}", "greet/function.json": "{}", "greet/a.js": ""},
        "node",
    ),
    "a program that only a Procfile starts": (
        {"package.json": package(), "Procfile": "worker: node worker.js\n", "worker.js": ""},
        "node",
    ),
    "a Procfile that starts something else": ({"package.json": package(), "Procfile": "web: ./run\n"}, "unknown"),
    "a module that listens by itself, with tools alone": (
        {"package.json": package(private=True, dev=("typescript", "@types/node")), "src/server.ts": LISTENS},
        "node",
    ),
    "a module that imports by address, without a manifest": (
        {"src/index.ts": 'import * as o from "https://deno.land/x/cow/mod.ts";\n'},
        "deno",
    ),
    "a module without a manifest": ({"src/index.ts": 'import * as o from "./cow.ts";\n'}, "unknown"),
    "notebooks with tests": (
        {"requirements.txt": "pandas\n", "sums.ipynb": "{}", "test_sums.py": "", "noxfile_config.py": ""},
        "unknown",
    ),
    "a function of Google's in Python": (
        {"requirements.txt": "functions-framework\nflask\n", "main.py": "from flask import jsonify\n"},
        "python",
    ),
    "notebooks with their environment": ({"environment.yml": "name: desk\n", "sums.ipynb": "{}"}, "unknown"),
    "Starlette that only the image installs": (
        {
            "Dockerfile": "FROM python:3.12\nRUN pip install starlette\nCOPY app /app\n",
            "app/main.py": "from starlette.applications import Starlette\n\napp = Starlette()\n",
        },
        "python",
    ),
    "a bundler that no script runs": (
        {"package.json": package("fastify", dev=("esbuild",), scripts={"lint": "eslint"}), "public/index.html": ""},
        "unknown",
    ),
    "images with a page as a sample": (
        {
            **{f"images/{name}.dockerfile": "FROM python:3.12\n" for name in ("old", "new", "slim")},
            "images/app/main.py": FASTAPI_PY,
            "images/requirements.txt": "fastapi\n",
        },
        "docker",
    ),
    "images with more than a sample": (
        {
            **{f"{name}.dockerfile": "FROM python:3.12\n" for name in ("old", "new", "slim")},
            **{f"desk/{name}.py": "" for name in ("__init__", "orders", "pages")},
            "main.py": FASTAPI_PY,
            "requirements.txt": "fastapi\n",
        },
        "fastapi",
    ),
    "finished images with what their tests need": (
        {
            "pyproject.toml": '[project]\nname = "hosted"\ndependencies = []\n[dependency-groups]\ndev = ["pytest"]\n',
            "compose.yml": "services:\n  web: {image: 'shop:1'}\n  work: {image: 'shop:1'}\n  db: {image: postgres}\n",
            "tests/test_it.py": "",
            "setup/check.py": "",
        },
        "docker",
    ),
    "many images of many scripts": (
        {
            f"{version}/{kind}/{name}": "FROM php:8\n" if name == "Dockerfile" else ""
            for version in ("30", "31")
            for kind in ("apache", "fpm", "alpine")
            for name in ("Dockerfile", *(f"config/{number}.php" for number in range(7)))
        },
        "docker",
    ),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_without_a_usual_start_it_is_told_of(case: str) -> None:
    files, expected = PROGRAMS[case]

    assert look(files).type == expected


def test_pages_that_the_package_of_a_server_builds_leave_a_doubt() -> None:
    chat = package(
        "express",
        "socket.io",
        dev=("vue", "vite"),
        bin="index.js",
        scripts={"build": "vite build", "start": "node index.js"},
    )
    files = {"package.json": chat, "index.js": "", "server/server.ts": SERVER_JS, "vite.config.ts": ""}

    answer, reason = look_for({**files, **{f"client/part{number}.vue": "" for number in range(12)}}, "express")

    assert answer == "unknown"
    assert "package.json builds pages with vue" in reason
    assert look({**files, "client/part.vue": ""}).type == "express"


def test_functions_bear_the_name_that_they_have_at_their_platform() -> None:
    files, _ = PROGRAMS["a function of Azure's"]

    assert look(files).framework == "azure-functions"
