"""Questions about locks: who deploys to an environment, and who comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.executions import Execution
from service.store.tables import executions, locks

# Word for word the condition of the index of running executions.
RUNNING = text("status NOT IN ('SUCCESS', 'FAILED')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`execution_id` deploys to the environment. `kept`: its execution has ended, and a rollback is to take over."""

    id: int
    pipeline_id: int
    environment: str
    execution_id: int
    since: datetime
    deadline_at: datetime
    kept: bool


async def on(connection: AsyncConnection, pipeline_id: int, environment: str) -> Lock | None:
    question = select(locks).where(locks.c.pipeline_id == pipeline_id, locks.c.environment == environment)
    row = (await connection.execute(question)).one_or_none()
    return Lock(**row._mapping) if row else None


async def of(connection: AsyncConnection, execution_id: int) -> Lock | None:
    """The lock that the execution holds."""
    row = (await connection.execute(select(locks).where(locks.c.execution_id == execution_id))).one_or_none()
    return Lock(**row._mapping) if row else None


async def of_pipeline(connection: AsyncConnection, pipeline_id: int) -> dict[str, Lock]:
    """environment → its lock, of those that are locked."""
    question = select(locks).where(locks.c.pipeline_id == pipeline_id)
    return {row.environment: Lock(**row._mapping) for row in await connection.execute(question)}


async def put(
    connection: AsyncConnection,
    pipeline_id: int,
    environment: str,
    *,
    execution_id: int,
    since: datetime,
    deadline_at: datetime,
) -> None:
    """The execution holds the environment's lock, whoever has held it."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    held = {"execution_id": execution_id, "since": since, "deadline_at": deadline_at, "kept": False}
    statement = dialect.insert(locks).values(pipeline_id=pipeline_id, environment=environment, **held)
    statement = statement.on_conflict_do_update(index_elements=["pipeline_id", "environment"], set_=held)
    await connection.execute(statement)


async def change(connection: AsyncConnection, execution_id: int, *, deadline_at: datetime, kept: bool) -> None:
    statement = update(locks).where(locks.c.execution_id == execution_id)
    await connection.execute(statement.values(deadline_at=deadline_at, kept=kept))


async def remove(connection: AsyncConnection, lock_id: int) -> None:
    await connection.execute(delete(locks).where(locks.c.id == lock_id))


async def line(connection: AsyncConnection, pipeline_id: int, environment: str) -> list[Execution]:
    """Who deploys to the environment or is to: what Bitbucket runs by itself, then what waits for its turn here.

    Each in the order in which they were opened. What waits for an approval is not in the line yet, nor is what a push
    makes us expect: it may never come.
    """
    turn = case((executions.c.waits_for == "turn", 1), else_=0)
    question = select(executions).where(
        executions.c.pipeline_id == pipeline_id,
        executions.c.environment == environment,
        RUNNING,
        executions.c.waits_for.is_(None) | (executions.c.waits_for == "turn"),
        executions.c.bitbucket_build_number.is_not(None) | (executions.c.trigger_type != "webhook"),
    )
    rows = await connection.execute(question.order_by(turn, executions.c.id))
    return [Execution(**row._mapping) for row in rows]


async def waiting_here(connection: AsyncConnection, pipeline_id: int, environment: str) -> int | None:
    """The first execution that Penstock is to start there once it may, if there is any."""
    question = select(executions.c.id).where(
        executions.c.pipeline_id == pipeline_id,
        executions.c.environment == environment,
        RUNNING,
        executions.c.waits_for.is_not(None),
    )
    number: int | None = (await connection.execute(question.order_by(executions.c.id).limit(1))).scalar()
    return number
