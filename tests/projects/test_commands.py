"""Commands that are only told where they have something to do."""

from __future__ import annotations

import pytest

from service.projects.detector import detect
from tests.projects.looking import REACT, look

FLASK = {"requirements.txt": b"flask==3.0\npytest\n", "app.py": b"from flask import Flask\n\napp = Flask(__name__)\n"}


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ((), None),  # pytest ends with 5 where there is no test
        (("tests/test_app.py",), "pytest"),
        (("shop_test.py",), "pytest"),
        (("tests/readme.py",), None),
    ],
)
def test_pytest_is_the_test_command_where_there_are_tests(more: tuple[str, ...], command: str | None) -> None:
    files = {**FLASK, **dict.fromkeys(more, b"def test_it(): pass\n")}

    assert detect(tuple(files), files).test_command == command


TWO_LOCKS = {"package-lock.json": "{}", "yarn.lock": "", "index.html": "", "src/main.tsx": ""}


@pytest.mark.parametrize(
    ("more", "manager"),
    [
        ({}, "yarn"),
        ({"README.md": "Run `npm install`, then `npm run dev`.\n"}, "npm"),
        ({"README.md": "Run `npm install` or `yarn install`.\n"}, "yarn"),
        ({"README.md": "Run `npm install`.\n", "Dockerfile": "FROM node\nRUN yarn install\n"}, "yarn"),
        ({"Dockerfile": "FROM node\nRUN npm ci && npm run build\n"}, "npm"),
        ({"README.md": "Run `yarn install`.\n", "package.json": REACT.replace("vite build", "npm run a && b")}, "npm"),
        ({"README.md": "Run `pnpm install`.\n"}, "yarn"),
    ],
)
def test_of_several_lock_files_that_one_counts_whose_manager_is_called(more: dict[str, str], manager: str) -> None:
    detection = look({"package.json": REACT, **TWO_LOCKS, **more})

    assert detection.package_manager == manager
    assert any("several lock files" in warning for warning in detection.warnings)
