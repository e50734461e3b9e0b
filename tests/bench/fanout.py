"""One publisher, many subscribers over real sockets: how many deliveries a second, how late, at how many bytes each.

Every way runs in a process of its own, and this process is the client of all of them, one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import re
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from tests.bench.publishing import LAST, WAYS

# Seconds within which whatever is measured must be over, and for which a server is left alone before memory is read.
PATIENCE = 300.0
SETTLE = 4.0

# Subscribers that come and go before memory is read, so that what the first one costs once is not counted.
WARM_UP = 50

NUMBER = b'"execution_id"'
SENT_AT = re.compile(rb'"at": ?(\d+),')
END = LAST.encode()


@dataclass(frozen=True)
class Figures:
    """Of one way."""

    deliveries_per_second: float
    p50_ms: float
    p99_ms: float
    cpu: float  # of one core, while 10 events a second go out
    kilobytes: float


class Load:
    """What all subscribers of a run have got together."""

    def __init__(self, subscribers: int) -> None:
        self.subscribers = subscribers
        self.begin()

    def begin(self) -> None:
        self.deliveries = 0
        self.ends = 0
        self.milliseconds: list[float] = []
        self.everybody_has_the_end = asyncio.Event()


class Subscriber(asyncio.Protocol):
    """Reads its stream as cheaply as Python can, and counts."""

    def __init__(self, load: Load, request: bytes, opened: asyncio.Future[None]) -> None:
        self._load = load
        self._request = request
        self._opened = opened
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def connection_lost(self, error: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if not self._opened.done():
            assert data.startswith(b"HTTP/1.1 200"), data
            self._opened.set_result(None)
        text = self._rest + data
        whole = text.rfind(b"\n") + 1  # an event's line may be cut by the end of a read
        self._rest = text[whole:]
        load = self._load
        load.deliveries += text.count(NUMBER, 0, whole)
        if len(data) < 4096:
            load.milliseconds += [(now - int(at)) / 1e6 for at in SENT_AT.findall(text, 0, whole)]
        if text.find(END, 0, whole) >= 0:
            load.ends += 1
            if load.ends == load.subscribers:
                load.everybody_has_the_end.set()


class Served:
    """A server's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return await self.answer()


@asynccontextmanager
async def served(way: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.publishing",
        way,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Served(process)
    finally:
        process.kill()
        await process.wait()


async def measure(way: str, options: argparse.Namespace) -> Figures:
    async with served(way) as server:
        address = await server.answer()
        request = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {address['token']}\r\n\r\n"
        for transport in await connect(Load(WARM_UP), address["port"], request.encode()):
            transport.abort()
        await asyncio.sleep(SETTLE)
        before = (await server.ask("memory"))["rss"]
        load = Load(options.subscribers)
        transports = await connect(load, address["port"], request.encode())
        await asyncio.sleep(SETTLE)
        kilobytes = ((await server.ask("memory"))["rss"] - before) / 1024 / options.subscribers
        load.begin()
        cpu = (await server.ask(f"pace {options.rate} {options.seconds}"))["cpu"] / options.seconds
        late = sorted(load.milliseconds)
        expected = options.subscribers * int(options.rate * options.seconds)
        assert load.deliveries == expected, f"{way}: {load.deliveries} of {expected} deliveries"
        rates = sorted([await burst(server, load, options.events) for _ in range(options.bursts)])
        for transport in transports:
            transport.abort()
    return Figures(rates[len(rates) // 2], quantile(late, 0.5), quantile(late, 0.99), cpu, kilobytes)


async def connect(load: Load, port: int, request: bytes) -> list[asyncio.Transport]:
    loop = asyncio.get_running_loop()
    transports: list[asyncio.Transport] = []
    for _ in range(load.subscribers):
        opened = loop.create_future()
        transport, _ = await loop.create_connection(lambda o=opened: Subscriber(load, request, o), "127.0.0.1", port)  # type: ignore[misc]
        await opened
        transports.append(transport)
    return transports


async def burst(server: Served, load: Load, events: int) -> float:
    """Deliveries a second, from the publisher's first step to the last byte of the last subscriber."""
    await asyncio.sleep(1)
    load.begin()
    gc.collect()
    began: int = (await server.ask(f"burst {events}"))["began"]
    await asyncio.wait_for(load.everybody_has_the_end.wait(), PATIENCE)
    seconds = (time.monotonic_ns() - began) / 1e9
    expected = load.subscribers * events
    assert load.deliveries == expected, f"{load.deliveries} of {expected} deliveries"
    return expected / seconds


def quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench fanout", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=1000, help="of a burst")
    parser.add_argument("--bursts", type=int, default=3, help="of which the median counts")
    parser.add_argument("--rate", type=float, default=10, help="events a second, for the latency")
    parser.add_argument("--seconds", type=float, default=10, help="for how long")
    parser.add_argument("--only", choices=WAYS)
    options = parser.parse_args(argv)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print(f"{options.subscribers} subscribers; a burst of {options.events} events; {options.rate:g} events a second")
    print(f"{'':34} {'burst: deliveries/s':>20} {'p50 ms':>8} {'p99 ms':>8} {'cpu':>6} {'KB each':>8}", flush=True)
    for way in [options.only] if options.only else WAYS:
        one = uvloop.run(measure(way, options))
        print(
            f"{way:34} {one.deliveries_per_second:>20,.0f} {one.p50_ms:>8.1f} {one.p99_ms:>8.1f}"
            f" {one.cpu:>6.0%} {one.kilobytes:>8.1f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
