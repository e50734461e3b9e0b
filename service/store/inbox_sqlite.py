"""How the inbox commits on SQLite: a thread and a connection of its own, one hop a batch."""

from __future__ import annotations

import asyncio
import sqlite3
import zlib
from concurrent.futures import ThreadPoolExecutor

from service.failpoints import fail_point
from service.store.database import PRAGMAS, Database
from service.store.inbox import Arrival, Receipt, Stored, flags_of, new_id

INSERT = """
INSERT INTO deliveries (id, hook_id, repository_id, request_uuid, digest, event_key, attempt, body, received_at, due_at,
                        flags, status, tries, verdicts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', 0, '[]')
ON CONFLICT (hook_id, request_uuid, digest) DO NOTHING
"""
KNOWN = "SELECT id FROM deliveries WHERE hook_id = ? AND request_uuid = ? AND digest = ?"
TEACH = "UPDATE repositories SET uuid = ? WHERE id = ? AND uuid IS NULL"
TAUGHT = "SELECT uuid FROM repositories WHERE id = ?"


class SqliteCommit:
    """The database's turn is held by the caller, so that this connection never meets another writer of the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")

    async def __call__(self, batch: list[Arrival]) -> list[Stored]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, batch)

    def close(self) -> None:
        if self._connection:
            self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=True)

    def _commit(self, batch: list[Arrival]) -> list[Stored]:
        connection = self._connection = self._connection or _connect(self._path)
        connection.execute("BEGIN IMMEDIATE")
        try:
            fail_point("inbox.begun")
            stored = [_store(connection, arrival) for arrival in batch]
            fail_point("inbox.written")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        fail_point("inbox.committed")
        return stored


def _store(connection: sqlite3.Connection, arrival: Arrival) -> Stored:
    if arrival.teaches and not _teach(connection, arrival):
        return Receipt.FOREIGN, ""
    number = new_id()
    at = arrival.received_at.strftime("%Y-%m-%d %H:%M:%S.%f")
    body = zlib.compress(arrival.body, 1)
    row = (number, arrival.hook_id, arrival.repository_id, arrival.request_uuid, arrival.digest)
    rest = (arrival.event_key, arrival.attempt, body, at, at, flags_of(arrival))
    if connection.execute(INSERT, (*row, *rest)).rowcount:
        return Receipt.ACCEPTED, number
    return Receipt.DUPLICATE, str(connection.execute(KNOWN, arrival.key).fetchone()[0])


def _teach(connection: sqlite3.Connection, arrival: Arrival) -> bool:
    try:
        connection.execute(TEACH, (arrival.teaches, arrival.repository_id))
    except sqlite3.IntegrityError:
        return False
    return bool(connection.execute(TAUGHT, (arrival.repository_id,)).fetchone()[0] == arrival.teaches)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


def connect(database: Database) -> SqliteCommit:
    return SqliteCommit(database.path)
