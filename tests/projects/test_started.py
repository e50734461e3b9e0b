"""What the scripts of a package tell: a program is what they start, not what they are made with."""

from __future__ import annotations

import pytest

from tests.projects.looking import MANAGE_PY, SERVER_JS, Files, look, package

WEBPACK = {"start": "webpack-dev-server", "build": "webpack --config webpack.prod.js"}

CASES: dict[str, tuple[Files, str]] = {
    "pages that scripts of the project's own make and show": (
        {
            "package.json": package(dev=("sass", "pug"), scripts={"start": "npm run build && node scripts/show.js"}),
            "scripts/show.js": "",
            "src/index.js": "",
            "src/pug/page.pug": "",
        },
        "unknown",
    ),
    "a program that starts what was built": (
        {"package.json": package("got", scripts={"start": "node build/index.js", "build": "tsc"}), "src/index.ts": ""},
        "node",
    ),
    "pages that a bundler makes beside a server that nothing starts": (
        {
            "package.json": package(dev=("webpack", "html-webpack-plugin"), main="index.js", scripts=WEBPACK),
            "index.js": SERVER_JS,
            "app/index.html": "",
        },
        "static",
    ),
    "Create React App under a name that nobody knows": (
        {
            "package.json": package(
                "react", "react-dom", dev=("my-scripts",), scripts={"build": "react-scripts build"}
            ),
            "public/index.html": "",
            "src/index.js": "",
        },
        "react",
    ),
    "an API that only the application beside it imports": (
        {
            "package.json": package(private=True, workspaces=["apps/*", "packages/*"]),
            "apps/web/package.json": package("next", "@shop/api", scripts={"build": "next build"}),
            "apps/web/next.config.js": "",
            "packages/api/package.json": package("@trpc/server", name="@shop/api", private=True),
            "packages/api/src/index.ts": 'import { initTRPC } from "@trpc/server"\n',
        },
        "nextjs",
    ),
    "an API that starts, although the application beside it imports its types": (
        {
            "package.json": package(private=True, workspaces=["apps/*"]),
            "apps/web/package.json": package("next", "@shop/api", scripts={"build": "next build"}),
            "apps/web/next.config.js": "",
            "apps/api/package.json": package("hono", name="@shop/api", private=True, scripts={"start": "node a.js"}),
            "apps/api/src/index.ts": 'import { Hono } from "hono"\n',
        },
        "fullstack",
    ),
    "pages of Umi, which brings React along": (
        {"package.json": package("umi", scripts={"build": "umi build", "start": "npm run dev"}), "src/pages/a.tsx": ""},
        "react",
    ),
    "an application on TanStack Start under its first name": (
        {"package.json": package("@tanstack/start", "react", scripts={"build": "vinxi build"}), "app/client.tsx": ""},
        "react",
    ),
    "an application on Blitz, which brings Next.js along": (
        {"package.json": package("blitz", "react", scripts={"build": "blitz build"}), "app/pages/index.tsx": ""},
        "nextjs",
    ),
    "pages of Nuxt that are only generated": (
        {
            "package.json": package("nuxt", main="pages/index.js", scripts={"generate": "nuxt generate"}),
            "pages/index.js": "",
        },
        "nuxt",
    ),
    "pages of Ember": (
        {
            "package.json": package(
                dev=("ember-cli", "ember-source"), scripts={"start": "ember serve", "build": "ember build"}
            ),
            "app/app.js": "",
            "app/index.html": "",
        },
        "static",
    ),
    "both halves of Redwood": (
        {
            "package.json": package(private=True, dev=("@redwoodjs/core",), workspaces=["api", "web"]),
            "web/package.json": package("@redwoodjs/web", "react", "react-dom", private=True),
            "web/src/index.html": "",
            "api/package.json": package("@redwoodjs/api", private=True),
            "api/src/functions/graphql.js": "",
        },
        "fullstack",
    ),
    "a program made of packages of its own workspace": (
        {
            "package.json": package("paper", "ink", private=True, scripts={"start": "node index.js"}),
            "pnpm-workspace.yaml": "packages: ['packages/*']\n",
            "index.js": "",
            "packages/paper/package.json": package(name="paper", main="index.js"),
            "packages/paper/index.js": "",
            "packages/ink/package.json": package(name="ink", main="index.js"),
            "packages/ink/index.js": "",
        },
        "node",
    ),
    "pages that a package without scripts lies above": (
        {
            "package.json": package("vite", "xlsx"),
            "site/package.json": package("react", dev=("vite",), scripts={"build": "vite build"}),
            "site/index.html": "",
        },
        "react",
    ),
    "pages at the top of a Django project that a build backend knows of": (
        {
            "package.json": package("react", "react-dom", dev=("webpack",), private=True, scripts=WEBPACK),
            "pyproject.toml": '[tool.poetry]\nname = "shop"\n[build-system]\nrequires = []\n',
            "frontend/js/index.tsx": "",
            "backend/manage.py": MANAGE_PY,
            "backend/config/settings.py": "",
        },
        "fullstack",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_by_their_scripts_they_are(case: str) -> None:
    files, expected = CASES[case]

    assert look(files).type == expected


def test_redwood_is_built_and_started_by_its_own_command() -> None:
    files, _ = CASES["both halves of Redwood"]

    web, api = look({**files, "yarn.lock": "# yarn lockfile v1\n"}).components

    assert (web.build_command, api.build_command) == ("yarn rw build web", "yarn rw build api")
    assert (api.start_command, api.port) == ("yarn rw serve api", 8911)
