"""Questions about stored logs: pieces of masked text, in order, for each step."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import executions, log_pieces, steps, work

# Bytes of a piece at most, and how many of them are read at a time: what a reader costs.
PIECE = 64 * 1024
PIECES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text of a step's log. `offset` counts the bytes of the step's text before it; `id` counts on over all steps."""

    id: int
    step: str
    offset: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step's log is stored: the raw bytes behind it, the masker's state there, and whether it is whole."""

    raw_bytes: int
    mask_state: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Packed:
    """A piece as it is stored: `size` bytes of text."""

    size: int
    body: bytes = field(repr=False)


def packed(text: bytes) -> list[Packed]:
    """UTF-8 text in pieces of whole characters. For a thread of its own: compressing takes time."""
    return [Packed(len(piece), zlib.compress(piece, 1)) for piece in _cut(text)]


async def append(
    connection: AsyncConnection, step_id: int, *, after: int, pieces: Sequence[Packed], progress: Progress
) -> bool:
    """Adds text behind the `after` bytes that are stored. False when somebody else has added meanwhile."""
    values = {
        "raw_bytes": progress.raw_bytes,
        "mask_state": progress.mask_state,
        "log_complete": progress.complete,
        "log_bytes": after + sum(piece.size for piece in pieces),
    }
    mine = (steps.c.id == step_id, steps.c.log_bytes == after, steps.c.log_complete.is_(False))
    moved = update(steps).where(*mine).values(values).returning(steps.c.execution_id)
    execution_id = (await connection.execute(moved)).scalar()
    if execution_id is None:
        return False
    rows = []
    for piece in pieces:
        row = {"step_id": step_id, "execution_id": execution_id, "offset": after}
        rows.append({**row, "size": piece.size, "body": piece.body})
        after += piece.size
    if rows:
        await connection.execute(insert(log_pieces), rows)
    return True


async def after(connection: AsyncConnection, execution_id: int, cursor: int, *, limit: int = PIECES) -> list[Piece]:
    """The execution's next pieces after the one with id `cursor`, whichever step they are of."""
    question = (
        select(log_pieces.c.id, steps.c.name.label("step"), log_pieces.c.offset, log_pieces.c.body)
        .join(steps, steps.c.id == log_pieces.c.step_id)
        .where(log_pieces.c.execution_id == execution_id, log_pieces.c.id > cursor)
        .order_by(log_pieces.c.id)
        .limit(limit)
    )
    rows = await connection.execute(question)
    return [Piece(id=row.id, step=row.step, offset=row.offset, body=zlib.decompress(row.body)) for row in rows]


async def ends(connection: AsyncConnection, execution_id: int, *, most: int) -> dict[int, bytes]:
    """The last bytes, at most so many, of each of the execution's logs that is not whole yet, by its step's id."""
    last = log_pieces.alias()
    newest = select(func.max(last.c.offset)).where(last.c.step_id == steps.c.id).correlate(steps).scalar_subquery()
    question = (
        select(log_pieces.c.step_id, log_pieces.c.body)
        .select_from(log_pieces.join(steps, steps.c.id == log_pieces.c.step_id))
        .where(steps.c.execution_id == execution_id, steps.c.log_complete.is_(False), log_pieces.c.offset == newest)
    )
    return {row.step_id: zlib.decompress(row.body)[-most:] for row in await connection.execute(question)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an execution's log stands. `newest` is its last piece's id, `bytes` what is stored of all steps.

    `awaited`: somebody will look for more. `trouble` is why the last look brought nothing, and `retry_at` when the
    next one is due. `every` is how many seconds lie between two looks, where that is known; `slowed` that the
    credential's calls bear no more.
    """

    status: str
    newest: int
    bytes: int
    awaited: bool
    trouble: str | None
    retry_at: datetime | None
    every: float | None
    slowed: bool


async def standing(connection: AsyncConnection, execution_id: int) -> Standing:
    """One question, so that all of it is of one moment."""
    awaited = (work.c.kind.in_(("tail", "follow")), work.c.key == str(execution_id), work.c.status == "waiting")
    troubled = select(work).where(*awaited, work.c.error.is_not(None)).order_by(work.c.kind.desc()).limit(1)
    follow = select(work.c.payload).where(awaited[1], work.c.kind == "follow", work.c.status == "waiting")
    newest = select(func.max(log_pieces.c.id)).where(log_pieces.c.execution_id == execution_id)
    stored = select(func.sum(steps.c.log_bytes)).where(steps.c.execution_id == execution_id)
    question = select(
        executions.c.status,
        newest.scalar_subquery().label("newest"),
        stored.scalar_subquery().label("bytes"),
        select(work.c.id).where(*awaited).exists().label("awaited"),
        troubled.with_only_columns(work.c.error).scalar_subquery().label("trouble"),
        troubled.with_only_columns(work.c.due_at).scalar_subquery().label("retry_at"),
        follow.scalar_subquery().label("paced"),
    ).where(executions.c.id == execution_id)
    row = (await connection.execute(question)).one()
    told = {name: getattr(row, name) for name in ("status", "awaited", "trouble", "retry_at")}
    paced = row.paced or {}
    pace = {"every": paced.get("every"), "slowed": paced.get("slowed", False)}
    return Standing(**told, **pace, newest=row.newest or 0, bytes=int(row.bytes or 0))


async def text_of(connection: AsyncConnection, step_id: int, begin: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `begin` to `end` of a step's text, a piece at a time."""
    at = begin
    while at < end:
        question = (
            select(log_pieces.c.offset, log_pieces.c.body)
            .where(log_pieces.c.step_id == step_id, log_pieces.c.offset + log_pieces.c.size > at)
            .order_by(log_pieces.c.offset)
            .limit(PIECES)
        )
        rows = (await connection.execute(question)).all()
        if not rows:
            return
        for row in rows:
            body = zlib.decompress(row.body)[at - row.offset : end - row.offset]
            at += len(body)
            if body:
                yield body


def _cut(text: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(text):
        end = at + PIECE
        while end < len(text) and text[end] & 0xC0 == 0x80:  # the rest of a character that began before it
            end -= 1
        yield text[at:end]
        at = end
