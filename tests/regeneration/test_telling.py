"""One sentence for each decision that changed, with the file that changed it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from service.configs.telling import Cause, of_settings, sentences
from service.projects.detector import detect
from tests.regeneration.generated import files_of, generated

COMMIT = "3f2a" * 10
HERE = "changed in 3f2a3f2a3f2a"


def told(before: dict[str, bytes], changed: dict[str, str | None]) -> list[str]:
    after = {path: text for path, text in before.items() if changed.get(path, "") is not None}
    after |= {path: text.encode() for path, text in changed.items() if text is not None}
    old, new = (msgspec.to_builtins(generated(files).decisions) for files in (before, after))
    found, finds = (msgspec.to_builtins(detect(files, files)) for files in (before, after))
    return sentences(old, new, found, finds, Cause(paths=frozenset(changed), commit=COMMIT))


CASES: list[tuple[str, str, dict[str, str | None], list[str]]] = [
    (
        "a runtime",
        "django",
        {".python-version": "3.13\n"},
        [f"Python 3.11 → 3.13, because `.python-version` {HERE}"],
    ),
    (
        "a lock file",
        "express",
        {"package-lock.json": None, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"},
        [
            f"package manager: npm → pnpm, because `pnpm-lock.yaml` {HERE}",
            f"install command: npm ci → pnpm install --frozen-lockfile, because `pnpm-lock.yaml` {HERE}",
            f"test command: npm test → pnpm test, because `pnpm-lock.yaml` {HERE}",
            f"start command: npm start → pnpm start, because `pnpm-lock.yaml` {HERE}",
        ],
    ),
    (
        "one part of several",
        "fullstack",
        {"frontend/.nvmrc": "22\n"},
        [f"frontend: Node 24 → 22, because `frontend/.nvmrc` {HERE}"],
    ),
    ("nothing that is decided", "express", {"README.md": "# Shop\n"}, []),
]


@pytest.mark.parametrize(("kind", "changed", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_changed_in_the_repository(kind: str, changed: dict[str, str | None], wanted: list[str]) -> None:
    assert told(files_of(kind), changed) == wanted


SETTINGS: list[tuple[dict[str, Any], list[str]]] = [
    ({"port": 8081}, ["port of production: 3000 → 8081, as set"]),
    ({"domain": "new.example.com"}, ["host of production: shop.example.com → new.example.com, as set"]),
    ({"secrets": ("TOKEN",)}, ["variable TOKEN: sent from now on"]),
    ({}, []),
]


@pytest.mark.parametrize(("settings", "wanted"), SETTINGS)
def test_what_a_person_has_set(settings: dict[str, Any], wanted: list[str]) -> None:
    before, after = (dict(generated(files_of("express"), **some).files)["explain.json"] for some in ({}, settings))

    assert of_settings(before, after) == wanted
