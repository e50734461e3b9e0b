"""Questions about approvals: what people said when an execution asked them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import approvals


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """`decision` is approve or refuse."""

    decision: str
    by: str
    comment: str | None
    at: datetime


async def add(
    connection: AsyncConnection,
    execution_id: int,
    *,
    decision: str,
    user_id: int | None,
    by: str,
    comment: str | None,
    now: datetime,
) -> None:
    row = {"execution_id": execution_id, "decision": decision, "user_id": user_id, "by": by, "comment": comment}
    await connection.execute(insert(approvals).values(**row, at=now))


async def of_execution(connection: AsyncConnection, execution_id: int) -> list[Approval]:
    """In the order in which they were given."""
    columns = (approvals.c.decision, approvals.c.by, approvals.c.comment, approvals.c.at)
    question = select(*columns).where(approvals.c.execution_id == execution_id).order_by(approvals.c.id)
    return [Approval(**row._mapping) for row in await connection.execute(question)]
