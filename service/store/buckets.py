"""The bucket of calls of each credential: all processes draw from one, so it stands in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Float, and_, case, cast, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from service.store.tables import UtcDateTime, credentials

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The bucket holds `per_hour` calls and is filled at that pace; a call may take it `overdraft` below empty."""

    per_hour: int
    overdraft: float = 0.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """How the shared bucket stands; `free_at` is when the next call may be made, in the past if it may be now."""

    broken: str | None
    blocked_until: datetime | None
    free_at: datetime


async def take_call(connection: AsyncConnection, credential_id: int, pace: Pace, now: datetime) -> Bucket | None:
    """Draw one call, or None: the bucket is empty, it is blocked, or there is no such credential.

    One statement: of two processes that draw the last call together, one gets None.
    """
    left = _calls_left(pace.per_hour, now)
    allowed = and_(left - 1.0 >= -pace.overdraft, _unblocked(now))
    counted = case((credentials.c.counted_at > now, credentials.c.counted_at), else_=literal(now, UtcDateTime))
    statement = update(credentials).where(credentials.c.id == credential_id, allowed)
    counts = {"calls_left": left - 1.0, "recent_calls": _recent(now) + 1.0, "counted_at": counted}
    taken = statement.values(counts).returning(credentials.c.broken)
    row = (await connection.execute(taken)).one_or_none()
    return None if row is None else Bucket(row.broken, None, now)


async def bucket(connection: AsyncConnection, credential_id: int, pace: Pace, now: datetime) -> Bucket | None:
    """How the bucket stands, drawing nothing; None where there is no such credential."""
    columns = (credentials.c.broken, credentials.c.blocked_until, _calls_left(pace.per_hour, now).label("left"))
    row = (await connection.execute(select(*columns).where(credentials.c.id == credential_id))).one_or_none()
    if row is None:
        return None
    missing = max(0.0, 1.0 - pace.overdraft - row.left)
    free_at = now + timedelta(seconds=missing * SECONDS_PER_HOUR / pace.per_hour)
    return Bucket(row.broken, row.blocked_until, free_at)


async def recent_calls(connection: AsyncConnection, credential_id: int, now: datetime) -> float:
    """How much of the last hour is used up: each call counts in full when it is made, and for nothing an hour later."""
    question = select(_recent(now)).where(credentials.c.id == credential_id)
    return float((await connection.execute(question)).scalar() or 0.0)


async def block(connection: AsyncConnection, credential_id: int, until: datetime) -> None:
    """Nobody calls with it until then; an earlier end does not shorten a later one."""
    sooner = or_(credentials.c.blocked_until.is_(None), credentials.c.blocked_until < until)
    statement = update(credentials).where(credentials.c.id == credential_id, sooner)
    await connection.execute(statement.values(blocked_until=until))


class _SecondsBetween(FunctionElement[float]):
    """Seconds from its first argument to its second; every database has its own words for that."""

    type = Float()
    inherit_cache = True


@compiles(_SecondsBetween, "sqlite")
def _on_sqlite(element: _SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"


@compiles(_SecondsBetween, "postgresql")
def _on_postgresql(element: _SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXTRACT(EPOCH FROM ({end} - {begin}))"


def _calls_left(per_hour: int, now: datetime) -> ColumnElement[float]:
    """What is in the bucket at `now`: what was left, and what has flowed in since, up to the brim."""
    filled = credentials.c.calls_left + _seconds_since(now) * (per_hour / SECONDS_PER_HOUR)
    return case((filled > float(per_hour), float(per_hour)), else_=filled)


def _recent(now: datetime) -> ColumnElement[float]:
    share = 1.0 - _seconds_since(now) / SECONDS_PER_HOUR
    return case((share > 0.0, credentials.c.recent_calls * share), else_=0.0)


def _seconds_since(now: datetime) -> ColumnElement[float]:
    """Since the bucket was counted."""
    seconds = _SecondsBetween(credentials.c.counted_at, literal(now, UtcDateTime))
    return case((seconds > 0.0, cast(seconds, Float)), else_=0.0)  # another process's clock may be ahead of ours


def _unblocked(now: datetime) -> ColumnElement[bool]:
    return or_(credentials.c.blocked_until.is_(None), credentials.c.blocked_until <= now)
