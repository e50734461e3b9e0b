"""One database, SQLite or PostgreSQL, and the two ways into it: reading, and writing in a transaction."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.store import inline

# FULL: what was acknowledged survives a power cut. The rest: refuse rather than hang, trust nothing in the schema.
PRAGMAS = (
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA journal_size_limit=67108864",
)


class Database:
    """The only maker of connections.

    On SQLite all writers of this process take turns at `turn`: a write never meets SQLITE_BUSY from next door, and
    never runs beside a checkpoint (SQLite before 3.51.3 can corrupt a WAL that one connection resets while another
    writes, sqlite.org/wal.html#walresetbug). A command beside a running service opens the file with `beside=True`
    and never checkpoints. On PostgreSQL `turn` is free: rows are locked where it matters.
    """

    def __init__(self, url: str, *, beside: bool = False, pool: int = 8) -> None:
        self.url = url
        self.embedded = make_url(url).get_backend_name() == "sqlite"
        self.path = make_url(url).database or ""
        self._turn = asyncio.Lock()
        if self.embedded:
            checkpoint = ("PRAGMA wal_autocheckpoint=0",) if beside else ()
            self._reader = _sqlite(url, ("PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0"), "BEGIN", size=4)
            self._writer = _sqlite(url, checkpoint, "BEGIN IMMEDIATE", size=1, async_creator_fn=inline.connect)
        else:
            options: dict[str, Any] = {"pool_size": pool, "max_overflow": 4, "pool_pre_ping": True, "pool_timeout": 8}
            server = {"application_name": "penstock", "jit": "off"}
            self._reader = self._writer = create_async_engine(
                url, **options, hide_parameters=True, connect_args={"server_settings": server}
            )

    @property
    def writers(self) -> int:
        """How many transactions may usefully be under way at once in one process."""
        return 1 if self.embedded else 4

    @property
    def turn(self) -> Any:
        """Held by whoever writes to an embedded database, through this class or past it (`inbox.py`)."""
        return self._turn if self.embedded else nullcontext()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection with one snapshot of the database. Not to be kept over anything slow."""
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection for which the whole database stands still, however long it reads; who writes is not hindered."""
        async with self.read() as connection:
            if not self.embedded:
                level = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                await connection.execution_options(**level)
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, undone by an exception."""
        async with self.turn, self._writer.begin() as connection:
            yield connection

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()


def away(error: Exception) -> bool:
    """Whether it says that the database is gone or busy, and nothing about what was asked of it."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return isinstance(error, PoolTimeout)


def _execute_patiently(cursor: Any, pragma: str) -> None:
    """A new file is turned to WAL once, and whoever opens it at that moment is refused, whatever the busy timeout."""
    for _ in range(100):
        try:
            cursor.execute(pragma)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.02)
    cursor.execute(pragma)


def _sqlite(url: str, pragmas: tuple[str, ...], begin: str, *, size: int, **how: Any) -> AsyncEngine:
    # hidden from errors, and so from the log: the parameters are what Bitbucket and people have sent
    engine = create_async_engine(
        url, pool_size=size, max_overflow=0, pool_timeout=8, hide_parameters=True, connect_args=how
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin by itself, deferred, before the first write only
        cursor = connection.cursor()
        for pragma in (*PRAGMAS, *pragmas):
            _execute_patiently(cursor, pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        # IMMEDIATE for writers: a deferred transaction that reads and then writes fails without waiting for anybody
        connection.exec_driver_sql(begin)

    return engine
