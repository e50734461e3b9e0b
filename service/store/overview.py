"""Questions that a page asks about many things at once: what runs now, what ran last, how each moved, their names."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer, may_see
from service.store.executions import Execution, Transition
from service.store.tables import executions, repositories, transitions, unfinished


async def running(connection: AsyncConnection, viewer: Viewer, *, limit: int) -> list[Execution]:
    """The executions that have not ended, newest first."""
    question = select(executions).where(unfinished, may_see(viewer, executions.c.repository_id))
    rows = await connection.execute(question.order_by(executions.c.id.desc()).limit(limit))
    return [Execution(**row._mapping) for row in rows]


# The ids that the following are asked about come from questions that have checked the viewer's rights.


async def executions_named(connection: AsyncConnection, ids: Collection[int]) -> dict[int, Execution]:
    """id → execution."""
    question = select(executions).where(executions.c.id.in_(ids))
    return {row.id: Execution(**row._mapping) for row in await connection.execute(question)}


async def histories(connection: AsyncConnection, execution_ids: Collection[int]) -> dict[int, list[Transition]]:
    """execution id → its transitions, in the order in which they were recorded."""
    question = select(transitions).where(transitions.c.execution_id.in_(execution_ids)).order_by(transitions.c.id)
    found: dict[int, list[Transition]] = {number: [] for number in execution_ids}
    for row in await connection.execute(question):
        values = dict(row._mapping)
        found[values.pop("execution_id")].append(Transition(from_=values.pop("from"), **values))
    return found


async def names_of(connection: AsyncConnection, repository_ids: Collection[int]) -> dict[int, str]:
    """repository id → `workspace/slug`, of disconnected ones too."""
    columns = (repositories.c.id, repositories.c.workspace, repositories.c.slug)
    question = select(*columns).where(repositories.c.id.in_(repository_ids))
    return {row.id: f"{row.workspace}/{row.slug}" for row in await connection.execute(question)}
