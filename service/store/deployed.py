"""Questions about what deployments have printed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import logs
from service.store.tables import executions, steps

# Of a long log only so much of its end is read: what is installed is told last.
MOST_BYTES = 256 * 1024


async def newest_output(connection: AsyncConnection, pipeline_id: int, environment: str) -> bytes | None:
    """The end of what the deploying step of the environment's newest success has printed; None where nothing has."""
    mine = (executions.c.pipeline_id == pipeline_id, executions.c.environment == environment)
    newest = select(executions.c.id).where(*mine, executions.c.status == "SUCCESS").order_by(executions.c.id.desc())
    execution_id = (await connection.execute(newest.limit(1))).scalar()
    named = steps.c.deployment.is_not(None) | (steps.c.name == f"Deploy to {environment}")
    deploys = (steps.c.execution_id == execution_id, named, steps.c.log_bytes > 0)
    question = select(steps.c.id, steps.c.log_bytes).where(*deploys).order_by(steps.c.position.desc()).limit(1)
    row = (await connection.execute(question)).one_or_none()
    if execution_id is None or row is None:
        return None
    begin = max(0, row.log_bytes - MOST_BYTES)
    return b"".join([part async for part in logs.text_of(connection, row.id, begin, row.log_bytes)])
