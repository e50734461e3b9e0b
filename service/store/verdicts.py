"""Questions about what became of a commit on an environment."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.machine import State
from service.store.executions import Execution
from service.store.tables import executions


async def latest(connection: AsyncConnection, pipeline_id: int, environment: str, commit: str) -> Execution | None:
    """The newest that brought the commit there, or was to, and has ended."""
    question = select(executions).where(
        executions.c.pipeline_id == pipeline_id,
        executions.c.environment == environment,
        executions.c.bitbucket_commit_hash == commit,
        executions.c.status.in_([state for state in State if state.final]),
    )
    row = (await connection.execute(question.order_by(executions.c.id.desc()).limit(1))).one_or_none()
    return Execution(**row._mapping) if row else None
