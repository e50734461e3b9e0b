"""A changed file is worth a look where something is read from it, or from its being there."""

from __future__ import annotations

import msgspec
import pytest

from service.projects.detector import detect
from service.projects.keyfiles import wanted
from service.projects.relevance import relevant
from tests.regeneration.generated import KINDS, files_of

NODE = ("package.json", "package-lock.json", "server.js", "lib/prices.js", "README.md", "public/logo.png")

CASES = [
    ("what a version is read from", {".nvmrc"}, set(), [".nvmrc"]),
    ("another lock file", {"pnpm-lock.yaml"}, {"package-lock.json"}, ["package-lock.json", "pnpm-lock.yaml"]),
    ("documentation", {"CHANGES.md", "docs/how.md"}, set(), []),
    ("code somewhere inside", {"lib/taxes.js"}, set(), []),
    ("a project further down", {"web/package.json"}, set(), ["web/package.json"]),
    ("a picture at the top", {"shop.png"}, set(), []),
    ("an image of its own", {"Dockerfile"}, set(), ["Dockerfile"]),
    ("what a platform is told to run", {"worker/wrangler.toml"}, set(), ["worker/wrangler.toml"]),
    ("the first test", {"lib/prices.test.js"}, set(), ["lib/prices.test.js"]),
]


@pytest.mark.parametrize(("came", "went", "matter"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_comes_and_goes(came: set[str], went: set[str], matter: list[str]) -> None:
    before = frozenset(NODE)

    assert relevant(before, (before - went) | came, came | went) == matter


def test_what_changes_matters_where_its_bytes_are_read() -> None:
    assert relevant(NODE, NODE, NODE) == [path for path in sorted(NODE) if path in wanted(NODE)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_matters_in_secret(kind: str) -> None:
    files = files_of(kind)
    known = _told(files)

    for path in files:
        without = {other: text for other, text in files.items() if other != path}
        if _told(without) != known:
            assert relevant(files, without, [path]) == [path]


def _told(files: dict[str, bytes]) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(detect(files, files))
    return {**found, "analysis_ms": 0}
