"""Versions as people write them, and where they are looked for first."""

from __future__ import annotations

import pytest

from service.projects import versions
from tests.projects.looking import FLASK_PY, Files, look, package

JS: Files = {"index.html": "", "src/main.tsx": ""}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("v20.11.1", "20"),
        ("18", "18"),
        ("20.x", "20"),
        ("14.17", "14"),
        ("node-16", "16"),
        ("lts/iron", "20"),
        ("lts/*", None),
        ("latest", None),
        ("*", None),
        ("some_invalid_version", None),
        ("", None),
        ("workspace:*", None),
        (">=18", "24"),
        (">=14 <=18", "18"),
        ("^20.9.0", "20"),
        ("~18.2", "18"),
        ("^12 || ^14", "14"),
        ("14 - 16", "16"),
        (">=22.1.0 <23", "22"),
        (">=8.0.0 <=22.x", "22"),
        ("<19", "18"),
        (">=18.0.0, <21", "20"),
    ],
)
def test_a_version_of_node_is_a_major(stated: str, expected: str | None) -> None:
    assert versions.node(stated) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("3.12.4", "3.12"),
        ("python-3.11.9", "3.11"),
        ("3.13", "3.13"),
        ("3", None),
        ("pypy3.10-7.3.12", "3.10"),
        (">=3.10", "3.12"),
        ("^3.10", "3.12"),
        ("~3.9", "3.9"),
        ("==3.11.*", "3.11"),
        ("~=3.13.0", "3.13"),
        (">=3.13,<3.14", "3.13"),
        (">=3.8,<3.12", "3.11"),
        ("3.11.x", "3.11"),
        ("2.7", "2.7"),
        ("latest", None),
        ("not a version", None),
    ],
)
def test_a_version_of_python_has_two_parts(stated: str, expected: str | None) -> None:
    assert versions.python(stated) == expected


@pytest.mark.parametrize(
    ("stated", "expected"), [("1.8", "8"), ("17.0.2", "17"), ("temurin-21.0.3+9", "21"), ("x", None)]
)
def test_a_version_of_java_is_a_major(stated: str, expected: str | None) -> None:
    assert versions.java(stated) == expected


NODE_SOURCES: tuple[tuple[str, str], ...] = (
    (".nvmrc", "16"),
    (".node-version", "17"),
    (".tool-versions", "nodejs 18.1.0\n"),
    ("Dockerfile", "ARG VERSION=19\nFROM node:${VERSION}-alpine AS build\nFROM nginx\n"),
)


@pytest.mark.parametrize("first", range(len(NODE_SOURCES)))
def test_the_most_specific_statement_wins(first: int) -> None:
    stated = dict(NODE_SOURCES[first:])

    detection = look({**JS, "package.json": package("react", dev=("vite",)), **stated})

    assert detection.version_source == NODE_SOURCES[first][0]
    assert detection.runtime_version == str(16 + first)


def test_a_pin_that_another_pin_contradicts_is_kept_with_a_warning() -> None:
    detection = look(
        {"app.py": FLASK_PY, "requirements.txt": "flask", ".python-version": "3.10", "runtime.txt": "python-3.11.2"}
    )

    assert detection.runtime_version == "3.10"
    assert detection.warnings == (".python-version states 3.10, runtime.txt states 3.11; .python-version is used",)


@pytest.mark.parametrize(
    ("files", "name", "install"),
    [
        ({"package-lock.json": "", "yarn.lock": "", "pnpm-lock.yaml": ""}, "pnpm", "pnpm install --frozen-lockfile"),
        ({"yarn.lock": "__metadata:\n  version: 8\n"}, "yarn", "yarn install --immutable"),
        ({".yarnrc.yml": ""}, "yarn", "yarn install"),
        ({"bun.lockb": b"\x00"}, "bun", "bun install --frozen-lockfile"),
        ({".yarnrc": "network-timeout 500000\n"}, "yarn", "yarn install"),
        ({"lerna.json": '{"npmClient": "yarn"}'}, "yarn", "yarn install"),
        ({"lerna.json": '{"npmClient": "rm -rf"}'}, "npm", "npm install"),
        ({}, "npm", "npm install"),
    ],
)
def test_the_package_manager_follows_from_the_lock_file(files: Files, name: str, install: str) -> None:
    detection = look({**JS, "package.json": package("react", dev=("vite",)), **files})

    assert (detection.package_manager, detection.install_command) == (name, install)


@pytest.mark.parametrize(("script", "name"), [("yarn test-unit", "yarn"), ("yarn upgrade --latest", "npm")])
def test_without_a_lock_file_the_scripts_tell_who_runs_them(script: str, name: str) -> None:
    detection = look({**JS, "package.json": package("react", dev=("vite",), scripts={"test": script})})

    assert detection.package_manager == name


def test_a_stated_package_manager_beats_the_lock_files() -> None:
    stated = package("react", dev=("vite",), packageManager="yarn@4.1.0+sha512.abc")

    detection = look({**JS, "package.json": stated, "package-lock.json": "", "yarn.lock": ""})

    assert detection.install_command == "yarn install --immutable"


@pytest.mark.parametrize(
    ("files", "name", "install"),
    [
        ({"uv.lock": "", "requirements.txt": "flask"}, "uv", "uv sync --frozen"),
        ({"poetry.lock": "", "pyproject.toml": "[tool.poetry]\n"}, "poetry", "poetry install --no-interaction"),
        ({"pyproject.toml": "[tool.pdm]\n"}, "pdm", "pdm install"),
        ({"Pipfile": "[packages]\nflask = '*'\n"}, "pipenv", "pipenv install --dev"),
        ({"Requirements.txt": "flask"}, "pip", "pip install -r Requirements.txt"),
        (
            {"requirements/prod.txt": "flask", "requirements/dev.txt": "pytest"},
            "pip",
            "pip install -r requirements/prod.txt",
        ),
        (
            {"environment.yml": "dependencies: [flask, {pip: [redis]}]"},
            "conda",
            "conda env update --name base --file environment.yml",
        ),
    ],
)
def test_the_python_tool_follows_from_its_files(files: Files, name: str, install: str) -> None:
    detection = look({"app.py": FLASK_PY, **files})

    assert (detection.type, detection.package_manager, detection.install_command) == ("flask", name, install)
