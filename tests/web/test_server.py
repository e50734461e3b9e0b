"""The HTTP server against what a hostile or a dying peer does to it, over real sockets.

The names carry the rows of the project's list of attacks on an HTTP server: C1 slow head, C2 slow body, C3 large head,
C4 ambiguous framing, C5 stopping, C9 forged forwarding.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import uvloop
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from service.web.protocol import Protocol
from service.web.server import Server, make_server

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
REQUEST = b"GET / HTTP/1.1\r\nHost: penstock.example\r\n\r\n"
POST = b"POST /body HTTP/1.1\r\nHost: penstock.example\r\n"
STREAM = b"GET /stream HTTP/1.1\r\nHost: penstock.example\r\n\r\n"


class Hasty(Protocol):
    """The limits of time in the size of a test."""

    head_seconds = 0.3
    body_seconds = 0.5


class Doors:
    """An application with one door of each kind."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
        elif scope["path"] == "/stream":
            await self.stream(scope, send)
        elif scope["path"] == "/eventsource":
            await EventSourceResponse(self.ticks())(scope, receive, send)
        elif scope["path"] == "/stuck":
            await answer(send, b"", more_body=True)
            await asyncio.Event().wait()
        elif scope["path"] == "/flood":
            await answer(send, b"." * 20_000_000)
        elif scope["path"] == "/client":
            await answer(send, json.dumps([scope["client"][0], scope["scheme"]]).encode())
        else:
            body = await Request(scope, receive).body()
            await answer(send, json.dumps([len(body), len(scope["headers"])]).encode())

    async def stream(self, scope: Scope, send: Send) -> None:
        await answer(send, b"event: ready\n\n", more_body=True)
        await self.stopping.wait()
        scope["extensions"]["penstock.transport"].write(b"c\r\nevent: bye\n\n\r\n")
        await send({"type": "http.response.body", "body": b""})

    async def ticks(self) -> AsyncIterator[dict[str, str]]:
        while True:
            yield {"event": "tick"}
            await asyncio.sleep(0.05)


async def answer(send: Send, body: bytes, *, more_body: bool = False) -> None:
    length = [] if more_body else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body, "more_body": more_body})


@pytest.fixture(scope="module")
def doors() -> Doors:
    return Doors()


@pytest.fixture(scope="module")
async def server(doors: Doors) -> AsyncIterator[Server]:
    server = make_server(doors, host="127.0.0.1", port=0, on_stopping=[doors.stopping.set])
    server.config.http = Hasty
    async with server.running():
        yield server


