"""Follows the log and hands every new entry to the subscribers that may see it.

The bell is subscribed to before the first read, and every ring, or two seconds without one, is followed by a read: so
a lost ring costs time and never an entry. While it is quiet an entry leaves at once. While it is busy, a rest between
two rounds gathers what comes, so that load makes writes bigger and not more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

from service.bus import Bus, Topic
from service.feed.audience import Audience
from service.feed.frames import Batch, Frame, frame_of
from service.feed.ring import Ring
from service.store import log as entries
from service.store.database import Database

log = logging.getLogger(__name__)

# Seconds: a look without a ring, the shortest rest between two rounds, the wait after a read that failed.
BACK_STOP = 2.0
REST = 0.015
AFTER_FAILURE = 1.0

# Entries of one read. A page for 1,000 subscribers is about as long as the loop may be held at a time.
PAGE = 500

# What is kept in memory for subscribers that come back: the last entries, within both bounds.
RING_FRAMES = 4096
RING_BYTES = 4 * 1024 * 1024


class Subscriber(Protocol):
    """Somebody to whom the feed hands what is new."""

    def deliver(self, batch: Batch) -> None:
        """The next events, never none. Must not raise, wait, join or leave."""

    def recall(self) -> None:
        """Rights have changed, and it no longer belongs to the feed: ask again what it may see, then join again.

        It has got everything up to the feed's cursor at this moment. Must not raise, wait, join or leave.
        """


class Feed:
    """The one reader of the log in this process.

    `cursor` is the last entry that has been handed out; `rights` the last one seen that changed who may see what.
    """

    def __init__(self, database: Database, bus: Bus) -> None:
        self.cursor = 0
        self.rights = 0
        self._database = database
        self._bell = bus.subscribe(Topic.LOG)  # before the first read, or what comes in between is missed
        self._ring = Ring(0, most_frames=RING_FRAMES, most_bytes=RING_BYTES)
        self._groups: dict[Audience, dict[Subscriber, None]] = {}
        self._reading = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fills the ring with the latest entries and follows the log from there. Raises what the database raises."""
        pruned, newest = await self.bounds()
        self.cursor = max(pruned, newest - RING_FRAMES)
        self._ring = Ring(self.cursor, most_frames=RING_FRAMES, most_bytes=RING_BYTES)
        async with self._reading:
            await self._read_on()
        self._following = asyncio.create_task(self._follow(), name="feed")

    async def stop(self) -> None:
        """Hands out nothing from now on."""
        self._bell.close()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    def join(self, subscriber: Subscriber, audience: Audience) -> None:
        """From now on it gets what is new, after `cursor`; what came before is in `after`."""
        self._groups.setdefault(audience, {})[subscriber] = None

    def leave(self, subscriber: Subscriber, audience: Audience) -> None:
        """It gets nothing more; no matter whether it had joined."""
        group = self._groups.get(audience, {})
        group.pop(subscriber, None)
        if not group:
            self._groups.pop(audience, None)

    async def bounds(self) -> tuple[int, int]:
        """(the last cursor that is no longer kept, the last one issued), by this process or another."""
        async with self._database.read() as connection:
            return await entries.bounds(connection)

    def remembers(self, cursor: int) -> bool:
        """Whether all that was handed out after `cursor` is in memory."""
        return self._ring.floor <= cursor <= self.cursor

    async def after(self, cursor: int) -> list[Frame]:
        """A page of what was handed out after `cursor`, oldest first; from memory if it is there, else the database.

        A page that does not begin with the next cursor says that those between are no longer kept.
        """
        remembered = self._ring.after(cursor, PAGE)
        if remembered is not None:
            return remembered
        async with self._database.read() as connection:
            page = await entries.read_after(connection, cursor, limit=PAGE)
        return [frame_of(entry) for entry in page if entry.cursor <= self.cursor]

    async def reach(self, cursor: int) -> None:
        """Reads on up to an entry that another process has handed out already."""
        async with self._reading:
            if self.cursor < cursor:
                await self._read_on()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._bell.wait(BACK_STOP)
            try:
                began = loop.time()
                async with self._reading:
                    found = await self._read_on()
                if found:
                    await asyncio.sleep(0)  # the sockets are written at the end of this turn of the loop
                    # at least as long as the round took: half of the loop is left to everything else
                    await asyncio.sleep(max(REST, loop.time() - began))
            except Exception as error:  # whatever it is, the log must be followed on: the entries are not lost
                log.warning("feed.unreadable cursor=%d error=%r", self.cursor, error)
                await asyncio.sleep(AFTER_FAILURE)

    async def _read_on(self) -> bool:
        """Hands out all that is new; whether there was anything. One at a time: under `_reading`."""
        before = self.cursor
        while True:
            async with self._database.read() as connection:
                page = await entries.read_after(connection, self.cursor, limit=PAGE)
            self._hand_out([frame_of(entry) for entry in page])
            if len(page) < PAGE:
                return self.cursor > before

    def _hand_out(self, page: Sequence[Frame]) -> None:
        # an entry that changes rights ends its round: what comes after it is for those who may see it then
        for changes_rights, run in groupby(page, key=lambda frame: frame.changes_rights):
            frames = list(run)
            self._ring.extend(frames)
            self.cursor = frames[-1].cursor
            if changes_rights:
                self.rights = self.cursor
                self._recall()
            else:
                self._deliver(frames)

    def _deliver(self, frames: Sequence[Frame]) -> None:
        for audience, group in self._groups.items():
            batch = audience.batch(frames)
            if batch.body:
                for subscriber in group:
                    subscriber.deliver(batch)

    def _recall(self) -> None:
        groups, self._groups = self._groups, {}
        for group in groups.values():
            for subscriber in group:
                subscriber.recall()
