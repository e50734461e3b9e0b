"""Questions about config revisions: the generated files of a pipeline, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import config_revisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What was generated. `diff` is unified, against the revision before.

    `delivery` says how it is to reach the repository (pull_request, commit, manual), `delivered` how far that is:
    waiting, delivered, failed, or none where nobody but a person delivers it.
    """

    id: int
    pipeline_id: int
    number: int
    commit: str | None
    files: dict[str, str]
    decisions: list[dict[str, Any]]
    detection: dict[str, Any] | None
    diff: str
    delivery: str
    delivered: str
    pull_request_url: str | None
    created_at: datetime


async def add(connection: AsyncConnection, pipeline_id: int, **values: Any) -> Revision:
    """The next one of the pipeline, whose row is locked or has just been changed by this transaction."""
    last = select(func.max(config_revisions.c.number)).where(config_revisions.c.pipeline_id == pipeline_id)
    number = ((await connection.execute(last)).scalar() or 0) + 1
    row = {**values, "pipeline_id": pipeline_id, "number": number}
    statement = insert(config_revisions).values(row).returning(*config_revisions.c)
    return Revision(**(await connection.execute(statement)).one()._mapping)


async def latest(connection: AsyncConnection, pipeline_id: int, *, limit: int = 1) -> list[Revision]:
    """The newest first."""
    question = select(config_revisions).where(config_revisions.c.pipeline_id == pipeline_id)
    rows = await connection.execute(question.order_by(config_revisions.c.number.desc()).limit(limit))
    return [Revision(**row._mapping) for row in rows]


async def numbered(connection: AsyncConnection, pipeline_id: int, number: int) -> Revision | None:
    question = select(config_revisions).where(config_revisions.c.pipeline_id == pipeline_id)
    row = (await connection.execute(question.where(config_revisions.c.number == min(number, 2**31 - 1)))).one_or_none()
    return Revision(**row._mapping) if row else None


async def by_id(connection: AsyncConnection, revision_id: int) -> Revision | None:
    question = select(config_revisions).where(config_revisions.c.id == revision_id)
    row = (await connection.execute(question)).one_or_none()
    return Revision(**row._mapping) if row else None
