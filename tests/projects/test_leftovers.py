"""What is left of an earlier form of a project, what lies packed in another, what only is published."""

from __future__ import annotations

import pytest

from tests.projects.looking import ANGULAR_JSON, EXPRESS, REACT, SERVER_JS, Files, look, package, under

SPA: Files = {"package.json": REACT, "index.html": "", "src/main.tsx": ""}
SERVER: Files = {"package.json": EXPRESS, "server.js": SERVER_JS}
SPRING = "<project><dependency><groupId>org.springframework.boot</groupId></dependency></project>"
PUBLIC = {"access": "public"}
IMAGES: Files = {
    "docker-compose.yml": "services: {pages: {build: nginx}, shop: {build: shop}, stock: {build: mysql}}\n",
    "nginx/Dockerfile": "FROM nginx\n",
    "mysql/Dockerfile": "FROM mysql\n",
    "shop/Dockerfile": "FROM golang\n",
    "shop/main.go": "package main\n",
}
HANDS_OUT = "const app = require('express')()\napp.use(express.static('dist'))\napp.get('/{}', answer)\n"
ANGULAR: Files = {
    "package.json": package("@angular/core", dev=("@angular/cli",), scripts={"build": "ng build"}),
    "angular.json": ANGULAR_JSON,
    "src/main.ts": "",
    "src/index.html": "",
}


def next_beside_a_server(build: str) -> Files:
    """Express and a configuration of Next.js at the top, the pages further down."""
    top = package("next", "react", "express", scripts={"build": build, "start": "node server.js"}, main="server.js")
    return {"package.json": top, "next.config.js": "", "server.js": SERVER_JS, **under("client", SPA)}


def shown_by(server: str) -> Files:
    """Pages with a server beside them that a script starts."""
    pages = package("react", "express", dev=("vite",), scripts={"start": "node server.js"})
    return {"package.json": pages, "server.js": server, "index.html": "", "src/main.jsx": ""}


def in_a_workspace(*, private: bool) -> Files:
    """A front end and a back end in one workspace, that say how they are published."""
    page = package(
        "@angular/core",
        dev=("@angular/cli",),
        scripts={"dev": "ng serve", "build": "ng build"},
        name="desk",
        private=private,
        publishConfig=PUBLIC,
    )
    server = package(
        "@nestjs/core", scripts={"start": "nest start"}, name="core", private=private, publishConfig=PUBLIC
    )
    return {
        "package.json": package(private=True, name="all"),
        "lerna.json": '{"packages": ["packages/*"]}',
        **under("packages/desk", {**ANGULAR, "package.json": page}),
        **under("packages/core", {"package.json": server, "nest-cli.json": "{}", "src/main.ts": "", "src/app.ts": ""}),
    }


CASES: dict[str, tuple[Files, str]] = {
    "a configuration of Next.js, where the build goes to other pages": (
        next_beside_a_server("cd client && npm run build && cp -r client/build ./build"),
        "fullstack",
    ),
    "likewise, told by an option": (next_beside_a_server("npm --prefix client run build"), "fullstack"),
    "Next.js that builds itself and other pages": (
        next_beside_a_server("npm --prefix client run build; next build"),
        "nextjs",
    ),
    "packages that are published": (in_a_workspace(private=False), "monorepo"),
    "packages that stay here": (in_a_workspace(private=True), "fullstack"),
    "pages packed with a server in Java": (
        {"pom.xml": SPRING, "src/main/java/Shop.java": "", **under("src/main/resources/front-end", ANGULAR)},
        "fullstack",
    ),
    "samples packed with a server in Java": (
        {"pom.xml": SPRING, "src/main/java/Shop.java": "", **under("src/main/resources/templates/desk", SPA)},
        "java",
    ),
    "services beside the two halves of one application": (
        {
            **under("frontend", SPA),
            **under("backend", SERVER),
            **{path: text for i in range(8) for path, text in under(f"jobs/part{i}", SERVER).items()},
            **under("stock/desk", SPA),
        },
        "fullstack",
    ),
    "what was made of a program for telephones": (
        {
            **under("frontend", SPA),
            **under("backend", SERVER),
            **{f"decompiled/a/{i}.java": "" for i in range(60)},
        },
        "fullstack",
    ),
    "Go as it was before modules, one of several images": (
        {**IMAGES, **{f"shop/{name}/{name}.go": "" for name in ("routes", "orders", "models", "filters")}},
        "go",
    ),
    "a script in Go that fills an image": (IMAGES, "docker"),
    "a server that hands out pages and says that it lives": (shown_by(HANDS_OUT.format("health")), "react"),
    "a server that hands out pages and something of its own": (shown_by(HANDS_OUT.format("healthy-food")), "fullstack"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_left_packed_or_published_is_told_from_what_runs(case: str) -> None:
    files, expected = CASES[case]

    assert look(files).type == expected


EXPORTS = {
    "next build && next export -o build": "build",
    "next export --outdir ./pages/ && cp -r pages /srv": "pages",
    "next build && next export": "out",
    "next export && tar -o all.tar out": "out",
}


@pytest.mark.parametrize("script", EXPORTS)
def test_the_pages_that_next_exports_lie_where_the_script_says(script: str) -> None:
    exported = package("next", "react", scripts={"build": script})

    assert look({"package.json": exported, "next.config.js": "", "pages/index.js": ""}).output_dir == EXPORTS[script]


BUILDS = {
    "the build exports": ({"build": "next build && next export"}, "npm run build"),
    "the build calls what exports": ({"build": "next build && npm run pages", "pages": "next export"}, "npm run build"),
    "another script builds and exports": (
        {"build": "next build", "export": "npm run build && next export"},
        "npm run export",
    ),
    "another script only exports": (
        {"build": "next build", "export": "next export"},
        "npm run build && npm run export",
    ),
    "nothing builds by name": ({"export": "next export"}, "npx next build && npm run export"),
}


@pytest.mark.parametrize("case", BUILDS)
def test_what_builds_an_exported_site_leaves_the_pages(case: str) -> None:
    scripts, expected = BUILDS[case]
    exported = package("next", "react", scripts=scripts)

    detection = look({"package.json": exported, "next.config.js": "", "pages/index.js": ""})

    assert (detection.build_command, detection.output_dir) == (expected, "out")


@pytest.mark.parametrize("version", ["15.5.2", "^14.0.0", "~14", ">=16.1"])
def test_a_script_that_exports_is_a_leftover_where_next_has_no_such_command(version: str) -> None:
    scripts = {"build": "next build", "start": "next start", "export": "next export"}
    kept = package(f"next@{version}", "react", scripts=scripts)

    detection = look({"package.json": kept, "next.config.js": "", "pages/index.js": ""})

    assert (detection.build_command, detection.output_dir) == ("npm run build", ".next")
    assert detection.start_command == "npm start"


@pytest.mark.parametrize("version", ["13.4.0", "^9.1.4", "latest", "1.4.0"])
def test_a_script_exports_where_next_may_have_the_command(version: str) -> None:
    kept = package(f"next@{version}", "react", scripts={"build": "next build && next export"})

    assert look({"package.json": kept, "next.config.js": "", "pages/index.js": ""}).output_dir == "out"
