"""How the inbox commits on SQLite: a thread and a connection of its own, one hop a batch."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.failpoints import fail_point
from service.store.database import PRAGMAS, Database
from service.store.inbox import Arrival, Receipt, Stored, flags_of, new_ids

INSERT = """
INSERT INTO deliveries (id, hook_id, repository_id, request_uuid, digest, event_key, attempt, body, received_at, due_at,
                        flags, status, tries, verdicts)
VALUES {} ON CONFLICT (hook_id, request_uuid, digest) DO NOTHING
"""
ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', 0, '[]')"
KNOWN = "SELECT id FROM deliveries WHERE hook_id = ? AND request_uuid = ? AND digest = ?"
TEACH = "UPDATE repositories SET uuid = ? WHERE id = ? AND uuid IS NULL"
TAUGHT = "SELECT uuid FROM repositories WHERE id = ?"


class SqliteCommit:
    """The database's turn is held by the caller, so that this connection never meets another writer of the process."""

    depth = 2  # the second waits in the thread's queue, and begins without a word from the event loop

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")

    async def __call__(self, take: Callable[[], Sequence[Arrival]]) -> list[Stored]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, take)

    def close(self) -> None:
        if self._connection:
            self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=True)

    def _commit(self, take: Callable[[], Sequence[Arrival]]) -> list[Stored]:
        batch = take()
        if not batch:
            return []
        connection = self._connection = self._connection or _connect(self._path)
        connection.execute("BEGIN IMMEDIATE")
        try:
            fail_point("inbox.begun")
            stored = _store(connection, batch)
            fail_point("inbox.written")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        fail_point("inbox.committed")
        return stored


def _store(connection: sqlite3.Connection, batch: Sequence[Arrival]) -> list[Stored]:
    """A few statements for the whole batch: each one more lets go of the interpreter, and waits to get it back."""
    strange = {n for n, arrival in enumerate(batch) if arrival.teaches and not _teach(connection, arrival)}
    ids = new_ids(len(batch))
    rows = {n: _row(ids[n], arrival) for n, arrival in enumerate(batch) if n not in strange}
    stored: list[Stored] = [(Receipt.FOREIGN, "")] * len(batch)
    waiting = list(rows)
    while waiting:
        some, waiting = waiting[: _size(len(waiting))], waiting[_size(len(waiting)) :]
        statement = INSERT.format(", ".join([ROW] * len(some)))
        added = connection.execute(statement, [value for n in some for value in rows[n]]).rowcount
        for n in some:
            stored[n] = Receipt.ACCEPTED, rows[n][0]
            if added < len(some):
                kept = str(connection.execute(KNOWN, batch[n].key).fetchone()[0])
                stored[n] = (Receipt.ACCEPTED if kept == rows[n][0] else Receipt.DUPLICATE), kept
    return stored


def _size(left: int) -> int:
    """The largest power of two: of so few different statements SQLite has each compiled already."""
    return 1 << (left.bit_length() - 1)


def _row(number: str, arrival: Arrival) -> tuple[Any, ...]:
    at = arrival.received_at.strftime("%Y-%m-%d %H:%M:%S.%f")
    named = (number, arrival.hook_id, arrival.repository_id, arrival.request_uuid, arrival.digest)
    return (*named, arrival.event_key, arrival.attempt, arrival.packed, at, at, flags_of(arrival))


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
