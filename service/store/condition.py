"""Questions about the condition of the whole: what waits, what lies dead, when each hook was last heard of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.deliveries import WAITS
from service.store.repositories import Repository
from service.store.tables import credentials, deliveries, repositories, work


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`oldest_waiting` is when the delivery that has waited longest was received."""

    dead_deliveries: int
    dead_work: int
    oldest_waiting: datetime | None


async def condition(connection: AsyncConnection) -> Condition:
    dead = select(func.count()).select_from(deliveries).where(deliveries.c.status == "dead")
    oldest = select(func.min(deliveries.c.received_at)).where(WAITS)
    lost = select(func.count()).select_from(work).where(work.c.status == "dead")
    return Condition(
        dead_deliveries=(await connection.execute(dead)).scalar_one(),
        dead_work=(await connection.execute(lost)).scalar_one(),
        oldest_waiting=(await connection.execute(oldest)).scalar(),
    )


async def heard_of(connection: AsyncConnection) -> list[tuple[Repository, datetime | None]]:
    """Every connected repository, with when its hook last delivered anything."""
    last = (
        select(deliveries.c.received_at)
        .where(deliveries.c.repository_id == repositories.c.id)
        .order_by(deliveries.c.id.desc())  # ids are in order of arrival
        .limit(1)
        .scalar_subquery()
        .label("last")
    )
    question = select(repositories, last).where(repositories.c.disconnected_at.is_(None)).order_by(repositories.c.id)
    found = []
    for row in await connection.execute(question):
        values = {column.name: row._mapping[column.name] for column in repositories.c}
        found.append((Repository(**values), row.last))
    return found


async def calls_left(connection: AsyncConnection, credential_id: int) -> float:
    """How many calls a credential's bucket held when one was last taken from it."""
    question = select(credentials.c.calls_left).where(credentials.c.id == credential_id)
    return float((await connection.execute(question)).scalar() or 0.0)
