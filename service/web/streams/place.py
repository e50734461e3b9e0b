"""Where in the log a stream begins."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import Scope

from service.feed import Feed


@dataclass(frozen=True, slots=True)
class Place:
    """The first entry sent is the one after `cursor`. `reset` says why it is not where the client asked for."""

    cursor: int
    reset: str | None = None


def asked_in(scope: Scope) -> str | None:
    """What `Last-Event-ID`, else `?after=`, says; None where the client asks for no place."""
    for name, value in scope["headers"]:
        if name == b"last-event-id":
            return str(value, "latin-1").strip()
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return next((value for name, value in query if name == "after"), None)


async def find(feed: Feed, asked: str | None) -> Place:
    """What the client asked for, as far as it can be had; never an error."""
    cursor = _number(asked or "")
    if cursor is not None and feed.remembers(cursor):
        return Place(cursor)
    pruned, newest = await feed.bounds()  # not the feed's cursor: what the client did before it came is not news
    if asked is None:
        return Place(newest)
    if cursor is None:
        return Place(newest, reset="malformed")
    if cursor > newest:
        return Place(newest, reset="unknown")
    if cursor == 0 or cursor >= pruned:
        return Place(max(cursor, pruned))
    return Place(pruned, reset="expired")


def _number(text: str) -> int | None:
    """Of decimal digits, and no more of them than say that it is larger than any cursor."""
    return int(text.lstrip("0")[:30] or "0") if text.isascii() and text.isdigit() else None
