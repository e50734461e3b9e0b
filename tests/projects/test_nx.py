"""Workspaces of Nx: applications that are described by a project.json, with the dependencies of the top."""

from __future__ import annotations

import json

import pytest

from tests.projects.looking import Files, look, package, under

NX_TOP: Files = {
    "nx.json": "{}",
    "package.json": package(
        "react", "@nestjs/core", "express", dev=("nx", "vite", "@vitejs/plugin-react"), private=True
    ),
    "yarn.lock": "",
}


def nx_project(executor: str, **options: str) -> str:
    return json.dumps({"projectType": "application", "targets": {"build": {"executor": executor, "options": options}}})


NX_WEB: Files = {
    "project.json": nx_project("@nx/vite:build", outputPath="dist/apps/web"),
    "vite.config.ts": "import react from '@vitejs/plugin-react'\nexport default { plugins: [react()] }\n",
    "index.html": "",
}


@pytest.mark.parametrize(
    ("entry", "kind"),
    [("import { NestFactory } from '@nestjs/core'\n", "nestjs"), ("import express from 'express'\n", "express")],
)
def test_an_nx_application_depends_on_what_it_names_of_the_top(entry: str, kind: str) -> None:
    server = {"project.json": nx_project("@nx/webpack:webpack", outputPath="dist/apps/api"), "src/main.ts": entry}
    library = {"project.json": '{"projectType": "library"}', "src/index.ts": entry}

    detection = look({**NX_TOP, **under("apps/web", NX_WEB), **under("apps/api", server), **under("libs/x", library)})

    assert detection.type == "fullstack"
    assert [(part.root, part.type, part.build_command, part.output_dir) for part in detection.components] == [
        ("apps/web", "react", "yarn nx build web", "../../dist/apps/web"),
        ("apps/api", kind, "yarn nx build api", "../../dist/apps/api"),
    ]
    assert detection.start_command == "node ../../dist/apps/api/main.js"


def test_an_nx_workspace_is_not_what_its_top_depends_on() -> None:
    detection = look({**NX_TOP, **under("apps/web", NX_WEB)})

    assert (detection.type, detection.root, detection.package_manager) == ("react", "apps/web", "yarn")
    assert (detection.install_command, detection.install_root) == ("yarn install --frozen-lockfile", ".")


def test_the_output_of_angular_in_nx_counts_from_its_top() -> None:
    project = nx_project("@angular-devkit/build-angular:application", outputPath="dist/apps/shop")

    detection = look({"nx.json": "{}", "package.json": package("@angular/core"), "apps/shop/project.json": project})

    assert (detection.type, detection.root, detection.output_dir) == (
        "angular", "apps/shop", "../../dist/apps/shop/browser",
    )  # fmt: skip


@pytest.mark.parametrize("own", ["{}", '{"name": "@shop/web", "devDependencies": {"@shop/shared": "workspace:*"}}'])
def test_a_package_without_dependencies_of_its_own_takes_those_of_the_top(own: str) -> None:
    detection = look({**NX_TOP, **under("apps/web", {**NX_WEB, "package.json": own})})

    assert (detection.type, detection.root) == ("react", "apps/web")


def test_svelte_is_known_by_its_plugin() -> None:
    config = "import { svelte } from '@sveltejs/vite-plugin-svelte'\nexport default { plugins: [svelte()] }\n"
    top = package(dev=("nx", "vite", "svelte", "@sveltejs/vite-plugin-svelte"), private=True)

    detection = look({**NX_TOP, "package.json": top, **under("apps/web", {**NX_WEB, "vite.config.ts": config})})

    assert (detection.type, detection.root) == ("svelte", "apps/web")
    assert detection.output_dir == "../../dist/apps/web"


def test_what_lies_among_the_libraries_is_shared() -> None:
    shared = {"deno.json": "{}", "main.ts": ""}

    detection = look({**NX_TOP, **under("apps/desk", shared), **under("libs/orders", shared)})

    assert (detection.type, detection.root) == ("deno", "apps/desk")


def test_a_half_may_be_called_a_test() -> None:
    server = {"project.json": nx_project("@nx/webpack:webpack"), "src/main.ts": "import express from 'express'\n"}

    detection = look({**NX_TOP, **under("apps/test-web", NX_WEB), **under("apps/test-server", server)})

    assert detection.type == "fullstack"
