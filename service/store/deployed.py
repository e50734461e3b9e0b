"""Questions about what deployments have printed."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import logs
from service.store.tables import executions, steps

# Of a long log only so much of its end is read: what is installed is told last.
MOST_BYTES = 256 * 1024


async def newest_outputs(connection: AsyncConnection, pipeline_id: int, environment: str) -> list[bytes]:
    """The end of what deploying steps of the environment have printed: those of its newest success, and of the newest
    deployment that failed after it; the older one first.
    """
    mine = (executions.c.pipeline_id == pipeline_id, executions.c.environment == environment)
    named = steps.c.deployment.is_not(None) | (steps.c.name == f"Deploy to {environment}")
    printed = (steps.c.execution_id == executions.c.id, named, steps.c.log_bytes > 0)
    succeeded = select(func.max(executions.c.id)).where(*mine, executions.c.status == "SUCCESS").scalar_subquery()
    failed = (executions.c.status == "FAILED", executions.c.id > func.coalesce(succeeded, 0))
    newest_failure = select(func.max(executions.c.id)).where(
        *mine, *failed, select(steps.c.id).where(*printed).exists()
    )
    question = (
        select(steps.c.execution_id, steps.c.id, steps.c.log_bytes)
        .join(executions, steps.c.execution_id == executions.c.id)
        .where(*printed, executions.c.id.in_((succeeded, newest_failure.scalar_subquery())))
        .order_by(executions.c.id, steps.c.position)
    )
    last = {row.execution_id: row for row in await connection.execute(question)}
    return [await _end_of(connection, row.id, row.log_bytes) for row in last.values()]


async def _end_of(connection: AsyncConnection, step_id: int, log_bytes: int) -> bytes:
    begin = max(0, log_bytes - MOST_BYTES)
    return b"".join([part async for part in logs.text_of(connection, step_id, begin, log_bytes)])
