"""What one HTTP connection may take from the service: seconds, bytes, headers.

uvicorn parses requests and carries answers, but waits for ever for the rest of a request, and takes headers without
limit. A proxy in front would refuse both; none is required. Middleware cannot: it never sees an incomplete request.

What two readers might read differently the parser (llhttp) refuses by itself: `Content-Length` beside
`Transfer-Encoding`, two lengths, a bare line feed, a chunk size that is no number.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.web.joined import Joined

# The headers that announce a body.
BODY = (b"content-length", b"transfer-encoding")


class Reading(Enum):
    """The part of a request that the connection is in the middle of."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class Refused(Exception):
    """Stops the parser in the middle of its input; uvicorn then asks for `send_400_response`."""


class Protocol(HttpToolsProtocol):
    """One connection with its limits, which a subclass may change.

    A request beyond them is answered 408, 431 or 400, unless an answer has begun, and the connection is closed. The
    scope carries the connection's transport as `extensions["penstock.transport"]`: a stream writes ready bytes to it;
    and the connection itself as `extensions["penstock.connection"]`.
    """

    # From connecting, or from a request's first byte, to the end of its head; then for all of its body. In between,
    # uvicorn's own `timeout_keep_alive` holds. An app may be stricter: what it has not read in time, it may refuse.
    head_seconds: ClassVar[float] = 8.0
    body_seconds: ClassVar[float] = 30.0
    max_head_bytes: ClassVar[int] = 32 * 1024
    max_headers: ClassVar[int] = 100
    # One read of 256 KiB holds 14,000 of the shortest requests: without a limit all of them are queued.
    max_pipelined: ClassVar[int] = 16

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url = b""
        self.headers = []
        self._reading = Reading.HEAD
        self._fruitless = 0  # bytes since the last that ended a head or belonged to a body
        self._refusal = HTTPStatus.BAD_REQUEST
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._joined: Any = Joined(transport, self.loop)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._reading is Reading.NOTHING:
            self._reading = Reading.HEAD
        self._fruitless += len(data)
        super().data_received(data)
        if self._reading is Reading.NOTHING:
            self._fruitless = 0
            self._stop_clock()
        elif self.transport.is_closing():
            pass
        elif self._fruitless > self.max_head_bytes or len(self.headers) > self.max_headers:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._clock is None:
            self._start_clock()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= self.max_pipelined:
            raise Refused
        super().on_message_begin()
        extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
        extensions["penstock.transport"] = self.transport
        extensions["penstock.connection"] = self
        self._reading = Reading.HEAD
        self._stop_clock()

    def on_headers_complete(self) -> None:
        head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if head_bytes > self.max_head_bytes or len(self.headers) > self.max_headers:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise Refused
        if self.parser.should_upgrade() and any(name in BODY and value != b"0" for name, value in self.headers):
            raise Refused  # a client that offers HTTP/2 with a body: httptools would drop the body without a word
        super().on_headers_complete()
        self.cycle.transport = self._joined
        self.headers = []  # the trailers of a chunked body come as headers too, after the scope's have been judged
        self._reading = Reading.BODY
        self._fruitless = 0
        self._stop_clock()

    def on_body(self, body: bytes) -> None:
        self._fruitless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading = Reading.NOTHING
        super().on_message_complete()

    @property
    def is_read(self) -> bool:
        """Whether every request so far is here with its body: nobody needs a clock to wait for it."""
        return self._reading is Reading.NOTHING

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: uvicorn would advise a WebSocket library to whom a client has merely offered HTTP/2."""

    def _start_clock(self) -> None:
        seconds = self.body_seconds if self._reading is Reading.BODY else self.head_seconds
        self._clock = self.loop.call_later(seconds, self._run_out)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _run_out(self) -> None:
        self._clock = None
        answer = self._answer()
        if self._reading is Reading.BODY or answer is None or answer.response_complete:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        # Else they are stray bytes behind a request whose answer, perhaps a stream, goes on. The next starts the clock.

    def _refuse(self, status: HTTPStatus) -> None:
        if self._may_answer():
            text = f"{status.value} {status.phrase}"
            self.transport.write(
                f"HTTP/1.1 {text}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {len(text)}\r\n"
                f"connection: close\r\n\r\n{text}".encode("ascii")
            )
        self.transport.close()

    def _may_answer(self) -> bool:
        """Whether the peer waits for an answer and none is half written."""
        answer = self._answer()
        if answer is None:
            return self._fruitless > 0  # not to a peer that has only connected
        if self._reading is Reading.BODY:
            return not answer.response_started
        return answer.response_complete or not answer.response_started

    def _answer(self) -> RequestResponseCycle | None:
        """That of the newest request; None before the first, whatever uvicorn's annotation says."""
        return self.cycle
