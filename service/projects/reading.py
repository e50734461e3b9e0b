"""Bytes of a stranger's file into values, or one phrase that says why not.

Whatever a repository holds may arrive here: wrong encodings, comments in JSON, a hundred thousand brackets, a YAML
document of nothing but aliases. Every parser either returns a plain value or raises `Unreadable`.
"""

from __future__ import annotations

import ast
import json as strict_json
import re
import tomllib
import warnings
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import msgspec
import yaml as pyyaml

MAX_DEPTH = 60
MAX_ALIASES = 200
MAX_PYTHON = 64 * 1024
MAX_UNREADABLE = 5  # statements of one Python file that are left out before the file is

# The C loader reads the same YAML ten times faster; wheels of PyYAML carry it, some distributions do not.
_LOADER: Any = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)
_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)


_TOP_LEVEL = re.compile(rb"^(?=[A-Za-z_@]|\Z)", re.MULTILINE)  # where a statement that is not indented begins


class Unreadable(ValueError):
    """A file that cannot be parsed; the message is the reason. The reader goes on without the file's evidence."""


def text(data: bytes) -> str:
    """Decode as UTF-8, or as UTF-16 where a byte order mark says so (PowerShell writes `requirements.txt` that way)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


def json(data: bytes, *, comments: bool = False) -> object:
    """Parse JSON; with `comments`, also the comments and trailing commas that tsconfig and angular.json may hold."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError):
        source = text(data)
    if comments:
        source = _STRING_OR_COMMENT.sub(_keep_strings, source)
        source = _STRING_OR_TRAILING_COMMA.sub(_keep_strings, source)
    try:
        return strict_json.loads(source)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"not JSON ({error})") from None


def _keep_strings(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else ""


def toml(data: bytes) -> dict[str, object]:
    """Parse TOML 1.0."""
    try:
        return tomllib.loads(text(data))
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"not TOML ({error})") from None


def yaml(data: bytes) -> object:
    """Parse the first document of a YAML stream; tags beyond plain data make it unreadable."""
    source = text(data)
    try:
        _refuse_bombs(source)
        return next(iter(pyyaml.load_all(source, Loader=_LOADER)), None)
    except pyyaml.YAMLError as error:
        raise Unreadable(f"not YAML ({' '.join(str(error).split())[:120]})") from None
    except (RecursionError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        # Besides its own errors PyYAML lets odd dates, keys and numbers escape as plain Python errors.
        raise Unreadable("not YAML that can be read") from None


def _refuse_bombs(source: str) -> None:
    """Look at the events, which cost nothing to nest or to repeat, before any value is built."""
    depth = aliases = 0
    for event in pyyaml.parse(source, Loader=_LOADER):
        if isinstance(event, pyyaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, pyyaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, pyyaml.AliasEvent):
            aliases += 1
        if depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        if aliases > MAX_ALIASES:
            raise Unreadable(f"more than {MAX_ALIASES} aliases")


def xml(data: bytes) -> ElementTree.Element:
    """Parse XML without a document type, so that no entity can be defined, let alone expanded."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise Unreadable("XML with a document type")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - entities are refused above
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"not XML ({error})") from None


def python(data: bytes) -> ast.Module:
    """Parse Python source, the first `MAX_PYTHON` bytes of it; nothing of it is run."""
    if len(data) > MAX_PYTHON:
        data = data[: max((match.start() for match in _TOP_LEVEL.finditer(data, 0, MAX_PYTHON)), default=0)]
    source, line = text(data), None
    for _ in range(MAX_UNREADABLE):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in somebody's code is not our warning
                module = ast.parse(source)
            if module.body or line is None:  # of an empty file there is nothing to leave out
                return module
            break
        except SyntaxError as error:
            line = line or error.lineno
            source = _without_statement(source, error.lineno or 1)
        except (RecursionError, MemoryError, ValueError):
            raise Unreadable("not Python that can be read") from None
    raise Unreadable(f"not Python 3 (line {line})")


def _without_statement(source: str, line: int) -> str:
    """The source with the statement at the top level that `line` belongs to left empty, its decorators too: a newer
    Python than this one may read it."""
    lines = source.split("\n")
    starts = [number for number, text in enumerate(lines) if text[:1] not in ("", " ", "\t", "#", ")", "]", "}", "\r")]
    first = max((number for number in starts if number < line), default=0)
    end = next((number for number in starts if number > first), len(lines))
    while first - 1 in starts and lines[first - 1].startswith("@"):
        first -= 1
    return "\n".join([*lines[:first], *[""] * (end - first), *lines[end:]])


def table(value: object) -> Mapping[str, object]:
    """`value` if it is a mapping (string keys kept), else an empty one: manifests hold anything anywhere."""
    if not isinstance(value, dict):
        return {}
    return {key: entry for key, entry in value.items() if isinstance(key, str)}


def string(value: object) -> str | None:
    """`value` if it is a string with something in it, else None."""
    return value if isinstance(value, str) and value.strip() else None


def strings(value: object) -> tuple[str, ...]:
    """The strings of a list; an empty tuple for anything else."""
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()


def texts(value: object) -> Mapping[str, str]:
    """The entries of a mapping whose values are strings."""
    return {key: entry for key, entry in table(value).items() if isinstance(entry, str)}
