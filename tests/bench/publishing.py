"""The servers that `fanout` compares: each in a process of its own, told on standard input when to publish what."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from service.app import Application, Role
from service.cli.serve import listen, url_of
from service.recorder import Recorder
from service.settings import Settings
from service.store import accounts
from service.web.server import make_server

KIND = "execution.transitioned"
REPOSITORY = 1
PADDING = "x" * 60  # brings an event to about 200 bytes

# What follows the word tells the client what to count and what to wait for.
LAST = "the last of the burst"


@dataclass(frozen=True)
class Publisher:
    """A running server: where it listens, whom it lets in, and how to publish events through it at once."""

    port: int
    publish: Callable[[list[dict[str, Any]]], Awaitable[None]]
    token: str = ""


def event(number: int, reason: str = PADDING) -> dict[str, Any]:
    at = time.monotonic_ns()  # the client's clock too: one machine
    return {"pipeline_id": 7, "execution_id": number, "from": "BUILDING", "to": "TESTING", "at": at, "reason": reason}


@asynccontextmanager
async def penstock() -> AsyncIterator[Publisher]:
    """The whole service on SQLite: sign-in, recorder, log, feed, streams."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        listener = listen("127.0.0.1", 0)
        url = url_of("127.0.0.1", listener)
        application = Application(settings, role=Role.WEB, public_url=lambda: url)
        server = make_server(application, host="127.0.0.1", port=0, on_stopping=[application.say_goodbye])
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.started_listening()
        recorder = application.house.recorder

        async def publish(events: list[dict[str, Any]]) -> None:
            async with recorder.record() as record:
                for event in events:
                    record.log(KIND, event, repository_id=REPOSITORY, pipeline_id=7)

        yield Publisher(server.port, publish, await _token(recorder))
        server.should_exit = True
        await serving


async def _token(recorder: Recorder) -> str:
    async with recorder.record() as record:
        user = await accounts.add_user(record.connection, "bench", None, is_admin=True, now=record.now)
        return await accounts.add_token(record.connection, user, "bench", now=record.now, expires_at=None)


@asynccontextmanager
async def sse_starlette() -> AsyncIterator[Publisher]:
    """The usual way: `EventSourceResponse`, a queue for each client, JSON for each client."""
    queues: set[asyncio.Queue[dict[str, Any]]] = set()

    async def stream(request: Request) -> EventSourceResponse:
        async def events() -> AsyncIterator[dict[str, str]]:
            queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            queues.add(queue)
            try:
                while True:
                    event = await queue.get()
                    yield {"id": str(event["execution_id"]), "event": KIND, "data": json.dumps(event)}
            finally:
                queues.discard(queue)

        return EventSourceResponse(events())

    async def publish(events: list[dict[str, Any]]) -> None:
        for event in events:
            for queue in queues:
                queue.put_nowait(event)

    config = uvicorn.Config(
        Starlette(routes=[Route("/api/events", stream)]), port=0, log_level="error", access_log=False
    )
    server = uvicorn.Server(config)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield Publisher(listener.getsockname()[1], publish)
    server.should_exit = server.force_exit = True
    await serving


@asynccontextmanager
async def bare_loop() -> AsyncIterator[Publisher]:
    """No HTTP server, no database, no rights: what is pending is made into bytes once and written to every socket."""
    transports: set[asyncio.Transport] = set()

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: asyncio.Transport = transport  # type: ignore[assignment]

        def data_received(self, data: bytes) -> None:
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            transports.add(self.transport)

        def connection_lost(self, error: Exception | None) -> None:
            transports.discard(self.transport)

    async def publish(events: list[dict[str, Any]]) -> None:
        frames = (f"id: {event['execution_id']}\nevent: {KIND}\ndata: {json.dumps(event)}\n\n" for event in events)
        body = "".join(frames).encode()
        for transport in transports:
            transport.write(body)

    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    yield Publisher(server.sockets[0].getsockname()[1], publish)
    server.close()


WAYS = {"penstock": penstock, "sse-starlette, a queue per client": sse_starlette, "bare loop, ready bytes": bare_loop}


async def serve(way: str) -> None:
    """Says where it listens, then obeys one command a line, each answered by one line."""
    async with WAYS[way]() as publisher:
        say({"port": publisher.port, "token": publisher.token})
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while line := (await commands.readline()).decode().split():
            say(await obey(publisher, line[0], [float(word) for word in line[1:]]))


async def obey(publisher: Publisher, command: str, numbers: list[float]) -> dict[str, Any]:
    if command == "memory":
        return {"rss": resident_bytes()}
    cpu = time.process_time()
    began = time.monotonic_ns()
    if command == "burst":
        count = int(numbers[0])
        await publisher.publish([event(number, PADDING if number < count else LAST) for number in range(1, count + 1)])
        return {"began": began}
    rate, seconds = numbers
    due = time.monotonic()
    for number in range(1, int(rate * seconds) + 1):
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await publisher.publish([event(number)])
    await asyncio.sleep(0.5)
    return {"cpu": time.process_time() - cpu}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