async def tell(server: Server, *pieces: bytes, until: bytes = b"") -> bytes:
    """What a client receives that sends `pieces`: up to `until`, or all of it till the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    sending = asyncio.create_task(send_in_pieces(writer, pieces))
    received = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            while not until or until not in received:
                more = await reader.read(65536)
                if not more:
                    break
                received += more
    await sending
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return received


async def send_in_pieces(writer: asyncio.StreamWriter, pieces: Sequence[bytes]) -> None:
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)  # so that it arrives as a piece


async def assert_it_still_answers(server: Server) -> None:
    assert b"[0, 1]" in await tell(server, REQUEST, until=b"[0, 1]")


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"GET / HTTP/1.1\r\nHost: pen"], id="stops"),
        pytest.param([bytes([byte]) for byte in b"GET / HTTP/1.1\r\nX: " + b"y" * 200], id="drips"),
        pytest.param([REQUEST, b"GET / HT"], id="second-request"),
        pytest.param([REQUEST, *[b"\r\n"] * 200], id="empty-lines-between-requests"),
        pytest.param([REQUEST + b"GET / HT"], id="second-request-in-one-piece"),
    ],
)
async def test_C1_half_a_head_is_answered_408_and_closed(server: Server, pieces: list[bytes]) -> None:
    received = await tell(server, *pieces)

    assert received.count(b"HTTP/1.1 408 Request Timeout\r\n") == 1
    assert received.endswith(b"408 Request Timeout")
    await assert_it_still_answers(server)


async def test_C1_a_connection_that_says_nothing_is_closed_without_a_word(server: Server) -> None:
    assert await tell(server) == b""
    await assert_it_still_answers(server)


async def test_C1_stray_bytes_behind_an_open_stream_do_not_end_it(server: Server, doors: Doors) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(STREAM + b"\r\n")
    await reader.readuntil(b"event: ready")
    writer.write(b"\r\n")
    await asyncio.sleep(2 * Hasty.head_seconds)
    doors.stopping.set()

    assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"event: bye\n\n\r\n0\r\n\r\n")
    writer.close()
    doors.stopping.clear()
    await assert_it_still_answers(server)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([POST + b"Content-Length: 9\r\n\r\n", b"half"], id="stops"),
        pytest.param([POST + b"Content-Length: 999\r\n\r\n", *[b"."] * 100], id="drips"),
        pytest.param([POST + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n.\r\n"] * 100], id="drips-chunks"),
    ],
)
async def test_C2_half_a_body_is_answered_408_and_closed(server: Server, pieces: list[bytes]) -> None:
    received = await tell(server, *pieces)

    assert received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    await assert_it_still_answers(server)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000], id="one-header"),
        pytest.param([b"GET /" + b"y" * 1_000_000], id="address"),
        pytest.param(
            [b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 10_000) for n in range(99))], id="some"
        ),
        pytest.param([b"GET / HTTP/1.1\r\nX: " + b"y" * 33_000 + b"\r\n\r\n"], id="complete"),
        pytest.param([REQUEST + b"GET / HTTP/1.1\r\nX: " + b"y" * 33_000 + b"\r\n\r\n"], id="complete-and-pipelined"),
        pytest.param([b"GET / HTTP/1.1\r\nX: ", *[b"y" * 5_000] * 8], id="in-pieces"),
        pytest.param([POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y" * 1_000_000], id="trailer"),
        pytest.param([POST + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"y" * 1_000_000], id="chunk-extension"),
    ],
)
async def test_C3_a_megabyte_of_header_is_431(server: Server, pieces: list[bytes]) -> None:
    assert b"HTTP/1.1 431 Request Header Fields Too Large\r\n" in await tell(server, *pieces)
    await assert_it_still_answers(server)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n"], id="50000"),
        pytest.param([b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 102], id="102-and-no-end"),
        pytest.param([b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n"], id="101"),
        pytest.param([POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 102], id="trailers"),
    ],
)
async def test_C3_fifty_thousand_headers_are_431(server: Server, pieces: list[bytes]) -> None:
    assert b"HTTP/1.1 431 Request Header Fields Too Large\r\n" in await tell(server, *pieces)
    await assert_it_still_answers(server)


async def test_C3_a_hundred_headers_of_32_kilobytes_are_served(server: Server) -> None:
    head = b"GET / HTTP/1.1\r\n" + b"".join(b"X: %s\r\n" % (b"y" * 320) for _ in range(100)) + b"\r\n"

    assert b"[0, 100]" in await tell(server, head, until=b"[0, 100]")


async def test_C3_a_thousand_requests_in_one_piece_are_not_queued(server: Server) -> None:
    received = await tell(server, STREAM + REQUEST * 1_000)

    assert b"[0, 1]" not in received
    await assert_it_still_answers(server)


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", id="CL+TE"),
        pytest.param(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", id="TE+CL"),
        pytest.param(b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", id="two-lengths"),
        pytest.param(b"Content-Length: 3, 4\r\n\r\nabcd", id="two-lengths-in-one"),
        pytest.param(b"Content-Length: +3\r\n\r\nabc", id="signed-length"),
        pytest.param(b"Content-Length: 0x3\r\n\r\nabc", id="hexadecimal-length"),
        pytest.param(b"Content-Length : 3\r\n\r\nabc", id="space-before-colon"),
        pytest.param(b"Transfer-Encoding: gzip\r\n\r\nabc", id="not-chunked"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", id="not-chunked-last"
        ),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", id="chunk-size-is-no-number"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", id="chunk-size-is-negative"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\nabc", id="chunk-size-overflows"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", id="chunk-is-longer-than-it-says"),
        pytest.param(b"Header: folded\r\n over two lines\r\n\r\n", id="folded-header"),
        pytest.param(b"Header: a\0b\r\n\r\n", id="nul"),
    ],
)
async def test_C4_ambiguous_framing_is_400_and_closed(server: Server, rest: bytes) -> None:
    received = await tell(server, POST + rest)

    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert received.count(b"HTTP/1.1") == 1
    await assert_it_still_answers(server)


@pytest.mark.parametrize(
    "line",
    [
        b"\x16\x03\x01\x02\x00",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\n\n",
    ],
)
async def test_C4_what_is_no_request_for_a_page_is_400_and_closed(server: Server, line: bytes) -> None:
    assert (await tell(server, line)).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    await assert_it_still_answers(server)


async def test_C4_trailers_do_not_join_the_headers(server: Server) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Hub-Signature: forged\r\n\r\n"

    assert b"[3, 2]" in await tell(server, chunked, until=b"]")


async def test_an_offer_of_http_2_is_answered_in_http_1(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    offer = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    assert b"[0, 2]" in await tell(server, offer, REQUEST, until=b"[0, 1]")
    assert caplog.messages == []


@pytest.mark.parametrize(
    "body", [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
async def test_an_offer_of_http_2_with_a_body_is_400_and_not_an_empty_body(server: Server, body: bytes) -> None:
    received = await tell(server, POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + body)

    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    await assert_it_still_answers(server)


@pytest.mark.parametrize(
    ("trusted_proxies", "client"),
    [("", ["127.0.0.1", "http"]), ("192.0.2.0/24", ["127.0.0.1", "http"]), ("127.0.0.0/8", ["198.51.100.7", "https"])],
)
async def test_C9_forwarding_headers_count_from_a_trusted_proxy_alone(trusted_proxies: str, client: list[str]) -> None:
    forged = b"GET /client HTTP/1.1\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\r\n"
    server = make_server(Doors(), host="127.0.0.1", port=0, trusted_proxies=trusted_proxies)

    async with server.running():
        assert json.dumps(client).encode() in await tell(server, forged, until=b"]")
        await assert_it_still_answers(server)


async def test_the_limits_are_those_promised() -> None:
    assert (Protocol.head_seconds, Protocol.max_head_bytes, Protocol.max_headers) == (8, 32 * 1024, 100)
    assert make_server(Doors(), host="127.0.0.1", port=0).config.timeout_graceful_shutdown == 8


async def test_a_client_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.web.server.UNREAD_SECONDS", 1)
    server = make_server(Doors(), host="127.0.0.1", port=0)
    server.config.timeout_graceful_shutdown = 1
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async with server.running():
        client.connect(("127.0.0.1", server.port))
        client.send(b"GET /flood HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(20):
            while not server.server_state.connections:  # noqa: ASYNC110 (uvicorn tells nobody)
                await asyncio.sleep(0.05)
            while server.server_state.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    client.close()


# C5: a real process, real signals. What it prints on standard error is asserted too: a stop is no error.


def serve_until_a_signal() -> None:
    """The process under test."""

    async def serve() -> None:
        doors = Doors()
        server = make_server(doors, host="127.0.0.1", port=0, on_stopping=[doors.stopping.set])
        server.config.timeout_graceful_shutdown = 1
        serving = asyncio.create_task(server.serve())
        await server.started_listening()
        print(server.port, flush=True)
        await serving

    uvloop.run(serve())


@contextlib.contextmanager
def a_serving_process() -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    command = [sys.executable, "-c", "from tests.web.test_server import *; serve_until_a_signal()"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with socket.create_connection(("127.0.0.1", int(process.stdout.readline())), timeout=10) as client:
                yield process, client
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("sent", "until"),
    [
        pytest.param(b"", b"", id="idle-connection"),
        pytest.param(REQUEST, b"[0, 1]", id="kept-alive-connection"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: pen", b"", id="half-a-head"),
        pytest.param(POST + b"Content-Length: 9\r\n\r\nhalf", b"", id="half-a-body"),
        pytest.param(STREAM, b"event: ready", id="stream"),
        pytest.param(b"GET /eventsource HTTP/1.1\r\n\r\n", b"event: tick", id="sse-starlette"),
        pytest.param(b"GET /stuck HTTP/1.1\r\n\r\n", b"200 OK", id="answer-that-never-ends"),
        pytest.param(b"GET /flood HTTP/1.1\r\n\r\n", b"200 OK", id="answer-that-nobody-takes"),
    ],
)
def test_C5_SIGTERM_ends_the_process_without_an_error(sent: bytes, until: bytes) -> None:
    with a_serving_process() as (process, client):
        client.sendall(sent)
        received = b""
        while until not in received:
            received += client.recv(1000)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)

    assert process.returncode == -signal.SIGTERM
    assert "Traceback" not in errors


def test_C5_a_stream_says_goodbye() -> None:
    with a_serving_process() as (process, client):
        client.sendall(STREAM)
        client.recv(10)
        process.send_signal(signal.SIGTERM)
        received = b"".join(iter(lambda: client.recv(1000), b""))
        _, errors = process.communicate(timeout=10)

    assert received.endswith(b"event: bye\n\n\r\n0\r\n\r\n")
    assert errors == ""


def test_C5_a_second_signal_ends_the_process_at_once() -> None:
    with a_serving_process() as (process, client):
        client.sendall(b"GET /stuck HTTP/1.1\r\n\r\n")
        client.recv(10)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(ConnectionError):
            while True:  # until it listens no more: it is stopping
                socket.create_connection(client.getpeername(), timeout=10).close()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)

    assert process.returncode == -signal.SIGTERM
    assert errors == ""  # the first signal would have said, after its grace period, that it cancels a request
