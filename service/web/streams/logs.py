"""`GET /api/executions/{id}/logs/stream`: a run's log as it grows, from its begin or from where a reader left off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
from starlette.types import Receive, Scope, Send

from service.bus import Topic
from service.machine import State
from service.recorder import Recorder
from service.store.logs import Standing
from service.web.streams import place
from service.web.streams.shared_log import SharedLog
from service.web.streams.stream import End, Ended, Stream
from service.web.streams.streams import Streams

logger = logging.getLogger(__name__)

# Seconds: a look without a ring; how often a run is noted down as watched; after which a reader is asked once more
# whether he may see this.
BACKSTOP = 2.0
REMIND = 10.0
JUDGE = 15.0

# By what factor a pace must have changed to be told again.
PACE_CHANGES = 1.5

Judge = Callable[[], Awaitable[bool]]


class LogStreams:
    """Answers with an execution's log. `rights` is the place in the event log where rights changed last."""

    def __init__(self, recorder: Recorder, streams: Streams, rights: Callable[[], int]) -> None:
        self.rights = rights
        self._recorder = recorder
        self._streams = streams
        self._logs: dict[int, SharedLog] = {}
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
            shared = self._logs.setdefault(execution_id, SharedLog(self._recorder, execution_id))
            reader = Reader(stream, shared, judge, self.rights, judged)
            shared.readers.add(stream)
            try:
                if len(shared.readers) == 1:
                    await shared.remind()
                self._follow_on()
                await reader.tell(place.asked_in(scope))
            finally:
                shared.readers.discard(stream)
                if not shared.readers:
                    self._logs.pop(execution_id, None)

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
            while self._logs:
                await bell.wait(BACKSTOP)
                for shared in self._logs.values():
                    shared.wake()
                if clock() - reminded > REMIND:
                    reminded = clock()
                    await self._remind()
        finally:
            bell.close()

    async def _remind(self) -> None:
        for shared in list(self._logs.values()):
            try:
                await shared.remind()
            except Exception as error:  # the database is away: whoever reads is told so by his own question
                logger.warning("logs.not_reminded", extra={"reason": type(error).__name__})


class Reader:
    """One stream's place in one log."""

    __slots__ = ("_cursor", "_every", "_judge", "_judged", "_judged_at", "_rights", "_shared", "_stream", "_trouble")

    def __init__(self, stream: Stream, shared: SharedLog, judge: Judge, rights: Callable[[], int], judged: int) -> None:
        self._stream = stream
        self._shared = shared
        self._judge = judge
        self._rights = rights
        self._judged = judged
        self._judged_at = asyncio.get_running_loop().time()
        self._cursor = 0
        self._trouble: str | None = None
        self._every: float | None = None

    async def tell(self, asked: str | None) -> None:
        """Until the log is whole, or Ended is raised."""
        reset = await self._begin(asked)
        self._say("subscribed", {"execution_id": self._shared.execution_id, "cursor": self._cursor}, retry=2000)
        if reset is not None:
            self._say("reset", {"reason": reset, "cursor": self._cursor})
        while not await self._goes_on():
            await self._stream.turn()
            await self._may_go_on()

    async def _begin(self, asked: str | None) -> str | None:
        """Sets the cursor; why it is not where the reader asked for, if so."""
        if asked is None:
            return None
        if not (asked.isascii() and asked.isdigit()):
            return "malformed"
        number = int(asked.lstrip("0")[:30] or "0")
        newest = (await self._shared.standing()).newest
        self._cursor = min(number, newest)
        return "unknown" if number > newest else None

    async def _goes_on(self) -> bool:
        """Sends what is new; whether that was the last of it."""
        standing = await self._shared.standing()
        while self._cursor < standing.newest:
            page = await self._shared.page(self._cursor)
            self._stream.write(page.batch)
            self._cursor = page.cursor
            await self._stream.drain()
        if State(standing.status).final and not standing.awaited:
            self._say("log_complete", {"status": standing.status, "bytes": standing.bytes})
            return True
        self._tell_trouble(standing)
        self._tell_pace(standing)
        return False

    async def _may_go_on(self) -> None:
        """Raises Ended where the reader may see this no more."""
        rights, now = self._rights(), asyncio.get_running_loop().time()
        if rights <= self._judged and now - self._judged_at < JUDGE:
            return
        self._judged, self._judged_at = rights, now
        if not await self._judge():
            self._stream.end(End.REVOKED)
            raise Ended(End.REVOKED)

    def _tell_trouble(self, standing: Standing) -> None:
        """Why nothing comes, where Bitbucket is the reason; told once for each reason."""
        if standing.trouble is not None and standing.trouble != self._trouble:
            told: dict[str, object] = {"message": standing.trouble}
            if standing.retry_at is not None:
                told["retry_in"] = max(0, round((standing.retry_at - self._shared.now()).total_seconds()))
            self._say("log_error", told)
        self._trouble = standing.trouble

    def _tell_pace(self, standing: Standing) -> None:
        """How rarely the run is looked at, where its credential's calls bear no more; again when that has changed."""
        every, told = standing.every, self._every
        if every is None or (told is None and not standing.slowed):
            return
        if told is not None and standing.slowed and told / PACE_CHANGES < every < told * PACE_CHANGES:
            return
        self._every = every if standing.slowed else None
        why = "the credential's budget bears no more" if standing.slowed else "as often as was asked for"
        self._say("log_pace", {"every": every, "message": f"the log is looked at every {every:.0f} s: {why}"})

    def _say(self, event: str, told: dict[str, object], *, retry: int | None = None) -> None:
        self._stream.tell(event, msgspec.json.encode(told).decode(), cursor=self._cursor, retry=retry)
