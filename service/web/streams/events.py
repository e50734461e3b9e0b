"""`GET /api/events`: the log, to those who may see it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from starlette.types import Receive, Scope, Send

from service.feed import Audience, Batch, Feed, Frame
from service.web.streams import place
from service.web.streams.stream import End, Ended, Pace, Stream
from service.web.streams.streams import Streams

# Milliseconds after which a browser comes back: by chance, so that all of them do not come back at once.
RETRY = (1000, 3000)

# Questions about rights that are asked of the database at a time, when all streams have to ask.
QUESTIONS = 4

Judge = Callable[[], Awaitable[Audience | None]]


class EventStream:
    """Answers with what is new in the log, from the place that the client asks for.

    `streams` are all that are open in this process: other stories, told by `streams.serve`, share its limits and end.
    """

    def __init__(self, feed: Feed, *, max_streams: int, max_streams_per_user: int, pace: Pace | None = None) -> None:
        self._feed = feed
        self.streams = Streams(most=max_streams, most_per_user=max_streams_per_user, pace=pace or Pace())
        self._questions = asyncio.Semaphore(QUESTIONS)

    def __len__(self) -> int:
        return len(self.streams)

    @property
    def cursor(self) -> int:
        """The last entry that was handed out: to be noted before rights are found out, for `judged`."""
        return self._feed.cursor

    def close(self) -> None:
        """Every stream says `bye` and ends, and a new one is refused: for the server, when it begins to stop."""
        self.streams.stop()

    async def serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        audience: Audience,
        judge: Judge,
        expires_at: datetime | None,
        owner: int,
        judged: int = -1,
    ) -> None:
        """Tells the caller who he is: that he may see this at all has been decided.

        `judge` is asked whenever rights change, and answers the audience now, or None for nothing any more. `judged`
        is `cursor` before `audience` was found out; without it `judge` is asked once more at the beginning.
        """

        subscription = Subscription(self._feed, self._questions, place.asked_in(scope), audience, judge, judged)
        await self.streams.serve(scope, receive, send, subscription.follow, owner=owner, expires_at=expires_at)


class Subscription:
    """One stream's place in the log: behind the feed while it catches up, then with it."""

    __slots__ = ("_asked", "_audience", "_cursor", "_feed", "_judge", "_judged", "_questions", "_stream")

    _stream: Stream

    def __init__(
        self,
        feed: Feed,
        questions: asyncio.Semaphore,
        asked: str | None,
        audience: Audience,
        judge: Judge,
        judged: int,
    ) -> None:
        self._feed = feed
        self._questions = questions
        self._asked = asked
        self._audience = audience
        self._judge = judge
        self._judged = judged
        self._cursor = 0

    def deliver(self, batch: Batch) -> None:
        self._stream.write(batch)

    def recall(self) -> None:
        self._cursor = self._feed.cursor
        self._stream.wake()

    async def follow(self, stream: Stream) -> None:
        """Until Ended is raised."""
        self._stream = stream
        start = await place.find(self._feed, self._asked)
        self._cursor = start.cursor
        self._stream.tell("ready", f'{{"cursor":{start.cursor}}}', cursor=start.cursor, retry=random.randint(*RETRY))  # noqa: S311
        if start.reset is not None:
            self._tell_reset(start.reset)
        await self._feed.reach(self._cursor)
        try:
            while True:
                await self._catch_up()
                await self._stream.turn()  # until rights change
        finally:
            self._feed.leave(self, self._audience)

    async def _catch_up(self) -> None:
        """Sends what was handed out before, then joins the feed, without a moment between the two."""
        while True:
            await self._ask_for_rights()
            if self._cursor >= self._feed.cursor:
                self._feed.join(self, self._audience)
                return
            page = await self._feed.after(self._cursor)
            if self._feed.rights <= self._judged:  # else they have changed while the page was read
                self._send(page)
                await self._stream.drain()

    async def _ask_for_rights(self) -> None:
        while self._feed.rights > self._judged:
            judged = self._feed.cursor  # before the question: what changes during it, asks again
            async with self._questions:
                audience = await self._judge()
            if audience is None:
                self._stream.end(End.REVOKED)
                raise Ended(End.REVOKED)
            self._audience = audience
            self._judged = judged

    def _send(self, page: Sequence[Frame]) -> None:
        before = page[0].cursor - 1 if page else self._feed.cursor
        if before > self._cursor:  # pruned, while this client was reading
            self._cursor = before
            self._tell_reset("expired")
        batch = self._audience.batch(page)
        if batch.body:
            self._stream.write(batch)
        if page:
            self._cursor = page[-1].cursor

    def _tell_reset(self, reason: str) -> None:
        self._stream.tell("reset", f'{{"reason":"{reason}","cursor":{self._cursor}}}', cursor=self._cursor)
