"""All open streams of a process: how many there may be, their pulse, their common end."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.types import Receive, Scope, Send

from service.web.problems import Problem
from service.web.streams.stream import End, Ended, Pace, Stream
from service.web.streams.wire import open_wire

log = logging.getLogger(__name__)

# Seconds: what a refused client is told to wait; how long a peer may take to read the end; between two looks at all
# streams, at most.
RETRY_AFTER = "5"
GOODBYE = 5.0
LOOK = 1.0

Story = Callable[[Stream], Awaitable[None]]


class Streams:
    """Opens streams, looks after them and ends them. `stop` is for the server, before it closes connections."""

    def __init__(self, *, most: int, most_per_user: int, pace: Pace) -> None:
        self._most = most
        self._most_per_user = most_per_user
        self._pace = pace
        self._open: set[Stream] = set()
        self._seats: Counter[int] = Counter()
        self._pulse: asyncio.Task[None] | None = None
        self._stopping = False

    def __len__(self) -> int:
        return len(self._open)

    def stop(self) -> None:
        """Every stream says `bye` and ends; new ones are refused."""
        self._stopping = True
        for stream in self._open:
            stream.end(End.STOPPING)

    async def serve(
        self, scope: Scope, receive: Receive, send: Send, story: Story, *, owner: int, expires_at: datetime | None
    ) -> None:
        """Answers one GET with `story`, which writes until it returns or Ended is raised in it.

        `owner` is the account whose limit counts. Another method is a 405; one stream too many is a 503.
        """
        try:
            self._check(scope, owner)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        self._seats[owner] += 1
        try:
            wire = await open_wire(scope, receive, send)
            now = asyncio.get_running_loop().time()
            await self._tell(Stream(wire, self._pace, now, now + _seconds_until(expires_at)), story)
        finally:
            self._seats[owner] -= 1
            if not self._seats[owner]:
                del self._seats[owner]

    def _check(self, scope: Scope, owner: int) -> None:
        if scope["method"] != "GET":
            raise Problem(405, "a stream is only to be read: use GET", headers={"Allow": "GET"})
        if self._stopping:
            raise _unavailable("this process is going down; another one answers soon")
        if self._seats.total() >= self._most:
            raise _unavailable(f"there are {self._most} open streams, as many as one process may have")
        if self._seats[owner] >= self._most_per_user:
            raise _unavailable(f"this account has {self._most_per_user} open streams, as many as it may have")

    async def _tell(self, stream: Stream, story: Story) -> None:
        self._open.add(stream)
        if self._stopping:  # since it was checked
            stream.end(End.STOPPING)
        if self._pulse is None or self._pulse.done():
            self._pulse = asyncio.create_task(self._beat(), name="streams-pulse")
        try:
            await story(stream)
        except Ended:
            pass
        except Exception as error:
            # the database is away, for example: the client comes back and resumes where it was
            log.warning("stream.failed error=%r", error)
            stream.end(End.LEFT)
        finally:
            self._open.discard(stream)
        await stream.close(GOODBYE)

    async def _beat(self) -> None:
        """While there are streams: one task for all of them."""
        loop = asyncio.get_running_loop()
        while self._open:
            await asyncio.sleep(min(LOOK, self._pace.heartbeat / 5))
            now = loop.time()
            for stream in tuple(self._open):
                stream.look(now)


def _unavailable(detail: str) -> Problem:
    return Problem(503, detail, headers={"Retry-After": RETRY_AFTER})


def _seconds_until(moment: datetime | None) -> float:
    return math.inf if moment is None else (moment - datetime.now(UTC)).total_seconds()
