"""One open stream: its heartbeat, its end, what becomes of a peer that does not read."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from enum import StrEnum

from service.feed import Batch
from service.feed.frames import encode
from service.web.streams.wire import Wire

# Bytes. A replay waits above the first; a peer for whom more than the second has piled up is cut off.
REPLAY_PENDING = 64 * 1024
MOST_PENDING = 1024 * 1024

# Seconds between two looks of a replay at what is pending.
REPLAY_REST = 0.02

HEARTBEAT = Batch(b":\n\n")


class End(StrEnum):
    """Why a stream ends."""

    LEFT = "left"  # the peer is gone
    UNREAD = "unread"  # the peer does not read: it is cut off, comes back and resumes
    STOPPING = "stopping"  # we go down
    EXPIRED = "expired"  # what the peer signed in with has run out
    REVOKED = "revoked"  # the peer may see nothing any more


class Ended(Exception):
    """Raised where a stream's story is told, to stop telling."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two heartbeats; without progress until a peer that does not read is cut off."""

    heartbeat: float = 15.0
    patience: float = 10.0


class Stream:
    """Whoever tells its story calls `write`, `drain` and `turn`; `look` is called about once a second."""

    __slots__ = (
        "_beat_at",
        "_expires_at",
        "_pace",
        "_taken",
        "_taken_at",
        "_waiting",
        "_wire",
        "_woken",
        "_written",
        "ended",
    )

    def __init__(self, wire: Wire, pace: Pace, now: float, expires_at: float) -> None:
        """`now` and `expires_at` in the event loop's time."""
        self.ended: End | None = None
        self._wire = wire
        self._pace = pace
        self._expires_at = expires_at
        # the first one early, so that streams that were opened together do not beat together for ever
        self._beat_at = now + pace.heartbeat * random.random()  # noqa: S311
        self._written = 0
        self._taken = 0
        self._taken_at = now
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None

    def write(self, batch: Batch) -> None:
        """Never waits. A peer for whom too much has piled up is cut off instead."""
        if self._wire.pending() > MOST_PENDING:
            self.end(End.UNREAD)
            return
        self._written += self._wire.write(batch)

    def tell(self, event: str, payload: str, *, cursor: int | None = None, retry: int | None = None) -> None:
        self.write(Batch(encode(event, payload, cursor=cursor, retry=retry)))

    async def drain(self) -> None:
        """Returns when the peer has read most of what was written. Raises Ended."""
        await asyncio.sleep(0)  # everybody else's turn, and the loop's to write
        while self.ended is None and self._wire.pending() > REPLAY_PENDING:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(REPLAY_REST)
        self._check()

    async def turn(self) -> None:
        """Returns when `wake` has been called. Raises Ended."""
        if self.ended is None and not self._woken:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
            self._waiting = None
        self._woken = False
        self._check()

    def wake(self) -> None:
        self._woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def end(self, why: End) -> None:
        """The first reason counts."""
        if self.ended is None:
            self.ended = why
            self.wake()

    def look(self, now: float) -> None:
        """Ends what has ended, and beats."""
        if self._wire.closed:
            self.end(End.LEFT)
        elif self._is_stuck(now):
            self.end(End.UNREAD)
        elif now >= self._expires_at:
            self.end(End.EXPIRED)
        elif now >= self._beat_at:
            self._beat_at = now + self._pace.heartbeat
            self.write(HEARTBEAT)

    async def close(self, patience: float) -> None:
        """Says goodbye to a peer that listens, and lets go of one that does not within `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                if self.ended in (End.LEFT, End.UNREAD):
                    self._wire.abort()
                    await self._wire.gone()
                else:
                    if self.ended is not None:
                        self.tell("bye", f'{{"reason":"{self.ended}"}}')
                    await self._wire.finish()
        except TimeoutError:
            self._wire.abort()
            await self._wire.gone()

    def _is_stuck(self, now: float) -> bool:
        pending = self._wire.pending()
        taken = self._written - pending
        if not pending or taken > self._taken:
            self._taken = taken
            self._taken_at = now
        return now - self._taken_at > self._pace.patience

    def _check(self) -> None:
        if self.ended is not None:
            raise Ended(self.ended)
