"""Does leased work: a table from kinds to what is done.

A piece is leased in one transaction, done outside any, and settled in the transaction that records what came of it. So
a call to somebody slow holds no lock, and a worker that dies in the middle leaves a lease that runs out.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from service.bus import Topic
from service.recorder import Record, Recorder
from service.store import work
from service.store.database import away
from service.store.work import Work
from service.workers.rounds import keep_going

logger = logging.getLogger(__name__)

# Seconds for which a piece is ours; a worker that died holding it is taken over after them.
LEASE = 60.0

# Seconds after which a piece is let go of, and done once more later: before anybody else takes it.
LONGEST = 50.0

# Seconds before the next try, doubled each time up to the hour; after the last one the piece lies dead.
FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES = 2.0, 3600.0, 12


class Later(Exception):
    """A task cannot be done now, through nobody's fault here: it is due again in so many seconds, as often as it takes.

    `piece.tries` counts on, so that the task can tell how often this has happened in a row.
    """

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Again:
    """A piece is due once more in so many seconds, and will find `payload`: unless somebody has added it anew."""

    seconds: float
    payload: dict[str, Any]


class LeaseLost(RuntimeError):
    """Somebody else took the piece over: what this transaction did is undone."""


# Writes down what came of a piece, in the record that settles it: when to do it once more, or None: done.
Writing = Callable[[Record], Awaitable[float | Again | None]]

# Does the outward part of one piece, outside any transaction, within the lease, and answers how to write it down.
Task = Callable[[Work], Awaitable[Writing]]


class TaskWorker:
    """Does what is due until it is cancelled."""

    def __init__(self, recorder: Recorder, tasks: Mapping[str, Task]) -> None:
        self._recorder = recorder
        self._tasks = tasks

    async def run(self) -> None:
        await keep_going(self._recorder.bus, Topic.WORK, self.do_next)

    async def do_next(self) -> bool:
        """Whether there was a piece. One that raises is tried again, later and later, and holds up no other."""
        piece = await self._lease()
        if piece is None:
            return False
        try:
            await self._do(piece)
        except asyncio.CancelledError:  # we go down: nobody needs to wait for the lease to run out
            await self._give_back(piece)
            raise
        except Later as later:
            await self._postpone(piece, later.seconds, str(later))
        except LeaseLost:
            logger.warning("work.lost", extra={"work": piece.id, "kind": piece.kind})
        except Exception as error:
            if away(error):  # the lease runs out, and the piece is taken up again
                raise
            logger.exception("work.failed", extra={"work": piece.id, "kind": piece.kind})
            await self._put_back(piece, error)
        return True

    async def _lease(self) -> Work | None:
        """Looks before it writes: most of the time nothing is due, and a look takes nobody's turn."""
        kinds = list(self._tasks)
        async with self._recorder.database.read() as connection:
            if not await work.any_due(connection, kinds, now=self._recorder.now()):
                return None
        async with self._recorder.record() as record:
            return await work.lease(record.connection, kinds, now=record.now, seconds=LEASE)

    async def _do(self, piece: Work) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                write_down = await self._tasks[piece.kind](piece)
        except TimeoutError:
            raise Later(FIRST_PAUSE * piece.tries, f"it was not done within {LONGEST:g} seconds") from None
        async with self._recorder.record() as record:
            again = await write_down(record)
            if again is None:
                mine = await work.finish(record.connection, piece)
            else:
                again = again if isinstance(again, Again) else Again(again, piece.payload)
                due_at = record.now + timedelta(seconds=again.seconds)
                mine = await work.postpone(record.connection, piece, due_at=due_at, payload=again.payload)
            if not mine:
                raise LeaseLost(piece.key)

    async def _give_back(self, piece: Work) -> None:
        """Its try counts: it may have been carried out in part."""
        async with self._recorder.record() as record:
            await work.postpone(
                record.connection, piece, due_at=record.now, error=piece.error, tries=min(piece.tries, MOST_TRIES)
            )

    async def _put_back(self, piece: Work, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        if piece.tries < MOST_TRIES:
            await self._postpone(piece, min(FIRST_PAUSE * 2 ** (piece.tries - 1), LONGEST_PAUSE), reason)
            return
        async with self._recorder.record() as record:
            await work.bury(record.connection, piece, reason[:2000])

    async def _postpone(self, piece: Work, seconds: float, reason: str) -> None:
        async with self._recorder.record() as record:
            due_at = record.now + timedelta(seconds=seconds * random.uniform(0.9, 1.1))  # noqa: S311
            await work.postpone(
                record.connection, piece, due_at=due_at, error=reason[:2000], tries=min(piece.tries, MOST_TRIES)
            )
