"""The door of the streams in an application of its own, on a real socket, and what its tests share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import Receive, Scope, Send

from service import bus as buses
from service.feed import Audience, Feed
from service.recorder import Recorder
from service.store import log, migrate
from service.store.database import Database
from service.web.server import Server, make_server
from service.web.streams import EventStream
from service.web.streams.stream import Pace
from tests.schema import lay
from tests.web.listening import Event, Listening

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EVERYTHING = Audience(repositories=None)

# A stream ages by a minute in half a second.
FAST = Pace(heartbeat=0.1, patience=0.4)


@dataclass
class Desk:
    """An application with the one door, and what it takes for its callers' rights."""

    database: Database
    recorder: Recorder
    feed: Feed
    streams: EventStream
    rights: dict[int, Audience | None] = field(default_factory=dict)
    expires_at: datetime | None = None
    port: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        headers = dict(scope["headers"])
        owner = int(headers.get(b"x-user", b"1"))
        pipeline_id = int(headers[b"x-pipeline"]) if b"x-pipeline" in headers else None

        async def judge() -> Audience | None:
            now = self.rights.get(owner, EVERYTHING)
            return None if now is None else Audience(now.repositories, pipeline_id)

        audience = await judge()
        assert audience is not None
        scope["extensions"] = scope.get("extensions", {}) if b"x-relayed" not in headers else {}
        await self.streams.serve(
            scope, receive, send, audience=audience, judge=judge, expires_at=self.expires_at, owner=owner
        )

    async def write(self, count: int = 1, *, repository_id: int | None = 1, pipeline_id: int | None = 7) -> None:
        """So many entries, in one transaction."""
        async with self.recorder.record() as record:
            for _ in range(count):
                record.log("execution.created", {}, repository_id=repository_id, pipeline_id=pipeline_id)

    async def change_rights(self, owner: int, audience: Audience | None) -> None:
        async with self.recorder.record() as record:
            self.rights[owner] = audience
            record.rights_changed()

    async def prune(self, cursor: int) -> None:
        """Forgets everything up to `cursor`, which must be the last entry so far."""
        assert self.feed.cursor == cursor
        async with self.database.write() as connection:
            await log.prune(connection, NOW + timedelta(seconds=1))
        self.recorder.now = lambda: NOW + timedelta(seconds=2)


@asynccontextmanager
async def opened(database_url: str, *, pace: Pace = FAST, **limits: int) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        await lay(database_url)
        database = Database(database_url)
        stack.push_async_callback(database.close)
        await migrate.upgrade(database)
        bus = await buses.connect("memory:" if database.embedded else "postgresql:", database_url)
        stack.push_async_callback(bus.close)
        feed = Feed(database, bus)
        await feed.start()
        stack.push_async_callback(feed.stop)
        streams = EventStream(feed, **{"max_streams": 100, "max_streams_per_user": 100, **limits}, pace=pace)
        desk = Desk(database, Recorder(database, bus, now=lambda: NOW), feed, streams)
        server: Server = make_server(desk, host="127.0.0.1", port=0, on_stopping=[streams.close])
        await stack.enter_async_context(server.running())
        desk.port = server.port
        yield desk


# The ways to the client: chunks to the socket, bare bytes to the socket, a server that does not hand out its sockets.
ways = pytest.mark.parametrize(
    "way",
    [{}, {"version": "1.0"}, {"x_relayed": 1}],
    ids=["to the socket", "to the socket in HTTP 1.0", "through ASGI"],
)


def ids(events: list[Event]) -> list[int | None]:
    return [event.id for event in events]


async def ready(stream: Listening) -> int:
    """The cursor that the stream starts from."""
    event = await stream.next()
    assert event is not None
    assert (event.name, event.content) == ("ready", {"cursor": event.id})
    assert event.retry is not None
    return event.content["cursor"]  # type: ignore[no-any-return]


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
