"""One call as a value, and what the calls are built of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

T = TypeVar("T")
PAGELEN = 100
JSON = "application/json"
ANY = "*/*"  # a log asked for as JSON is a 406
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call. `expect` is the type of its answer: a struct, bytes as they come, or None where nothing is read.

    `repeatable` says that sending it twice does what sending it once does. `secrets` are values in it that no message
    may repeat.
    """

    method: str
    path: str
    expect: type[T]
    query: Query = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)


def below(name: str, *parts: str) -> str:
    """A path below a repository's, in which every part stays one."""
    return "/".join((path_of(name), *(_part(part) for part in parts)))


def nested(path: str) -> str:
    """A path within a path: of a file, or the name of a branch, whose slashes stay slashes."""
    return "/".join(_part(part) for part in path.strip("/").split("/"))


def _part(part: str) -> str:
    """Raises ValueError for what would lead elsewhere, encoded or not."""
    if part in ("", ".", ".."):
        raise ValueError(f"{part!r} cannot be a part of a path")
    return quote(part, safe="")


def path_of(name: str) -> str:
    """The path of a repository. A uuid alone stands behind an empty workspace, as the introduction to the API says."""
    workspace, slash, slug = name.partition("/")
    if not slash:
        workspace, slug = "{}", name
    if not workspace or not slug or "/" in slug or slug in (".", ".."):
        raise ValueError(f"a repository is named by workspace/slug or by its uuid in braces, not {name!r}")
    return f"/repositories/{quote(workspace, safe='')}/{quote(slug, safe='')}"


def get(path: str, expect: type[T], query: Query = ()) -> Request[T]:
    return Request("GET", path, expect, query, {"Accept": JSON})


def send(
    method: str, path: str, expect: type[T], body: Any = None, *, repeatable: bool = True, secrets: tuple[str, ...] = ()
) -> Request[T]:
    encoded = None if body is None else msgspec.json.encode(body)
    headers = {"Accept": JSON} | ({} if body is None else {"Content-Type": JSON})
    return Request(method, path, expect, (), headers, encoded, repeatable, secrets)


def paged() -> tuple[str, str]:
    return "pagelen", str(PAGELEN)
