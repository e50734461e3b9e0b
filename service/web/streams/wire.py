"""Where the bytes of a stream go: straight to the socket where the server lets us, else through ASGI.

A write to the socket costs no task, no queue and no copy, and the transport's buffer says who does not read. The
server stays in charge of the connection: it writes the head and learns of the end.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from starlette.types import Receive, Scope, Send

from service.feed import Batch
from service.web.streams.relay import RelayedWire

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
HEAD = b"".join(b"%b: %b\r\n" % header for header in HEADERS)
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}
END = {"type": "http.response.body", "body": b"", "more_body": False}

# Milliseconds. A peer that died without a word acknowledges nothing: the system ends the connection so long after the
# last heartbeat.
UNACKNOWLEDGED = 20_000

# Bytes that the system holds for one peer, before ours count; it doubles the number for its own needs.
SYSTEM_BUFFER = 256 * 1024


class Wire(Protocol):
    """The body of one response, open towards one peer."""

    @property
    def closed(self) -> bool: ...

    def write(self, batch: Batch) -> int:
        """How many bytes that made, framing included. Never waits; nothing happens on a closed wire."""

    def pending(self) -> int:
        """Bytes that the system has not taken yet, because the peer does not read."""

    def abort(self) -> None:
        """Drops what is pending, and the peer."""

    async def finish(self) -> None:
        """Ends the response; returns when the server knows."""

    async def gone(self) -> None:
        """Returns when the server knows that the peer is gone."""


async def open_wire(scope: Scope, receive: Receive, send: Send) -> Wire:
    transport = scope.get("extensions", {}).get("penstock.transport")
    if transport is None:
        await send(START)
        return RelayedWire(receive, send)
    if not transport.is_closing():  # the peer may have left already
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BUFFER)
    if scope["http_version"] == "1.0":
        wire = PlainWire(transport, receive)
        wire.write(Batch(b"HTTP/1.1 200 OK\r\n%bconnection: close\r\n\r\n" % HEAD))
        return wire
    await send(START)
    return ChunkedWire(transport, receive, send)


class PlainWire:
    """HTTP/1.0, which knows no chunks: the response ends where the connection does.

    The server would chunk it all the same, so the head is written here.
    """

    __slots__ = ("_receive", "_transport")

    def __init__(self, transport: asyncio.Transport, receive: Receive) -> None:
        self._transport = transport
        self._receive = receive

    @property
    def closed(self) -> bool:
        return self._transport.is_closing()

    def write(self, batch: Batch) -> int:
        return self._put(batch.body)

    def pending(self) -> int:
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        self._transport.abort()

    async def finish(self) -> None:
        self._transport.close()
        await self.gone()

    async def gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _put(self, ready: bytes) -> int:
        if self._transport.is_closing():  # to write now would be an error on uvloop
            return 0
        self._transport.write(ready)
        return len(ready)


class ChunkedWire(PlainWire):
    """HTTP/1.1: the connection outlives the response."""

    __slots__ = ("_send",)

    def __init__(self, transport: asyncio.Transport, receive: Receive, send: Send) -> None:
        super().__init__(transport, receive)
        self._send = send

    def write(self, batch: Batch) -> int:
        return self._put(batch.chunk)

    async def finish(self) -> None:
        await self._send(END)
