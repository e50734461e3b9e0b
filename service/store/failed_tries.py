"""Questions about failed tries to sign in: how many there were of one account from one address."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import case, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import failed_tries

# So many tries in so long a time; who has used them up waits until the time is over.
MOST = 10
WINDOW = timedelta(minutes=15)


async def begin(connection: AsyncConnection, name: str, address: str, now: datetime) -> datetime | None:
    """Counts one more try; when to come again, where there were too many. Counted first: parallel tries count too."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(failed_tries).values(key=_key(name, address), count=1, since=now)
    over = failed_tries.c.since <= now - WINDOW
    again = {
        "count": case((over, 1), else_=failed_tries.c.count + 1),
        "since": case((over, now), else_=failed_tries.c.since),
    }
    counted = statement.on_conflict_do_update(index_elements=["key"], set_=again)
    row = (await connection.execute(counted.returning(failed_tries.c.count, failed_tries.c.since))).one()
    count, since = row
    return since + WINDOW if count > MOST else None


async def forget(connection: AsyncConnection, name: str, address: str) -> None:
    """The right password: the tries before it count no more."""
    await connection.execute(delete(failed_tries).where(failed_tries.c.key == _key(name, address)))


async def prune(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(failed_tries).where(failed_tries.c.since <= now - WINDOW))


def _key(name: str, address: str) -> str:
    return hashlib.sha256(f"{name}\n{address}".encode("utf-8", "surrogatepass")).hexdigest()
