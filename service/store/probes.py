"""Questions about probes: how an environment has answered since a run deployed to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import probes


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """`state` is waiting, passed or failed; `status` and `error` are those of the last of `tries`."""

    execution_id: int
    attempt: int
    state: str
    url: str
    tries: int
    status: int | None
    error: str | None
    asked_at: datetime | None


async def begin(connection: AsyncConnection, execution_id: int, attempt: int, url: str) -> None:
    """Nobody has been asked yet, also where the attempt was asked about before."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    fresh = {"state": "waiting", "url": url, "tries": 0, "status": None, "error": None, "asked_at": None}
    statement = dialect.insert(probes).values(execution_id=execution_id, attempt=attempt, **fresh)
    await connection.execute(statement.on_conflict_do_update(index_elements=["execution_id", "attempt"], set_=fresh))


async def change(connection: AsyncConnection, execution_id: int, attempt: int, **values: Any) -> None:
    mine = (probes.c.execution_id == execution_id, probes.c.attempt == attempt)
    await connection.execute(update(probes).where(*mine).values(values))


async def latest(connection: AsyncConnection, execution_ids: Collection[int]) -> dict[int, Probe]:
    """execution id → the probe of its newest attempt that was asked about."""
    question = select(probes).where(probes.c.execution_id.in_(execution_ids)).order_by(probes.c.attempt)
    found = {}
    for row in await connection.execute(question):
        values = dict(row._mapping)
        values.pop("id")
        found[row.execution_id] = Probe(**values)
    return found
