"""`GET /api/executions/{id}/logs/stream`: a run's log as it grows, from its begin or from where a reader left off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from starlette.types import Receive, Scope, Send

from service.bus import Topic
from service.feed import Batch
from service.feed.frames import encode
from service.machine import State
from service.recorder import Recorder
from service.store import executions, logs
from service.store.logs import Standing
from service.web.streams import place
from service.web.streams.stream import End, Ended, Stream
from service.web.streams.streams import Streams

logger = logging.getLogger(__name__)

# Seconds: a look without a ring; how long a reader counts as watching; how often that is written down anew; after
# which it is asked once more whether he may see this.
BACKSTOP = 2.0
WATCHING = 30.0
REMIND = 10.0
JUDGE = 15.0

# Pages that are kept for the next who asks: of many readers each is somewhere else while they catch up.
PAGES_KEPT = 4

Judge = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Page:
    """What follows a cursor: the events in one piece, and the cursor behind them."""

    batch: Batch
    cursor: int


class Reel:
    """One execution's log for all who read it here: of those who ask the same at a time, one asks the database."""

    def __init__(self, recorder: Recorder, execution_id: int) -> None:
        self.execution_id = execution_id
        self.readers: set[Reader] = set()
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
        for reader in self.readers:
            reader.stream.wake()

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


class LogStreams:
    """Answers with an execution's log. `rights` is the place in the event log where rights changed last."""

    def __init__(self, recorder: Recorder, streams: Streams, rights: Callable[[], int]) -> None:
        self.rights = rights
        self._recorder = recorder
        self._streams = streams
        self._reels: dict[int, Reel] = {}
        self._following: asyncio.Task[None] | None = None

    async def serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        execution_id: int,
        judge: Judge,
        judged: int,
        expires_at: datetime | None,
        owner: int,
    ) -> None:
        """That the caller may see the execution was decided when `rights` was `judged`; `judge` is asked again when
        rights have changed, and every now and then.
        """

        async def story(stream: Stream) -> None:
            reel = self._reels.setdefault(execution_id, Reel(self._recorder, execution_id))
            reader = Reader(stream, reel, judge, self.rights, judged)
            reel.readers.add(reader)
            try:
                if len(reel.readers) == 1:
                    await reel.remind()
                self._follow_on()
                await reader.tell(place.asked_in(scope))
            finally:
                reel.readers.discard(reader)
                if not reel.readers:
                    self._reels.pop(execution_id, None)

        await self._streams.serve(scope, receive, send, story, owner=owner, expires_at=expires_at)

    def close(self) -> None:
        if self._following is not None:
            self._following.cancel()

    def _follow_on(self) -> None:
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="logs")

    async def _follow(self) -> None:
        """While somebody reads: one task for all of them."""
        bell = self._recorder.bus.subscribe(Topic.LOGS)
        clock = asyncio.get_running_loop().time
        reminded = clock()
        try:
            while self._reels:
                await bell.wait(BACKSTOP)
                for reel in self._reels.values():
                    reel.wake()
                if clock() - reminded > REMIND:
                    reminded = clock()
                    await self._remind()
        finally:
            bell.close()

    async def _remind(self) -> None:
        for reel in list(self._reels.values()):
            try:
                await reel.remind()
            except Exception as error:  # the database is away: whoever reads is told so by his own question
                logger.warning("logs.not_reminded", extra={"reason": type(error).__name__})


class Reader:
    """One stream's place in one log."""

    __slots__ = ("_cursor", "_judge", "_judged", "_judged_at", "_reel", "_rights", "_trouble", "stream")

    def __init__(self, stream: Stream, reel: Reel, judge: Judge, rights: Callable[[], int], judged: int) -> None:
        self.stream = stream
        self._reel = reel
        self._judge = judge
        self._rights = rights
        self._judged = judged
        self._judged_at = asyncio.get_running_loop().time()
        self._cursor = 0
        self._trouble: str | None = None

    async def tell(self, asked: str | None) -> None:
        """Until the log is whole, or Ended is raised."""
        reset = await self._begin(asked)
        self._say("subscribed", {"execution_id": self._reel.execution_id, "cursor": self._cursor}, retry=2000)
        if reset is not None:
            self._say("reset", {"reason": reset, "cursor": self._cursor})
        while not await self._goes_on():
            await self.stream.turn()
            await self._may_go_on()

    async def _begin(self, asked: str | None) -> str | None:
        """Sets the cursor; why it is not where the reader asked for, if so."""
        if asked is None:
            return None
        if not (asked.isascii() and asked.isdigit()):
            return "malformed"
        number = int(asked.lstrip("0")[:30] or "0")
        newest = (await self._reel.standing()).newest
        self._cursor = min(number, newest)
        return "unknown" if number > newest else None

    async def _goes_on(self) -> bool:
        """Sends what is new; whether that was the last of it."""
        standing = await self._reel.standing()
        while self._cursor < standing.newest:
            page = await self._reel.page(self._cursor)
            self.stream.write(page.batch)
            self._cursor = page.cursor
            await self.stream.drain()
        if State(standing.status).final and not standing.awaited:
            self._say("log_complete", {"status": standing.status, "bytes": standing.bytes})
            return True
        self._tell_trouble(standing)
        return False

    async def _may_go_on(self) -> None:
        """Raises Ended where the reader may see this no more."""
        rights, now = self._rights(), asyncio.get_running_loop().time()
        if rights <= self._judged and now - self._judged_at < JUDGE:
            return
        self._judged, self._judged_at = rights, now
        if not await self._judge():
            self.stream.end(End.REVOKED)
            raise Ended(End.REVOKED)

    def _tell_trouble(self, standing: Standing) -> None:
        """Why nothing comes, where Bitbucket is the reason; told once for each reason."""
        if standing.trouble is not None and standing.trouble != self._trouble:
            told: dict[str, object] = {"message": standing.trouble}
            if standing.retry_at is not None:
                told["retry_in"] = max(0, round((standing.retry_at - self._reel.now()).total_seconds()))
            self._say("log_error", told)
        self._trouble = standing.trouble

    def _say(self, event: str, told: dict[str, object], *, retry: int | None = None) -> None:
        self.stream.tell(event, msgspec.json.encode(told).decode(), cursor=self._cursor, retry=retry)


def _encoded(piece: logs.Piece) -> bytes:
    told = {"step": piece.step, "offset": piece.offset, "text": piece.body.decode()}
    return encode("log_update", msgspec.json.encode(told).decode(), cursor=piece.id)
