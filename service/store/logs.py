"""Questions about stored logs: pieces of masked text, in order, for each step."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import log_pieces, steps

# How much of a log is read at a time, in pieces.
PIECES = 32


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


async def append(connection: AsyncConnection, step_id: int, *, after: int, body: bytes, progress: Progress) -> bool:
    """Adds text behind the `after` bytes that are stored. False when somebody else has added meanwhile."""
    values = {
        "raw_bytes": progress.raw_bytes,
        "mask_state": progress.mask_state,
        "log_complete": progress.complete,
        "log_bytes": after + len(body),
    }
    mine = (steps.c.id == step_id, steps.c.log_bytes == after, steps.c.log_complete.is_(False))
    moved = update(steps).where(*mine).values(values).returning(steps.c.execution_id)
    execution_id = (await connection.execute(moved)).scalar()
    if execution_id is None:
        return False
    if body:
        row = {"step_id": step_id, "execution_id": execution_id, "offset": after, "size": len(body)}
        await connection.execute(insert(log_pieces).values(**row, body=zlib.compress(body, 1)))
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


async def newest(connection: AsyncConnection, execution_id: int) -> int:
    """The id of the execution's last piece; 0 where there is none."""
    question = select(func.max(log_pieces.c.id)).where(log_pieces.c.execution_id == execution_id)
    return int((await connection.execute(question)).scalar() or 0)


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
