"""Questions about what was refused lately: whether a further refusal is worth a line of the audit log.

That log is kept for good, so that nobody may fill it: the same refusal is told once an hour, and of one account no more
than some in all.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import refusals

MOST = 30
WINDOW = timedelta(hours=1)


async def quiet(connection: AsyncConnection, user_id: int, now: datetime) -> bool:
    """Whether so much was refused to the account within the hour that no more of it is told."""
    question = select(refusals.c.count).where(refusals.c.key == _key(user_id), refusals.c.since > now - WINDOW)
    return ((await connection.execute(question)).scalar() or 0) >= MOST


async def count(connection: AsyncConnection, user_id: int, what: str, now: datetime) -> int:
    """Counts it; as the how manieth of the hour it is to be told, 0 for not at all."""
    await connection.execute(delete(refusals).where(refusals.c.since <= now - WINDOW))
    if await _counted(connection, _key(user_id, what), now) > 1:
        return 0
    place = await _counted(connection, _key(user_id), now)
    return place if place <= MOST else 0


async def _counted(connection: AsyncConnection, key: str, now: datetime) -> int:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    over = refusals.c.since <= now - WINDOW
    again = {
        "count": case((over, 1), else_=refusals.c.count + 1),
        "since": case((over, now), else_=refusals.c.since),
    }
    statement = dialect.insert(refusals).values(key=key, count=1, since=now)
    counted = statement.on_conflict_do_update(index_elements=["key"], set_=again).returning(refusals.c.count)
    return int((await connection.execute(counted)).scalar_one())


def _key(user_id: int, what: str = "") -> str:
    return hashlib.sha256(f"{user_id}\n{what}".encode("utf-8", "surrogatepass")).hexdigest()
