"""One execution's stored log, shared by all who read it in this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from service.feed import Batch
from service.machine import State
from service.recorder import Recorder
from service.store import executions, logs
from service.store.logs import Standing
from service.web.streams.stream import Stream

# Seconds for which a reader counts as watching.
WATCHING = 30.0

# Pages that are kept for the next who asks: of many readers each is somewhere else while they catch up.
PAGES_KEPT = 4


@dataclass(frozen=True, slots=True)
class Page:
    """What follows a cursor: the events in one piece, and the cursor behind them."""

    batch: Batch
    cursor: int


class SharedLog:
    """One execution's log for all who read it here: of those who ask the same at a time, one asks the database."""

    def __init__(self, recorder: Recorder, execution_id: int) -> None:
        self.execution_id = execution_id
        self.readers: set[Stream] = set()
        self._recorder = recorder
        self._asking = asyncio.Lock()
        self._standing: Standing | None = None
        self._rings = 0
        self._pages: dict[int, Page] = {}

    def now(self) -> datetime:
        return self._recorder.now()

    def wake(self) -> None:
        self._standing = None
        self._rings += 1
        for stream in self.readers:
            stream.wake()

    async def standing(self) -> Standing:
        """As it was after the last ring, or later."""
        async with self._asking:
            if self._standing is not None:
                return self._standing
            rings = self._rings  # before the question: what is stored during it rings again
            async with self._recorder.database.read() as connection:
                found = await logs.standing(connection, self.execution_id)
            if rings == self._rings:
                self._standing = found
            return found

    async def page(self, cursor: int) -> Page:
        """What is stored after `cursor`, where something is: it stays what it is, the log only grows."""
        async with self._asking:
            known = self._pages.get(cursor)
            if known is None:
                async with self._recorder.database.read() as connection:
                    pieces = await logs.after(connection, self.execution_id, cursor)
                known = Page(Batch(b"".join(map(_encoded, pieces))), pieces[-1].id if pieces else cursor)
                self._pages[cursor] = known
                if len(self._pages) > PAGES_KEPT:
                    del self._pages[next(iter(self._pages))]
            return known

    async def remind(self) -> None:
        """Says that somebody is watching, so that the run is looked at often; one that has ended needs no looks."""
        async with self._recorder.record() as record:
            execution = await executions.by_id(record.connection, self.execution_id)
            if execution is None or State(execution.status).final:
                return
            until = record.now + timedelta(seconds=WATCHING)
            await executions.change(record.connection, self.execution_id, watched_until=until)
            if execution.watched_until is None or execution.watched_until < record.now:
                for kind in ("follow", "tail"):
                    await record.work(kind, str(self.execution_id), {"execution_id": self.execution_id})


def _encoded(piece: logs.Piece) -> bytes:
    told = {"step": piece.step, "offset": piece.offset, "text": piece.body.decode()}
    # JSON in one line needs none of the encoder's care, which is slow with a text of this size
    return b"id: %d\nevent: log_update\ndata: %b\n\n" % (piece.id, msgspec.json.encode(told))
