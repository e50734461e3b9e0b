"""From the signed POST to the last of a thousand subscribers: how long, and how many deliveries a second it bears."""

from __future__ import annotations

import argparse
import asyncio
import re
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import uvloop

from service.bitbucket.signature import sign
from tests.bench.ingest import Target, account, penstock
from tests.living import REPOSITORY_UUID, push

CREATED = re.compile(rb'hash":"(\d{40})"')

# Seconds for which stragglers are waited for after the last delivery of a rate.
PATIENCE = 30.0


@dataclass
class Story:
    """When each delivery was posted, and when the last subscriber had heard of it; the commit is its number."""

    subscribers: int
    posted: dict[int, float] = field(default_factory=dict)
    heard: dict[int, int] = field(default_factory=dict)
    told: dict[int, float] = field(default_factory=dict)

    def hear(self, number: int, now: float) -> None:
        self.heard[number] = self.heard.get(number, 0) + 1
        if self.heard[number] == self.subscribers:
            self.told[number] = now - self.posted[number]


class Subscriber(asyncio.Protocol):
    """Reads its stream as cheaply as Python can."""

    def __init__(self, story: Story, request: bytes, opened: asyncio.Future[None]) -> None:
        self._story = story
        self._request = request
        self._opened = opened
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self._opened.done():
            assert data.startswith(b"HTTP/1.1 200"), data
            self._opened.set_result(None)
        text = self._rest + data
        whole = text.rfind(b"\n") + 1
        self._rest = text[whole:]
        for number in CREATED.findall(text, 0, whole):
            self._story.hear(int(number), now)


async def tell(target: Target, token: str, options: argparse.Namespace) -> list[str]:
    story = Story(options.subscribers)
    address = urlsplit(target.url)
    request = f"GET /api/events HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    for _ in range(options.subscribers):
        opened = loop.create_future()
        await loop.create_connection(lambda o=opened: Subscriber(story, request, o), address.hostname, address.port)  # type: ignore[misc]
        await opened
    lines = []
    async with httpx.AsyncClient(timeout=30) as client:
        for rate in options.rates:
            first = len(story.posted)
            began = time.perf_counter()
            await at_rate(client, target, story, rate, options.seconds)
            spent = time.perf_counter() - began
            late = sorted(story.told[number] * 1000 for number in range(first, len(story.posted)))
            sustained = "yes" if late[-1] < 1000 else "no"
            p50, p99 = late[len(late) // 2], late[min(len(late) - 1, int(len(late) * 0.99))]
            achieved = len(late) / spent
            lines.append(f"{rate:>14,} {achieved:>11,.0f} {p50:>8.1f} {p99:>8.1f} {late[-1]:>8.1f} {sustained:>10}")
    return lines


async def at_rate(client: httpx.AsyncClient, target: Target, story: Story, rate: int, seconds: float) -> None:
    """Posts evenly, then waits until every subscriber has heard of every delivery."""
    first, number = len(story.posted), int(rate * seconds)
    began = time.perf_counter()
    under_way = set()
    for place in range(number):
        await asyncio.sleep(max(0.0, began + place / rate - time.perf_counter()))
        under_way.add(asyncio.create_task(post(client, target, story, first + place)))
    await asyncio.gather(*under_way)
    end = time.perf_counter() + PATIENCE
    while len(story.told) < first + number:
        assert time.perf_counter() < end, f"{first + number - len(story.told)} deliveries did not reach everybody"
        await asyncio.sleep(0.005)


async def post(client: httpx.AsyncClient, target: Target, story: Story, number: int) -> None:
    repository = {"full_name": "acme/shop", "uuid": REPOSITORY_UUID}
    body = msgspec.json.encode({"repository": repository, **push("main", f"{number:040d}")})
    headers = {
        "Content-Type": "application/json",
        "X-Event-Key": "repo:push",
        "X-Request-UUID": f"story-{number}",
        "X-Hub-Signature": sign(body, target.secret),
    }
    story.posted[number] = time.perf_counter()
    answer = await client.post(target.url, content=body, headers=headers)
    assert answer.status_code == 202, answer.text


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench story", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each rate")
    parser.add_argument("--rates", type=int, nargs="+", default=[10, 50, 100, 150, 200], help="deliveries a second")
    options = parser.parse_args(argv)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory() as directory, penstock(Path(directory)) as target:
        token = account({"PENSTOCK_DATA_DIR": directory}, name="listener")
        lines = uvloop.run(tell(target, token, options))
    print(f"{options.subscribers} subscribers, SQLite, one process; milliseconds from the POST to the last subscriber")
    print(f"{'asked for /s':>14} {'done /s':>11} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'sustained':>10}")
    print("\n".join(lines))
    return 0
