"""Questions about what Penstock itself starts: with what, and whether it has begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`wish` is sealed, as the work of kind `start` has it; the run is expected within `expect_seconds` of that."""

    execution_id: int
    wish: bytes
    expect_seconds: float
    begun_at: datetime | None


async def add(
    connection: AsyncConnection, execution_id: int, wish: bytes, *, expect_seconds: float, now: datetime
) -> None:
    row = {"execution_id": execution_id, "wish": wish, "expect_seconds": expect_seconds, "created_at": now}
    await connection.execute(insert(starts).values(row))


async def of(connection: AsyncConnection, execution_id: int) -> Start | None:
    """None for an execution that Bitbucket runs by itself."""
    columns = (starts.c.execution_id, starts.c.wish, starts.c.expect_seconds, starts.c.begun_at)
    row = (await connection.execute(select(*columns).where(starts.c.execution_id == execution_id))).one_or_none()
    return Start(**row._mapping) if row else None


async def begun(connection: AsyncConnection, execution_id: int, *, now: datetime) -> None:
    await connection.execute(update(starts).where(starts.c.execution_id == execution_id).values(begun_at=now))
