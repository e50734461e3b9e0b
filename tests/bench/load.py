"""Posts as fast as a server answers, from a process of its own, over connections that are kept alive.

Made of ready bytes and a protocol on uvloop: a client library would be the slowest part of what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlsplit

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

# Seconds that what is under way may take when the time of the measurement is over.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """What came back. `lost` requests got no answer; `p50` and `p99` are seconds from written to answered."""

    seconds: float
    statuses: Mapping[int, int]
    lost: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return sum(self.statuses.values()) / self.seconds


def post(
    url: str, requests: Iterable[tuple[bytes, Mapping[str, str]]], *, connections: int = 128, seconds: float = 5.0
) -> Load:
    """Posts each of `requests` (body and headers) once, until they or the time run out.

    One request at a time per connection. The answers must have a `Content-Length` or no body.
    """
    address = urlsplit(url)
    assert address.hostname
    ready = [_request(address.hostname, address.path or "/", body, headers) for body, headers in requests]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_run, address.hostname, address.port or 80, ready, connections, seconds).result()


def _request(host: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    fields = {"Host": host, "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def _run(host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    return uvloop.run(_Run(requests).over(host, port, connections, seconds))


class _Run:
    """The requests that are left, shared by all connections, and what is known of those that went."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.left: Iterator[bytes] = iter(requests)
        self.statuses: Counter[int] = Counter()
        self.waited: list[float] = []
        self.ended_at = 0.0
        self.open = 0
        self.closed = asyncio.Event()

    async def over(self, host: str, port: int, connections: int, seconds: float) -> Load:
        loop = asyncio.get_running_loop()
        callers = [(await loop.create_connection(lambda: _Caller(self), host, port))[1] for _ in range(connections)]
        self.open = len(callers)
        loop.call_later(seconds, self.end)
        started_at = time.perf_counter()
        for caller in callers:
            caller.call()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + PATIENCE):
                await self.closed.wait()
        if len(self.waited) < 2:
            raise RuntimeError(f"{host}:{port} gave {len(self.waited)} answers, too few to measure")
        cuts = quantiles(self.waited, n=100, method="inclusive")
        lost = sum(caller.waiting for caller in callers)
        return Load(self.ended_at - started_at, dict(self.statuses), lost, cuts[49], cuts[98])

    def end(self) -> None:
        self.left = iter(())

    def answered(self, status: int, sent_at: float) -> None:
        self.ended_at = time.perf_counter()
        self.statuses[status] += 1
        self.waited.append(self.ended_at - sent_at)

    def gone(self) -> None:
        self.open -= 1
        if not self.open:
            self.closed.set()


class _Caller(asyncio.Protocol):
    """One connection: writes, waits for the whole answer, writes the next."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.received = b""
        self.sent_at = 0.0
        self.waiting = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def call(self) -> None:
        request = next(self.run.left, None)
        if request is None:
            self.transport.close()
            return
        self.waiting = True
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self.received = b""
        self.waiting = False
        self.run.answered(int(head[9:12]), self.sent_at)
        self.call()

    def connection_lost(self, exc: Exception | None) -> None:
        self.run.gone()
