"""Files that were made to break a reader, or were only broken: each costs its own evidence."""

from __future__ import annotations

import pytest

from service.projects import reading
from service.projects.reading import Unreadable
from tests.projects.looking import FLASK_PY, REACT, look, package

LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))

HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "NUL": b"\x00" * 1000,
    "invalid UTF-8": b"\xff\xfe\xfd{",
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand objects": b'{"a":' * 100_000,
    "a hundred thousand parentheses": b"(" * 100_000,
    "a hundred thousand signs": b"-" * 100_000 + b"1",
    "a billion laughs in YAML": (LAUGHS + "z: [" + "*i, " * 500 + "]\n").encode(),
    "a YAML tag that would run": b"!!python/object/apply:os.system ['false']",
    "a billion laughs in XML": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
    "deep XML": b"<a>" * 50_000,
    "a list where a table is meant": b"[1, 2, 3]",
    "a string": b'"text"',
    "a number": b"1e400",
    "odd types everywhere": b'{"dependencies": [1], "scripts": {"build": 3, "start": null}, "engines": "x", '
    b'"workspaces": {"packages": 5}, "main": [], "packageManager": 7}',
    "a date that is none": b"a: 2001-99-99\n",
    "an unhashable key": b"? {a: 1}\n: 2\n? [1]\n: 3\n",
    "a long line": b"a" * 200_000,
}
NAMES = (
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "Pipfile",
    "docker-compose.yml",
    "Dockerfile",
    "angular.json",
    "project.json",
    "pom.xml",
    "Web.csproj",
    "app.py",
    "manage.py",
    "setup.cfg",
    "pnpm-workspace.yaml",
    "deno.json",
    "composer.json",
    "Cargo.toml",
    "go.mod",
    "Gemfile",
    "environment.yml",
    "vite.config.ts",
    "next.config.js",
    "mise.toml",
    ".tool-versions",
    ".nvmrc",
    "Procfile",
    "yarn.lock",
    "build.gradle",
    "mix.exs",
    "global.json",
)


@pytest.mark.parametrize("content", HOSTILE)
def test_no_file_can_break_the_analysis(content: str) -> None:
    detection = look(dict.fromkeys(NAMES, HOSTILE[content]) | {"src/main.tsx": b"", "index.html": b""})

    assert isinstance(detection.type, str)
    assert "could not be examined" not in " ".join(detection.warnings)


@pytest.mark.parametrize("content", [name for name in HOSTILE if name not in ("nothing", "odd types everywhere")])
def test_a_broken_file_costs_its_own_evidence_only(content: str) -> None:
    detection = look({"app.py": FLASK_PY, "requirements.txt": "flask\n", "package.json": HOSTILE[content]})

    assert (detection.type, detection.app_object) == ("flask", "app:app")


def test_a_broken_file_is_named_with_the_reason() -> None:
    detection = look({"package.json": "{", "index.html": ""})

    assert detection.type == "static"
    assert len(detection.warnings) == 1
    assert detection.warnings[0].startswith("package.json was left out: not JSON")


def test_a_byte_order_mark_changes_nothing() -> None:
    detection = look({"package.json": b"\xef\xbb\xbf" + REACT.encode(), "index.html": "", "src/main.tsx": ""})

    assert detection.type == "react"


def test_requirements_that_powershell_wrote_are_read() -> None:
    detection = look({"app.py": FLASK_PY, "requirements.txt": "flask\r\nredis\r\n".encode("utf-16")})

    assert (detection.type, detection.services) == ("flask", ("redis",))


def test_requirements_that_include_each_other_end() -> None:
    detection = look(
        {
            "app.py": FLASK_PY,
            "requirements.txt": "-r requirements/base.txt\n-r ../outside.txt\n-e .\nhttps://example.com/x.whl\n",
            "requirements/base.txt": "-r ../requirements.txt\nflask\npsycopg2-binary\n",
        }
    )

    assert (detection.type, detection.services) == ("flask", ("postgres",))


def test_scripts_that_call_each_other_end() -> None:
    loop = {"start": "npm run serve", "serve": "npm run start"}

    assert look({"package.json": package("express", scripts=loop), "index.js": ""}).type == "express"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../package.json",
        "a/../../package.json",
        "a//package.json",
        "a\\package.json",
        "./package.json",
        "a\n/package.json",
        "",
    ],
)
def test_a_path_that_plays_tricks_is_not_looked_at(path: str) -> None:
    assert look({path: REACT}).type == "unknown"


@pytest.mark.parametrize(
    ("parser", "source"),
    [
        (reading.json, b'{"a": 1,}'),
        (reading.json, b'{"a": 1} // b'),
        (reading.toml, b"a = 1\na = 2"),
        (reading.yaml, b"a: [1"),
        (reading.xml, b"<a>"),
        (reading.python, b"print 'two'"),
    ],
)
def test_a_parser_says_why_it_cannot(parser: object, source: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^not \w+"):
        parser(source)  # type: ignore[operator]  # one of the parsers above


def test_comments_in_json_are_allowed_where_tools_allow_them() -> None:
    source = b'{\n  // ours\n  "a": "http://x/*y*/", /* b */ "c": [1, 2,],\n}'

    assert reading.json(source, comments=True) == {"a": "http://x/*y*/", "c": [1, 2]}


def test_a_long_module_is_read_up_to_its_last_whole_statement() -> None:
    module = reading.python(b"a = 1\n" + b"def f():\n    x = [\n" + b"        1,\n" * 20_000 + b"    ]\n")

    assert len(module.body) == 1
