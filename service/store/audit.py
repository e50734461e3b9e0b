"""Questions about the audit log: who did what to what, each line's hash covering the line before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.clock import written
from service.store.tables import audit, head

# What the first line's hash covers in place of a line before.
BEGINNING = "0" * 64

# How many lines are checked at a time.
STRIDE = 1000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where; without an account and an address it is somebody at the server's console."""

    name: str
    user_id: int | None = None
    address: str | None = None


CONSOLE = Actor("console")


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done. `object` is a kind and what names it, such as `pipeline 7`."""

    at: datetime
    actor: Actor
    action: str
    object: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A deed as it is recorded."""

    id: int
    deed: Deed
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the chain holds. `broken_at` is the first line that does not follow from the one before it.

    Lines that were cut off at the end leave no trace in what is before them: who wants to notice that keeps
    `last_hash` somewhere else and looks for it later.
    """

    lines: int
    last_hash: str
    broken_at: int | None


async def append(connection: AsyncConnection, deeds: Sequence[Deed]) -> None:
    """Adds the deeds to the end of the chain. Whoever else does so waits for the end of this transaction."""
    # the head's row lock, which a transaction that logs takes anyway: two lines must not follow the same one
    await connection.execute(update(head).values(cursor=head.c.cursor))
    newest = select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)
    last = (await connection.execute(newest)).scalar() or BEGINNING
    for deed in deeds:
        last = _hash(last, deed)
        row = {
            "at": deed.at,
            "user_id": deed.actor.user_id,
            "actor": deed.actor.name,
            "action": deed.action,
            "object": deed.object[:200],
            "details": deed.details,
            "address": deed.actor.address,
            "hash": last,
        }
        await connection.execute(insert(audit).values(row))


async def page(connection: AsyncConnection, *, before: int | None, limit: int) -> list[Line]:
    """Newest first, from below the id `before` on."""
    question = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        question = question.where(audit.c.id < before)
    return [_line(row) for row in await connection.execute(question)]


async def verify(connection: AsyncConnection) -> Verdict:
    """Computes the whole chain anew."""
    lines, last, after = 0, BEGINNING, 0
    while True:
        question = select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(STRIDE)
        found = [_line(row) for row in await connection.execute(question)]
        for line in found:
            if line.hash != _hash(last, line.deed):
                return Verdict(lines, last, line.id)
            lines, last, after = lines + 1, line.hash, line.id
        if len(found) < STRIDE:
            return Verdict(lines, last, None)


def _line(row: Any) -> Line:
    actor = Actor(row.actor, row.user_id, row.address)
    return Line(row.id, Deed(row.at, actor, row.action, row.object, row.details), row.hash)


def _hash(previous: str, deed: Deed) -> str:
    actor = deed.actor
    said = [previous, written(deed.at), actor.user_id, actor.name, deed.action, deed.object[:200], actor.address]
    return hashlib.sha256(msgspec.json.encode([*said, deed.details], order="sorted")).hexdigest()
