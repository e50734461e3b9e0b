"""The doorbell by LISTEN and NOTIFY on the database itself.

NOTIFY is said on a connection of its own, never in a transaction that writes: PostgreSQL takes a lock on the whole
cluster's queue when such a transaction commits (https://www.postgresql.org/docs/current/sql-notify.html).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine import make_url

from service.bus.remote import CHANNEL, Hear, Line, Lose, RemoteBus

CONNECT_SECONDS = 5.0


class PostgresLine:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def say(self, text: str) -> None:
        await self._connection.execute("SELECT pg_notify($1, $2)", CHANNEL, text)


async def connect(url: str, database_url: str) -> RemoteBus:
    """`url` is `postgresql:`, for the database that the entries are in, or the address of another one."""
    # SQLAlchemy reads the address as it does for its own connections, so that both understand the same options
    address = make_url(url if "//" in url else database_url)
    options: dict[str, Any] = dialect().create_connect_args(address)[1]  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def dial(hear: Hear, lose: Lose) -> AsyncIterator[Line]:
        connection = await asyncpg.connect(**options, timeout=CONNECT_SECONDS)
        try:
            connection.add_termination_listener(lambda _: lose())
            await connection.add_listener(CHANNEL, lambda _connection, _pid, _channel, text: hear(text))
            yield PostgresLine(connection)
        finally:
            connection.terminate()  # at once: there is nothing on the way that a look would not find

    bus = RemoteBus(dial)
    await bus.open()
    return bus
