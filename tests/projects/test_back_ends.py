"""Back ends that no usual name leads to, and what only looks like one."""

from __future__ import annotations

import pytest

from tests.projects.looking import FASTAPI_PY, REACT, SERVER_JS, VUE, Files, look, look_for, package

SPA: Files = {"package.json": REACT, "index.html": "", "src/main.tsx": ""}
POM = "<project><artifactId>desk</artifactId><dependencies>{}</dependencies></project>"
SPRING = "<dependency><groupId>org.springframework.boot</groupId></dependency>"
SERVLETS = "<dependency><groupId>jakarta.servlet</groupId></dependency>"


def under(folder: str, files: Files) -> Files:
    return {f"{folder}/{path}": text for path, text in files.items()}


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


def test_java_of_which_nothing_says_that_it_serves_makes_pages_beside_it_no_full_stack() -> None:
    answer, reason = look_for({**java(""), **under("ui", SPA)}, "react")

    assert answer == "unknown"
    assert "nothing says that the Java code in . answers requests" in reason
