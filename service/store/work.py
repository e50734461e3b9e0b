"""Questions about work: rows written by the transaction that decided them, leased by whoever does them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import work


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A piece of work under a lease. Its outcome is accepted only from whoever holds `claim`.

    `error` is what came of the last try, where that brought nothing.
    """

    id: int
    kind: str
    key: str
    payload: Any
    tries: int
    claim: str
    error: str | None = None


async def add(
    connection: AsyncConnection, *, kind: str, key: str, payload: Any, due_at: datetime, now: datetime
) -> None:
    """Writes a row, or wakes the one of this kind and key: of one that waits the earlier time counts."""
    row = {"kind": kind, "key": key, "payload": payload, "status": "waiting", "due_at": due_at, "tries": 0}
    await connection.execute(_adding(connection.dialect.name), {**row, "created_at": now})


@cache
def _adding(dialect: str) -> Executable:
    """Built once: with each execution that moves several rows are written."""
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(work)
    new = statement.excluded
    waits = and_(work.c.status == "waiting", work.c.leased_until.is_(None))  # else it is being done, and due once more
    earlier = case((and_(waits, work.c.due_at < new.due_at), work.c.due_at), else_=new.due_at)
    again = {"payload": new.payload, "status": "waiting", "due_at": earlier, "tries": 0, "error": None}
    adding: Executable = statement.on_conflict_do_update(index_elements=["kind", "key"], set_=again)
    return adding


def _due(kinds: Sequence[str], now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(work.c.leased_until.is_(None), work.c.leased_until < now)
    return work.c.status == "waiting", work.c.due_at <= now, work.c.kind.in_(kinds), free


async def any_due(connection: AsyncConnection, kinds: Sequence[str], *, now: datetime) -> bool:
    """Whether there is anything to lease."""
    question = select(work.c.id).where(*_due(kinds, now)).limit(1)
    return (await connection.execute(question)).scalar() is not None


async def lease(connection: AsyncConnection, kinds: Sequence[str], *, now: datetime, seconds: float) -> Work | None:
    """The piece that has been due longest, ours for so many seconds. A lease that ran out is taken over."""
    first = select(work.c.id).where(*_due(kinds, now)).order_by(work.c.due_at, work.c.id).limit(1)
    number = (await connection.execute(first.with_for_update(skip_locked=True))).scalar()
    if number is None:
        return None
    claim = secrets.token_hex(16)
    values = {"claim": claim, "leased_until": now + timedelta(seconds=seconds), "tries": work.c.tries + 1}
    columns = (work.c.id, work.c.kind, work.c.key, work.c.payload, work.c.tries, work.c.claim, work.c.error)
    statement = update(work).where(work.c.id == number).values(values).returning(*columns)
    return Work(**(await connection.execute(statement)).one()._mapping)


async def trouble_of(connection: AsyncConnection, kind: str, key: str) -> str | None:
    """Why the last try of a piece that is waiting brought nothing, if so."""
    question = select(work.c.error).where(work.c.kind == kind, work.c.key == key, work.c.status == "waiting")
    return (await connection.execute(question)).scalar()


async def payload_of(connection: AsyncConnection, kind: str, key: str) -> Any:
    """What the piece was last written with, done or not; None where there is none."""
    question = select(work.c.payload).where(work.c.kind == kind, work.c.key == key)
    return (await connection.execute(question)).scalar()


async def troubles(connection: AsyncConnection, kinds: Sequence[str], key: str) -> list[str]:
    """What came of the last tries of these pieces, where that brought nothing and they are to be tried again."""
    mine = (work.c.kind.in_(kinds), work.c.key == key, work.c.status == "waiting", work.c.error.is_not(None))
    return list((await connection.execute(select(work.c.error).where(*mine).order_by(work.c.id))).scalars())


async def finish(connection: AsyncConnection, piece: Work) -> bool:
    """Done. False when the lease has gone to somebody else: then this transaction must be undone."""
    return await _settle(connection, piece, status="done", error=None)


async def postpone(
    connection: AsyncConnection,
    piece: Work,
    *,
    due_at: datetime,
    error: str | None = None,
    tries: int = 0,
    payload: Any = None,
) -> bool:
    """Once more at `due_at`, with another payload where one is given. False when somebody else has the lease."""
    changed = {} if payload is None else {"payload": payload}
    return await _settle(connection, piece, status="waiting", due_at=due_at, error=error, tries=tries, **changed)


async def bury(connection: AsyncConnection, piece: Work, error: str) -> bool:
    """Not to be tried again by itself. False when the lease has gone to somebody else."""
    return await _settle(connection, piece, status="dead", error=error)


async def prune(connection: AsyncConnection, before: datetime, *, limit: int = 1000) -> int:
    """Forgets what was done and due before that time, at most `limit` pieces; how many went."""
    old = select(work.c.id).where(work.c.status == "done", work.c.due_at < before).limit(limit)
    return int((await connection.execute(delete(work).where(work.c.id.in_(old)))).rowcount)


async def _settle(connection: AsyncConnection, piece: Work, **values: Any) -> bool:
    """Gives the lease back. Who added the piece again while it was being done set `tries` to 0: then it stays due."""
    mine = (work.c.id == piece.id, work.c.claim == piece.claim)
    back = update(work).where(*mine).values(claim=None, leased_until=None)
    settled = await connection.execute(back.where(work.c.tries > 0).values(values))
    return bool(settled.rowcount or (await connection.execute(back)).rowcount)
