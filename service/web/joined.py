"""An answer's head and body in one write: uvicorn writes each by itself, and each costs a call of the kernel."""

from __future__ import annotations

import asyncio
from typing import Any


class Joined:
    """A connection's transport, which keeps back the head of an answer that says how long it is until its body comes.

    What never comes, as after HEAD, keeps nothing back: the head leaves before the loop goes on. A stream's head says
    no length and is written at once, since what follows it is written past this.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, piece: bytes) -> None:
        if self._head:
            piece, self._head = self._head + piece, b""
        elif b"\r\ncontent-length: " in piece and piece.endswith(b"\r\n\r\n") and piece.startswith(b"HTTP/1.1 "):
            self._head = piece
            self._loop.call_soon(self._let_go)
            return
        self._transport.write(piece)

    def close(self) -> None:
        self._let_go()
        self._transport.close()

    def _let_go(self) -> None:
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
