"""The inbox's way in: deliveries that wait together share one durable commit.

A transaction each would put every caller behind an fsync of his own. Here whoever arrives while a commit is under way
waits for the next one, with everybody else who does. Equal deliveries that arrive at once share one row: the first
is told that it was accepted, the others that it is here already.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from service.store.database import Database

LARGEST_BATCH = 256
CROWD = 16
MOST_WAITING_BYTES = 64 * 1024 * 1024


class Receipt(StrEnum):
    """What became of an arrival."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"  # it would teach a uuid that belongs to another connected repository


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A delivery that was verified and is to be stored. `request_uuid` is "" where the sender gave none."""

    hook_id: str
    repository_id: int
    request_uuid: str
    digest: bytes
    event_key: str
    attempt: int
    body: bytes
    received_at: datetime
    flags: tuple[str, ...] = ()
    teaches: str | None = None  # the repository's uuid, where it is not known yet

    @property
    def key(self) -> tuple[str, str, bytes]:
        return self.hook_id, self.request_uuid, self.digest


Stored = tuple[Receipt, str]


class Commit(Protocol):
    """Stores a batch in one transaction. Either all of it is durable on return, or it raises."""

    async def __call__(self, batch: list[Arrival]) -> list[Stored]: ...

    def close(self) -> None: ...


class Unavailable(RuntimeError):
    """It cannot be stored now. The sender should try again: answer 503."""


def new_id() -> str:
    """32 hex digits that sort by time: 12 of milliseconds, then chance."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def flags_of(arrival: Arrival) -> str:
    """As the column holds them."""
    return msgspec.json.encode(arrival.flags).decode()


class Inbox:
    """Takes arrivals, and rings after each commit that brought something new."""

    def __init__(self, database: Database, ring: Callable[[], None]) -> None:
        self._database = database
        self._ring = ring
        self._waiting: list[tuple[Arrival, asyncio.Future[Stored]]] = []
        self._bytes = 0
        self._under_way: dict[tuple[str, str, bytes], asyncio.Future[Stored]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def crowded(self) -> bool:
        """Whether many senders are waiting for their answer."""
        return len(self._under_way) >= CROWD

    def start(self) -> None:
        self._task = asyncio.create_task(self._write(), name="inbox")

    async def stop(self) -> None:
        """What was handed over is written first."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def put(self, arrival: Arrival, *, timeout: float) -> Stored:
        """What became of it, and the id under which it is kept. Raises Unavailable."""
        first = self._under_way.get(arrival.key)
        if first is None:
            if self._bytes + len(arrival.body) > MOST_WAITING_BYTES:
                raise Unavailable("too many deliveries wait for the database")
            first = mine = asyncio.get_running_loop().create_future()
            self._under_way[arrival.key] = mine
            self._waiting.append((arrival, mine))
            self._bytes += len(arrival.body)
            self._wake.set()
            return await self._outcome(first, timeout)
        receipt, number = await self._outcome(first, timeout)
        return (Receipt.DUPLICATE if receipt is Receipt.ACCEPTED else receipt), number

    async def _outcome(self, stored: asyncio.Future[Stored], timeout: float) -> Stored:
        # not wait_for: it would cancel what others wait for too, and costs a task for each caller
        done, _ = await asyncio.wait((stored,), timeout=timeout)
        if not done:
            raise Unavailable("the database did not take it in time")
        return stored.result()

    async def _write(self) -> None:
        from service.store import inbox_postgresql, inbox_sqlite

        commit: Commit = (inbox_sqlite if self._database.embedded else inbox_postgresql).connect(self._database)
        try:
            while True:
                await self._wake.wait()
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                if not self._waiting:
                    self._wake.clear()
                await self._commit(commit, batch)
        finally:
            commit.close()

    async def _commit(self, commit: Commit, batch: list[tuple[Arrival, asyncio.Future[Stored]]]) -> None:
        try:
            async with self._database.turn:
                stored = await commit([arrival for arrival, _ in batch])
        except Exception as error:  # whatever it is, the sender is to try again, and the next batch is another try
            for arrival, future in batch:
                self._finish(arrival)
                future.set_exception(Unavailable(f"{type(error).__name__}: {error}"))
                future.exception()  # nobody may be waiting any more
            return
        for (arrival, future), outcome in zip(batch, stored, strict=True):
            self._finish(arrival)
            future.set_result(outcome)
        self._ring()

    def _finish(self, arrival: Arrival) -> None:
        del self._under_way[arrival.key]
        self._bytes -= len(arrival.body)
