"""A peer that misbehaves on command: raw TCP, one script per connection.

It speaks just enough HTTP to be believed. A script is what it does once a request's head and body have come in; each
connection takes the next one, the last is kept for all that follow.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Peer:
    """`url` is a base to be used where Bitbucket's would be."""

    url: str = ""
    scripts: list[Script] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)

    def plays(self, *scripts: Script) -> None:
        self.scripts[:] = scripts

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/2.0")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ends when the caller has hung up, or with the test."""
        try:
            self.requests.append(await _read(reader))
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            await script(writer)
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def playing() -> AsyncIterator[Peer]:
    peer = Peer()
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await peer.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/2.0"
    try:
        yield peer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answers(body: Any = b"", status: int = 200, /, *, length: int | None = None, **headers: str) -> Script:
    """A plain answer. `body` is bytes, or what is sent as JSON; `length` is the Content-Length it claims."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(status, {**kind, "Content-Length": str(len(raw) if length is None else length), **headers}))
        writer.write(raw)
        await writer.drain()

    return script


def hangs_up() -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        """Nothing is said."""

    return script


def resets(body: bytes = b"", claimed: int = 100) -> Script:
    """The head, some of the body, then RST."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"Content-Length": str(claimed)}) + body)
        await writer.drain()
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return script


def stalls(sent: bytes = b"") -> Script:
    """Says `sent`, and nothing more for as long as the caller waits."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        await asyncio.Event().wait()

    return script


def drips() -> Script:
    """A body that goes on for ever, a byte at a time: no single wait is long."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"Content-Length": "1000000"}))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    return script


def never_ends() -> Script:
    """A chunked body without an end, as fast as it is taken."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"Transfer-Encoding": "chunked"}))
        chunk = b" " * 65536
        while True:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()

    return script


def says(raw: bytes) -> Script:
    """Bytes that need not be HTTP."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return script


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Received(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))
