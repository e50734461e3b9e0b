"""Questions about drift: where reality and what Penstock brought there have come apart, as long as they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer, may_see
from service.store.tables import config_revisions, drifts, pipelines, repositories

KINDS = ("file", "variable", "webhook", "nginx", "deployment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """`kind` is one of KINDS; `subject` the path, the variable, the hook's address, the server's host name
    or the environment.

    `change` is changed, missing, unmanaged or inactive; `detail` says it in words. Its `digest` is of what was found:
    another one is another change.
    """

    id: int
    repository_id: int
    pipeline_id: int
    kind: str
    subject: str
    change: str
    detail: str
    digest: str
    found_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A drift with the name of its repository."""

    drift: Drift
    full_name: str


async def open_of(connection: AsyncConnection, pipeline_id: int) -> list[Drift]:
    question = select(*_COLUMNS).where(drifts.c.pipeline_id == pipeline_id, drifts.c.ended_at.is_(None))
    return [Drift(**row._mapping) for row in await connection.execute(question.order_by(drifts.c.id))]


async def add(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(insert(drifts).values(**values))


async def change(connection: AsyncConnection, drift_id: int, **values: Any) -> None:
    await connection.execute(update(drifts).where(drifts.c.id == drift_id).values(**values))


async def page(
    connection: AsyncConnection,
    viewer: Viewer,
    *,
    after: int,
    limit: int,
    pipeline_id: int | None = None,
    kind: str | None = None,
) -> list[Listed]:
    """What is apart now, of active pipelines, with ids above `after`, in order."""
    named = (repositories.c.workspace, repositories.c.slug)
    joined = select(*_COLUMNS, *named).join(repositories, repositories.c.id == drifts.c.repository_id)
    joined = joined.join(pipelines, pipelines.c.id == drifts.c.pipeline_id)
    question = joined.where(
        drifts.c.ended_at.is_(None), pipelines.c.is_active, may_see(viewer, drifts.c.repository_id), drifts.c.id > after
    )
    for column, value in ((drifts.c.pipeline_id, pipeline_id), (drifts.c.kind, kind)):
        question = question if value is None else question.where(column == value)
    found = []
    for row in await connection.execute(question.order_by(drifts.c.id).limit(limit)):
        values = dict(row._mapping)
        name = f"{values.pop('workspace')}/{values.pop('slug')}"
        found.append(Listed(Drift(**values), name))
    return found


async def count_of(connection: AsyncConnection, pipeline_id: int) -> int:
    question = select(func.count()).select_from(drifts)
    mine = (drifts.c.pipeline_id == pipeline_id, drifts.c.ended_at.is_(None))
    return int((await connection.execute(question.where(*mine))).scalar_one())


async def compared(connection: AsyncConnection, viewer: Viewer) -> int:
    """How many active pipelines that the viewer may see have something to be compared with."""
    arrived = config_revisions.c.delivered == "delivered"
    mine = (config_revisions.c.pipeline_id == pipelines.c.id, arrived)
    question = select(func.count()).select_from(pipelines)
    question = question.where(pipelines.c.is_active, may_see(viewer, pipelines.c.repository_id))
    return int(
        (await connection.execute(question.where(select(config_revisions.c.id).where(*mine).exists()))).scalar_one()
    )


_COLUMNS = [drifts.c[name] for name in Drift.__dataclass_fields__]
