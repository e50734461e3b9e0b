"""A client of Server-Sent Events that sees every byte: for the tests of streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

# Seconds in which anything that is to come, comes.
SOON = 20.0


@dataclass(frozen=True)
class Event:
    """`id` and `retry` are None where the event had none; `""` is the name of an event without one."""

    name: str
    data: str
    id: int | None = None
    retry: int | None = None

    @property
    def content(self) -> Any:
        return json.loads(self.data)


class Listening:
    """One response: its head, and what comes after it, freed of chunks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.writer = writer
        self._reader = reader
        self._buffer = b""

    async def read_head(self) -> None:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split(" ")[1])
        self.headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)

    async def read(self) -> bytes:
        """The next bytes of the body; none at its end. Raises IncompleteReadError for an end that was not announced."""
        if "content-length" in self.headers:
            return await self._reader.readexactly(int(self.headers.pop("content-length")))
        if "transfer-encoding" not in self.headers:
            return await self._reader.read(65536)
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        chunk = await self._reader.readexactly(size + 2)
        assert chunk.endswith(b"\r\n")
        return chunk[:-2]

    async def problem(self) -> Any:
        return json.loads(await self.read())

    async def next(self) -> Event | None:
        """The next event; None when the response has ended."""
        while (lines := await self.next_lines()) is not None:
            fields = self._fields(lines)
            if fields:
                numbers = {name: int(fields[name]) if name in fields else None for name in ("id", "retry")}
                return Event(fields.get("event", ""), fields["data"], numbers["id"], numbers["retry"])
        return None

    async def next_lines(self) -> list[str] | None:
        """What comes up to the next empty line; None when the response has ended."""
        async with asyncio.timeout(SOON):
            while b"\n\n" not in self._buffer:
                more = await self.read()
                if not more:
                    assert not self._buffer, f"the stream ended within an event: {self._buffer!r}"
                    return None
                self._buffer += more
        block, _, self._buffer = self._buffer.partition(b"\n\n")
        return block.decode().split("\n")

    async def take(self, count: int) -> list[Event]:
        events = [await self.next() for _ in range(count)]
        return [event for event in events if event is not None]

    async def rest(self) -> list[Event]:
        """All events up to the end of the response."""
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events

    async def beat(self) -> None:
        """Returns after the next comment, before which nothing must come."""
        lines = await self.next_lines()
        assert lines is not None
        assert not self._fields(lines)

    def _fields(self, lines: list[str]) -> dict[str, str]:
        fields: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            if not line.startswith(":"):
                assert name in ("id", "event", "data", "retry"), line
                assert name not in fields, f"{name} comes twice: {lines}"
                fields[name] = value
        return fields


@asynccontextmanager
async def listen(
    port: int, path: str = "/api/events", *, method: str = "GET", version: str = "1.1", **headers: object
) -> AsyncIterator[Listening]:
    """Opens a stream; `last_event_id=5` is sent as `Last-Event-ID: 5`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{method} {path} HTTP/{version}", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    listening = Listening(reader, writer)
    try:
        async with asyncio.timeout(SOON):
            await listening.read_head()
        yield listening
    finally:
        writer.close()
        with contextlib.suppress(OSError):  # where the server has cut it off
            await writer.wait_closed()
