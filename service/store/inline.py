"""SQLite's writer without a change of threads for each call: only what may wait is done elsewhere.

aiosqlite sends every call to a thread and back, four of them for a statement; with a transaction of a dozen statements
that is most of what it costs. But once a transaction holds the write lock, a statement waits for nobody and takes
microseconds. So within a transaction calls are made where they are asked for, and what waits for locks or for the disk,
BEGIN and COMMIT, goes to the thread as ever. Readers keep the thread: a list may take its time.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

import aiosqlite

# What waits for the disk.
WAITS = frozenset({"commit", "close"})


class InlineConnection(aiosqlite.Connection):
    """Should aiosqlite no longer go through `_execute`, everything goes to the thread again: slower, not wrong."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], chunk: int) -> None:
        super().__init__(connector, chunk)
        # Calls that the thread has not finished. Whoever waited for one may have been cancelled meanwhile: the next
        # call has to queue up behind it all the same.
        self._elsewhere: deque[None] = deque()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        connection = self._connection
        free = connection is not None and connection.in_transaction and not self._elsewhere
        if free and getattr(fn, "__name__", "") not in WAITS:
            return fn(*args, **kwargs)
        self._elsewhere.append(None)

        def counted() -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._elsewhere.popleft()

        return await super()._execute(counted)  # type: ignore[no-untyped-call]


def connect(path: str, **options: Any) -> aiosqlite.Connection:
    """As aiosqlite.connect, for SQLAlchemy's `async_creator_fn`."""
    options["check_same_thread"] = False  # calls come from two threads, but never at the same time

    def connector() -> sqlite3.Connection:
        opened: sqlite3.Connection = sqlite3.connect(path, **options)
        return opened

    connection = InlineConnection(connector, 64)
    connection._thread.daemon = True  # as SQLAlchemy has it
    return connection
