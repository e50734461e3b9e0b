"""Messages told a second, beside a bare httpx loop that posts the same, and what a target that hangs costs the others.

Each target is a port of its own in a process of its own. Penstock's way is the whole of it: from entries of the log to
messages in the outbox, leases, signatures, guarded requests, and each outcome written down. The bare loop posts to as
many targets at once and remembers nothing. What counts are the ratios, all of one run.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import uvloop

from service import bus
from service.notifications.signing import new_secret
from service.outbound import Outbound
from service.recorder import Recorder
from service.store import accounts, migrate, routes
from service.store.database import Database
from service.store.tables import repositories
from service.vault import Vault
from service.workers.carrying import Carrier
from service.workers.notifying import Notifier
from service.workers.sending import Sender

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Target(asyncio.Protocol):
    """Answers every request, or none of them, and remembers when they came."""

    def __init__(self, number: int, arrived: list[tuple[int, float]], hanging: set[int]) -> None:
        self.number, self.arrived, self.hanging = number, arrived, hanging
        self.received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self.received = b""
        if self.number not in self.hanging:
            self.arrived.append((self.number, time.monotonic()))
            self.transport.write(ANSWER)


def targets(line: Connection, number: int) -> None:
    """Says its ports, then does as asked: "begin" anew, with targets that hang; "wait" for so many; "told" all."""
    uvloop.run(_targets(line, number))


async def _targets(line: Connection, number: int) -> None:
    arrived: list[tuple[int, float]] = []
    hanging: set[int] = set()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda which=which: Target(which, arrived, hanging), "127.0.0.1", 0)
        for which in range(number)
    ]
    line.send([server.sockets[0].getsockname()[1] for server in servers])
    while (asked := await asyncio.to_thread(line.recv)) is not None:
        word, wanted = asked
        if word == "begin":
            arrived.clear()
            hanging.clear()
            hanging.update(wanted)
        while word == "wait" and len(arrived) < wanted:  # noqa: ASYNC110 - a bell for each would be part of the figures
            await asyncio.sleep(0.02)
        line.send(list(arrived) if word == "told" else None)


@dataclass(frozen=True)
class Figures:
    """`seconds` until the last message came; `done` are the seconds after which each target that answers had all."""

    number: int
    seconds: float
    done: list[float]

    @property
    def rate(self) -> float:
        return self.number / self.seconds

    @property
    def p99(self) -> float:
        return quantiles(self.done, n=100, method="inclusive")[98]


@dataclass(frozen=True)
class Bench:
    line: Connection
    ports: list[int]
    each: int

    async def measured(self, begun: float, hanging: set[int]) -> Figures:
        """Waits until all has come."""
        wanted = (len(self.ports) - len(hanging)) * self.each
        await asyncio.to_thread(self.ask, "wait", wanted)
        arrived: list[tuple[int, float]] = await asyncio.to_thread(self.ask, "told")
        last: dict[int, float] = {}
        for number, at in arrived:
            last[number] = at - begun
        assert len(arrived) == wanted, f"{len(arrived)} messages came, {wanted} were to come: each once"
        return Figures(wanted, max(last.values()), list(last.values()))

    def ask(self, word: str, wanted: object = None) -> Any:
        self.line.send((word, wanted))
        return self.line.recv()


async def bare(bench: Bench, body: bytes, hanging: set[int]) -> Figures:
    bench.ask("begin", hanging)
    limits = httpx.Limits(max_connections=len(bench.ports), max_keepalive_connections=len(bench.ports))
    async with httpx.AsyncClient(limits=limits, timeout=10, trust_env=False) as client:

        async def tell(port: int) -> None:
            for _ in range(bench.each):
                await client.post(
                    f"http://127.0.0.1:{port}/", content=body, headers={"Content-Type": "application/json"}
                )

        begun = time.monotonic()
        telling = [asyncio.create_task(tell(port)) for number, port in enumerate(bench.ports) if number not in hanging]
        found = await bench.measured(begun, hanging)
        await asyncio.gather(*telling)
    return found


async def penstock(bench: Bench, hanging: set[int]) -> tuple[Figures, float]:
    """What came of it, and how long it took to make messages of the log."""
    bench.ask("begin", hanging)
    async with _house(bench) as (recorder, sender):
        async with recorder.record() as record:
            for number in range(bench.each):
                about = {"pipeline_id": number % 10, "environment": "production", "reason": f"reason {number}"}
                record.log("environment.held", about, repository_id=1, pipeline_id=number % 10)
        notifier = Notifier(recorder)
        begun = time.monotonic()
        while await notifier.do_next():
            pass
        expanded = time.monotonic()
        sending = asyncio.create_task(sender.run())
        try:
            return await bench.measured(expanded, hanging), expanded - begun
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


@asynccontextmanager
async def _house(bench: Bench) -> AsyncIterator[tuple[Recorder, Sender]]:
    with tempfile.TemporaryDirectory() as directory:
        url = os.environ.get("PENSTOCK_DATABASE_URL") or f"sqlite+aiosqlite:///{Path(directory) / 'penstock.db'}"
        database = Database(url)
        await migrate.upgrade(database)
        bell = await bus.connect("memory:", url)
        recorder, vault = Recorder(database, bell), Vault([secrets.token_bytes(32)])
        outbound = Outbound(allow_private=True)
        async with recorder.record() as record:
            user_id = await accounts.add_user(record.connection, "ada", None, is_admin=True, now=record.now)
            row = {"workspace": "acme", "slug": "shop", "connected_at": record.now}
            await record.connection.execute(repositories.insert().values(row))
            for port in bench.ports:
                await _route(record.connection, vault, user_id, port, record.now)
        yield recorder, Sender(recorder, Carrier(outbound, vault), "https://penstock.example.com")
        await outbound.close()
        await bell.close()
        await database.close()


async def _route(connection: object, vault: Vault, user_id: int, port: int, now: object) -> None:
    place = secrets.token_hex(16)
    seal = {"table": "routes", "row": place}
    await routes.add(
        connection,  # type: ignore[arg-type]
        user_id=user_id,
        name=f"target {port}",
        kind="webhook",
        place=place,
        target=vault.seal(f"http://127.0.0.1:{port}/".encode(), column="target", **seal),
        secret=vault.seal(new_secret().encode(), column="secret", **seal),
        shown="127.0.0.1",
        filter={},
        paused=False,
        created_at=now,
        updated_at=now,
    )


def body() -> bytes:
    """About as long as what Penstock sends of these entries."""
    return (
        b'{"type":"environment.held","timestamp":"2026-03-01T09:30:00Z","data":{' + b'"reason":"x",' * 30 + b'"a":1}}'
    )


async def run(bench: Bench) -> None:
    print(f"{'way':40} {'messages/s':>10} {'target done p99 s':>18} {'of bare':>8}", flush=True)
    plain = _shown("bare httpx loop", await bare(bench, body(), set()))
    made, expanding = await penstock(bench, set())
    alone = _shown("Penstock", made, plain)
    beside = _shown("Penstock, one target hangs: the others", (await penstock(bench, {0}))[0], plain)
    print(f"made messages of the log: {bench.each * len(bench.ports) / expanding:,.0f} a second")
    print(f"a hanging target makes the others' p99 {beside.p99 / alone.p99:.2f} times as long")


def _shown(name: str, figures: Figures, peer: Figures | None = None) -> Figures:
    of_bare = figures.rate / (peer or figures).rate
    print(f"{name:40} {figures.rate:>10,.0f} {figures.p99:>18.2f} {of_bare:>8.2f}", flush=True)
    return figures


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench notify", description=__doc__)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--each", type=int, default=50, help="messages to each target")
    options = parser.parse_args(argv)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=targets, args=(theirs, options.targets), daemon=True)
    process.start()
    try:
        uvloop.run(run(Bench(ours, ours.recv(), options.each)))
    finally:
        ours.send(None)
        process.join(5)
    return 0
