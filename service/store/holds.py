"""Questions about holds: which environment is held, since when, because of which commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An environment onto which automation does not bring `commit` again. `execution_id` is the one that failed."""

    id: int
    pipeline_id: int
    environment: str
    execution_id: int
    commit: str | None
    reason: str
    since: datetime
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


async def add(connection: AsyncConnection, **values: Any) -> Hold:
    statement = insert(holds).values(values).returning(*holds.c)
    return Hold(**(await connection.execute(statement)).one()._mapping)


async def open_on(connection: AsyncConnection, pipeline_id: int, environment: str) -> Hold | None:
    """The environment's hold, if it is held."""
    question = select(holds).where(
        holds.c.pipeline_id == pipeline_id, holds.c.environment == environment, holds.c.released_at.is_(None)
    )
    row = (await connection.execute(question)).one_or_none()
    return Hold(**row._mapping) if row else None


async def open_of(connection: AsyncConnection, pipeline_id: int) -> dict[str, Hold]:
    """environment → its hold, of those of the pipeline's environments that are held."""
    question = select(holds).where(holds.c.pipeline_id == pipeline_id, holds.c.released_at.is_(None))
    return {row.environment: Hold(**row._mapping) for row in await connection.execute(question)}


async def newest_of(connection: AsyncConnection, pipeline_ids: Sequence[int]) -> dict[int, Hold]:
    """pipeline → the newest hold of its environments, of those pipelines that have one."""
    question = select(holds).where(holds.c.pipeline_id.in_(pipeline_ids), holds.c.released_at.is_(None))
    rows = await connection.execute(question.order_by(holds.c.id))
    return {row.pipeline_id: Hold(**row._mapping) for row in rows}


async def by_id(connection: AsyncConnection, hold_id: int) -> Hold | None:
    row = (await connection.execute(select(holds).where(holds.c.id == hold_id))).one_or_none()
    return Hold(**row._mapping) if row else None


async def of_pipeline(
    connection: AsyncConnection, pipeline_id: int, *, before: int | None = None, limit: int = 50
) -> list[Hold]:
    """Released ones too, the newest first, from below the id `before` on."""
    question = select(holds).where(holds.c.pipeline_id == pipeline_id)
    if before is not None:
        question = question.where(holds.c.id < before)
    rows = await connection.execute(question.order_by(holds.c.id.desc()).limit(limit))
    return [Hold(**row._mapping) for row in rows]


async def release(connection: AsyncConnection, hold_id: int, *, by: str, reason: str | None, now: datetime) -> None:
    values = {"released_at": now, "released_by": by, "release_reason": reason}
    await connection.execute(update(holds).where(holds.c.id == hold_id).values(values))
