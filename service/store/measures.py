"""Questions that are asked every few seconds by whoever watches the service: each of them a step into an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.deliveries import WAITS
from service.store.tables import credentials, deliveries, executions, head, unfinished, work


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What waits, what lies dead, what runs. `oldest_due` is since when the work that waits longest is due."""

    cursor: int
    executions: int
    deliveries_waiting: int
    oldest_delivery: datetime | None
    deliveries_dead: int
    running: dict[str, int]
    work_waiting: dict[str, int]
    work_dead: dict[str, int]
    oldest_due: datetime | None
    credentials: dict[int, tuple[float, bool]]


async def load(connection: AsyncConnection) -> Load:
    """`credentials` are what is left of each one's bucket when last taken from, and whether it is broken."""
    waiting = select(func.count(), func.min(deliveries.c.received_at)).where(WAITS)
    waits, oldest = (await connection.execute(waiting)).one()
    dead = select(func.count()).select_from(deliveries).where(deliveries.c.status == "dead")
    running = select(executions.c.status, func.count()).where(unfinished)
    left = select(credentials.c.id, credentials.c.calls_left, credentials.c.broken)
    due = select(func.min(work.c.due_at)).where(work.c.status == "waiting")
    return Load(
        cursor=int((await connection.execute(select(head.c.cursor))).scalar_one()),
        executions=int((await connection.execute(select(func.max(executions.c.id)))).scalar() or 0),
        deliveries_waiting=int(waits),
        oldest_delivery=oldest,
        deliveries_dead=int((await connection.execute(dead)).scalar_one()),
        running=await _counts(connection, running.group_by(executions.c.status)),
        work_waiting=await _work(connection, "waiting"),
        work_dead=await _work(connection, "dead"),
        oldest_due=(await connection.execute(due)).scalar(),
        credentials={row.id: (row.calls_left, row.broken is not None) for row in await connection.execute(left)},
    )


async def _work(connection: AsyncConnection, status: str) -> dict[str, int]:
    question = select(work.c.kind, func.count()).where(work.c.status == status).group_by(work.c.kind)
    return await _counts(connection, question)


async def _counts(connection: AsyncConnection, question: Select[Any]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in await connection.execute(question)}
