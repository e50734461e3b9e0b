"""The wire through plain ASGI, for a server that does not hand out its transport."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Send

from service.feed import Batch


class RelayedWire:
    """Two tasks per response: one sends what was written, one waits for the peer to leave."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.closed = False
        self._receive = receive
        self._send = send
        self._unsent = bytearray()
        self._under_way = 0
        self._written = asyncio.Event()
        self._sending = asyncio.create_task(self._send_on(), name="relay-send")
        self._listening = asyncio.create_task(self.gone(), name="relay-listen")

    def write(self, batch: Batch) -> int:
        if self.closed:
            return 0
        self._unsent += batch.body
        self._written.set()
        return len(batch.body)

    def pending(self) -> int:
        return len(self._unsent) + self._under_way

    def abort(self) -> None:
        self.closed = True  # all that ASGI allows: the server closes the connection when the application returns
        self._sending.cancel()
        self._listening.cancel()

    async def finish(self) -> None:
        while self.pending() and not self.closed:  # noqa: ASYNC110 - at the end of a stream, for a moment
            await asyncio.sleep(0.01)
        self._sending.cancel()
        self._listening.cancel()
        if not self.closed:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def gone(self) -> None:
        while not self.closed:
            self.closed = (await self._receive())["type"] == "http.disconnect"

    async def _send_on(self) -> None:
        try:
            while True:
                await self._written.wait()
                self._written.clear()
                body, self._unsent = bytes(self._unsent), bytearray()
                self._under_way = len(body)
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
                self._under_way = 0
        except OSError:
            self.closed = True  # what ASGI servers raise when the peer is gone
