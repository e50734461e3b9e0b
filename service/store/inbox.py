"""The inbox's way in: deliveries that wait together share one durable commit.

A transaction each would put every caller behind an fsync of his own. Here whoever arrives while a commit is under way
waits for the next one, with everybody else who does. Equal deliveries that arrive at once share one row: the first
is told that it was accepted, the others that it is here already.
"""

from __future__ import annotations

import asyncio
import os
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Protocol

import msgspec

from service.store.database import Database

LARGEST_BATCH = 256

# How many batches follow one another before other writers of this process get their turn.
BATCHES_A_TURN = 8
CROWD = 16
MOST_WAITING_BYTES = 64 * 1024 * 1024


class Receipt(StrEnum):
    """What became of an arrival."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"  # it would teach a uuid that belongs to another connected repository


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A delivery that was verified and is to be stored. `request_uuid` is "" where the sender gave none.

    `packed` is its body as it is kept: see `pack`.
    """

    hook_id: str
    repository_id: int
    request_uuid: str
    digest: bytes
    event_key: str
    attempt: int
    packed: bytes
    received_at: datetime
    flags: tuple[str, ...] = ()
    teaches: str | None = None  # the repository's uuid, where it is not known yet

    @property
    def key(self) -> tuple[str, str, bytes]:
        return self.hook_id, self.request_uuid, self.digest


Stored = tuple[Receipt, str]


class Commit(Protocol):
    """Stores batches, each in one transaction: on return all of it is durable, or it raises.

    `take` gives the batch, and is called when the transaction is about to begin; it may be called in another thread.
    Up to `depth` calls may be under way: the later ones wait for the earlier.
    """

    depth: int

    async def __call__(self, take: Callable[[], Sequence[Arrival]]) -> list[Stored]: ...

    def close(self) -> None: ...


class Unavailable(RuntimeError):
    """It cannot be stored now. The sender should try again: answer 503."""


def new_ids(number: int) -> list[str]:
    """Each 32 hex digits that sort by time: 12 of milliseconds, then chance."""
    begin, chance = f"{time.time_ns() // 1_000_000:012x}", os.urandom(10 * number).hex()
    return [begin + chance[20 * n : 20 * (n + 1)] for n in range(number)]


def pack(body: bytes) -> bytes:
    """A fifth of a usual body. Not for the thread that commits: it would wait for the interpreter after each one."""
    return zlib.compress(body, 1)


def flags_of(arrival: Arrival) -> str:
    """As the column holds them."""
    return msgspec.json.encode(arrival.flags).decode()


Waiting = tuple[Arrival, list[asyncio.Future[Stored]]]


class Inbox:
    """Takes arrivals, and rings after each commit that brought something new."""

    def __init__(self, database: Database, ring: Callable[[], None]) -> None:
        self._database = database
        self._ring = ring
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        # Whoever waits for an arrival, the one who brought it first.
        self._under_way: dict[tuple[str, str, bytes], list[asyncio.Future[Stored]]] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def crowded(self) -> bool:
        """Whether many senders are waiting for their answer."""
        return len(self._under_way) >= CROWD

    def start(self) -> None:
        self._task = asyncio.create_task(self._write(), name="inbox")

    async def stop(self) -> None:
        """What was handed over is written first."""
        await self._idle.wait()
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def put(self, arrival: Arrival, *, timeout: float) -> Stored:
        """What became of it, and the id under which it is kept. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[Stored] = loop.create_future()
        others = self._under_way.get(arrival.key)
        if others is not None:
            others.append(mine)
        else:
            self._hand_over(arrival, mine)
        # neither wait_for nor wait: both cost several times what is done here
        giving_up = loop.call_later(max(timeout, 0.0), _give_up, mine)
        try:
            return await mine
        finally:
            giving_up.cancel()

    def _hand_over(self, arrival: Arrival, first: asyncio.Future[Stored]) -> None:
        if self._bytes + len(arrival.packed) > MOST_WAITING_BYTES:
            raise Unavailable("too many deliveries wait for the database")
        waiting = self._under_way[arrival.key] = [first]
        self._waiting.append((arrival, waiting))
        self._bytes += len(arrival.packed)
        self._idle.clear()
        self._wake.set()

    async def _write(self) -> None:
        from service.store import inbox_postgresql, inbox_sqlite

        commit: Commit = (inbox_sqlite if self._database.embedded else inbox_postgresql).connect(self._database)
        try:
            while True:
                await self._wake.wait()
                async with self._database.turn:
                    await self._take_a_turn(commit)
        finally:
            commit.close()

    async def _take_a_turn(self, commit: Commit) -> None:
        """The next batch begins when the one before ends, with whoever has come meanwhile: no commit waits for us."""
        under_way: deque[tuple[list[Waiting], asyncio.Task[list[Stored]]]] = deque()
        for _ in range(BATCHES_A_TURN):
            if len(under_way) == commit.depth:
                await self._settle(*under_way.popleft())
            if not self._under_way:
                break
            batch: list[Waiting] = []
            under_way.append((batch, asyncio.ensure_future(commit(partial(self._take, batch)))))
        while under_way:
            await self._settle(*under_way.popleft())
        if not self._waiting:
            self._wake.clear()

    def _take(self, batch: list[Waiting]) -> list[Arrival]:
        """Moves who waits into `batch`. In whatever thread: a deque's ends are safe, and nobody else takes."""
        while self._waiting and len(batch) < LARGEST_BATCH:
            batch.append(self._waiting.popleft())
        return [arrival for arrival, _ in batch]

    async def _settle(self, batch: list[Waiting], stored: asyncio.Task[list[Stored]]) -> None:
        """Tells everybody in the batch. Whatever went wrong: the sender is to try again, the next batch is another."""
        try:
            outcomes: Sequence[Stored | Unavailable] = await stored
        except Exception as error:
            outcomes = [Unavailable(f"{type(error).__name__}: {error}")] * len(batch)
        else:
            if batch:
                self._ring()
        for (arrival, waiting), outcome in zip(batch, outcomes, strict=True):
            del self._under_way[arrival.key]
            self._bytes -= len(arrival.packed)
            _tell(waiting, outcome)
        if not self._under_way:
            self._idle.set()


def _give_up(waiting: asyncio.Future[Stored]) -> None:
    if not waiting.done():
        waiting.set_exception(Unavailable("the database did not take it in time"))


def _tell(waiting: list[asyncio.Future[Stored]], outcome: Stored | Unavailable) -> None:
    for place, one in enumerate(waiting):
        if one.done():  # gave up
            continue
        if isinstance(outcome, Unavailable):
            one.set_exception(outcome)
        elif place and outcome[0] is Receipt.ACCEPTED:
            one.set_result((Receipt.DUPLICATE, outcome[1]))
        else:
            one.set_result(outcome)
