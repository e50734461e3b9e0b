"""Questions that a page asks about many pipelines at once: what runs now, what ran last, what everything is named."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.machine import State
from service.store.accounts import Viewer, may_see
from service.store.executions import Execution
from service.store.tables import executions, repositories

UNDER_WAY = [state for state in State if not state.final]


async def running(connection: AsyncConnection, viewer: Viewer, *, limit: int) -> list[Execution]:
    """The executions that have not ended, newest first."""
    question = select(executions).where(executions.c.status.in_(UNDER_WAY), may_see(viewer, executions.c.repository_id))
    rows = await connection.execute(question.order_by(executions.c.id.desc()).limit(limit))
    return [Execution(**row._mapping) for row in rows]


async def executions_named(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, Execution]:
    """id → execution. The ids come from a question that has checked the viewer's rights already."""
    question = select(executions).where(executions.c.id.in_(list(ids)))
    return {row.id: Execution(**row._mapping) for row in await connection.execute(question)}


async def names_of(connection: AsyncConnection, repository_ids: Iterable[int]) -> dict[int, str]:
    """repository id → `workspace/slug`, of disconnected ones too. The ids come from a question that checked rights."""
    columns = (repositories.c.id, repositories.c.workspace, repositories.c.slug)
    question = select(*columns).where(repositories.c.id.in_(set(repository_ids)))
    return {row.id: f"{row.workspace}/{row.slug}" for row in await connection.execute(question)}
