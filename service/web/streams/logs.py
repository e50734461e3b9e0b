"""`GET /api/executions/{id}/logs/stream`: a run's log as it grows, from its begin or from where a reader left off."""

from __future__ import annotations

import asyncio
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
from service.store import executions, logs, steps, work
from service.web.streams import place
from service.web.streams.stream import End, Ended, Pace, Stream
from service.web.streams.streams import Streams

# Seconds: a look without a ring; how long a reader counts as watching; how often that is written down anew.
BACKSTOP = 2.0
WATCHING = 30.0
REMIND = 10.0

Judge = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Page:
    """What follows a cursor: the events in one piece, and the cursor behind them."""

    batch: Batch
    cursor: int


class LogStreams:
    """Answers with an execution's log. Of all who read the same one at the same place one asks the database."""

    def __init__(
        self, recorder: Recorder, *, max_streams: int, max_streams_per_user: int, pace: Pace | None = None
    ) -> None:
        self.recorder = recorder
        self._streams = Streams(most=max_streams, most_per_user=max_streams_per_user, pace=pace or Pace())
        self._readers: dict[int, set[_Reader]] = {}
        self._pages: dict[int, tuple[int, int, Page]] = {}
        self._asking: dict[int, asyncio.Lock] = {}
        self._rings = 0
        self._following: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Every stream says `bye` and ends."""
        self._streams.stop()
        if self._following is not None:
            self._following.cancel()

    async def serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        execution_id: int,
        judge: Judge,
        expires_at: datetime | None,
        owner: int,
    ) -> None:
        """That the caller may see the execution has been decided; `judge` is asked again every now and then."""

        async def story(stream: Stream) -> None:
            await _Reader(self, stream, execution_id, judge).tell(place.asked_in(scope))

        await self._streams.serve(scope, receive, send, story, owner=owner, expires_at=expires_at)

    async def page(self, execution_id: int, cursor: int) -> Page:
        """What is stored after `cursor` by now; many who ask for the same get the same."""
        async with self._asking.setdefault(execution_id, asyncio.Lock()):
            known = self._pages.get(execution_id)
            if known is not None and known[:2] == (self._rings, cursor):
                return known[2]
            rings = self._rings  # before the question: what is stored during it rings again
            async with self.recorder.database.read() as connection:
                pieces = await logs.after(connection, execution_id, cursor)
            page = Page(Batch(b"".join(map(_encoded, pieces))), pieces[-1].id if pieces else cursor)
            self._pages[execution_id] = (rings, cursor, page)
            return page

    async def join(self, reader: _Reader, execution_id: int) -> None:
        """From now on it is woken when there may be more, and the run is looked at often."""
        self._readers.setdefault(execution_id, set()).add(reader)
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="logs")
        if len(self._readers[execution_id]) == 1:
            await self._watch(execution_id)

    def leave(self, reader: _Reader, execution_id: int) -> None:
        readers = self._readers.get(execution_id, set())
        readers.discard(reader)
        if not readers:
            for kept in (self._readers, self._pages, self._asking):
                kept.pop(execution_id, None)

    async def _follow(self) -> None:
        bell = self.recorder.bus.subscribe(Topic.LOGS)
        reminded = asyncio.get_running_loop().time()
        try:
            while self._readers:
                await bell.wait(BACKSTOP)
                self._rings += 1
                for readers in self._readers.values():
                    for reader in readers:
                        reader.wake()
                if asyncio.get_running_loop().time() - reminded > REMIND:
                    reminded = asyncio.get_running_loop().time()
                    for execution_id in list(self._readers):
                        await self._watch(execution_id)
        finally:
            bell.close()

    async def _watch(self, execution_id: int) -> None:
        """Says that somebody is watching, once for all who read here; a run that has ended needs no more looks."""
        async with self.recorder.record() as record:
            execution = await executions.by_id(record.connection, execution_id)
            if execution is None or State(execution.status).final:
                return
            until = record.now + timedelta(seconds=WATCHING)
            await executions.change(record.connection, execution_id, watched_until=until)
            if execution.watched_until is None or execution.watched_until < record.now:
                for kind in ("follow", "tail"):
                    await record.work(kind, str(execution_id), {"execution_id": execution_id})


class _Reader:
    """One stream's place in one log."""

    __slots__ = ("_cursor", "_execution_id", "_judge", "_logs", "_stream", "_trouble")

    def __init__(self, streams: LogStreams, stream: Stream, execution_id: int, judge: Judge) -> None:
        self._logs = streams
        self._stream = stream
        self._execution_id = execution_id
        self._judge = judge
        self._cursor = 0
        self._trouble: str | None = None

    def wake(self) -> None:
        self._stream.wake()

    async def tell(self, asked: str | None) -> None:
        """Until the log is whole, or Ended is raised."""
        reset = await self._begin(asked)
        subscribed = msgspec.json.encode({"execution_id": self._execution_id, "cursor": self._cursor}).decode()
        self._stream.tell("subscribed", subscribed, cursor=self._cursor, retry=2000)
        if reset is not None:
            told = msgspec.json.encode({"reason": reset, "cursor": self._cursor}).decode()
            self._stream.tell("reset", told, cursor=self._cursor)
        await self._logs.join(self, self._execution_id)
        try:
            while not await self._goes_on():
                await self._stream.turn()
                if not await self._judge():
                    self._stream.end(End.REVOKED)
                    raise Ended(End.REVOKED)
        finally:
            self._logs.leave(self, self._execution_id)

    async def _begin(self, asked: str | None) -> str | None:
        """Sets the cursor; why it is not where the reader asked for, if so."""
        if asked is None or asked == "0":
            return None
        async with self._logs.recorder.database.read() as connection:
            newest = await logs.newest(connection, self._execution_id)
        if not (asked.isascii() and asked.isdigit()):
            return "malformed"
        if int(asked[:20]) > newest:
            self._cursor = newest
            return "unknown"
        self._cursor = int(asked)
        return None

    async def _goes_on(self) -> bool:
        """Sends what is new; whether that was the last of it."""
        whole = await self._whole()  # before the read: what is whole by now is read whole
        while True:
            page = await self._logs.page(self._execution_id, self._cursor)
            if not page.batch.body:
                break
            self._stream.write(page.batch)
            self._cursor = page.cursor
            await self._stream.drain()
        if whole is not None:
            self._stream.tell("log_complete", whole, cursor=self._cursor)
            return True
        await self._tell_trouble()
        return False

    async def _whole(self) -> str | None:
        """What `log_complete` says, once the run has ended and all of its log is stored."""
        async with self._logs.recorder.database.read() as connection:
            execution = await executions.by_id(connection, self._execution_id)
            known = await steps.of_execution(connection, self._execution_id)
            tailing = await work.waits(connection, "tail", str(self._execution_id))
            following = await work.waits(connection, "follow", str(self._execution_id))
        if execution is None or not State(execution.status).final or following or tailing:
            return None
        told = {"status": execution.status, "bytes": sum(step.log_bytes for step in known)}
        return msgspec.json.encode(told).decode()

    async def _tell_trouble(self) -> None:
        """Why nothing comes, where Bitbucket is the reason; told once for each reason."""
        async with self._logs.recorder.database.read() as connection:
            trouble = await work.trouble(connection, "tail", str(self._execution_id))
            trouble = trouble or await work.trouble(connection, "follow", str(self._execution_id))
        if trouble is not None and trouble.error != self._trouble:
            seconds = max(0, round((trouble.due_at - self._logs.recorder.now()).total_seconds()))
            told = msgspec.json.encode({"message": trouble.error, "retry_in": seconds}).decode()
            self._stream.tell("log_error", told, cursor=self._cursor)
        self._trouble = trouble.error if trouble else None


def _encoded(piece: logs.Piece) -> bytes:
    told = {"step": piece.step, "offset": piece.offset, "text": piece.body.decode()}
    return encode("log_update", msgspec.json.encode(told).decode(), cursor=piece.id)
