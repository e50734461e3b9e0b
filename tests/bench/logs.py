"""A log tailed, stored and streamed to fifty readers, beside a loop that only downloads the same log.

The simulator and the service are a process each; every figure is the log's size by the time until all of it was there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from service.simulator import Simulator
from tests.bench.ingest import account, process

LINE = "2026-03-01T09:30:00Z [INFO] \x1b[32mok\x1b[0m building module core/{number} – prüfen, 3 tests in 0.21 s\n"

# Bytes that the bare loop asks for at a time, as the tailer does.
PART = 512 * 1024


@dataclass(frozen=True)
class Place:
    """Where the simulator is, and the run whose log is read there."""

    url: str
    run: str
    step: str


async def simulate(megabytes: int) -> None:
    """One run that goes on with a log of that size: says where, and waits to be ended."""
    async with Simulator.running() as bitbucket:
        shop = bitbucket.repository("acme/shop")
        said = await asyncio.to_thread(_line, f"{bitbucket.url}\n")
        assert said == "begin", said
        run = await shop.start_run("main", steps=["Build"])
        text = "".join(LINE.format(number=number) for number in range(10_000)).encode()
        log = run.step("Build").log
        while len(log) < megabytes * 1_000_000:
            log += text
        del log[megabytes * 1_000_000 :]
        await run.finish()
        print(f"{run.uuid} {run.step('Build').uuid} {len(log)}", flush=True)
        await asyncio.to_thread(sys.stdin.read)


def _line(said: str) -> str:
    print(said, end="", flush=True)
    return sys.stdin.readline().strip()


@asynccontextmanager
async def simulator(megabytes: int) -> AsyncIterator[asyncio.subprocess.Process]:
    words = [sys.executable, "-m", "tests.bench", "logs", "--simulate", str(megabytes)]
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe)
    try:
        yield running
    finally:
        assert running.stdin is not None
        running.stdin.close()
        await running.wait()


async def bare(place: Place, size: int) -> float:
    """Seconds to download the log range by range, and to do nothing with it."""
    began, at = time.perf_counter(), 0
    async with httpx.AsyncClient(timeout=60, trust_env=False, follow_redirects=True) as client:
        url = f"{place.url}/repositories/acme/shop/pipelines/{place.run}/steps/{place.step}/log"
        while at < size:
            answer = await client.get(url, headers={"Range": f"bytes={at}-{at + PART - 1}", "Accept": "*/*"})
            assert answer.status_code == 206, answer.status_code
            at += len(answer.content)
    return time.perf_counter() - began


async def stored(client: httpx.AsyncClient, execution_id: int, size: int) -> float:
    """Returns when all of it is stored."""
    while True:
        told = (await client.get(f"/api/executions/{execution_id}")).raise_for_status().json()
        if sum(step["log_bytes"] for step in told["steps"]) >= size:
            return time.perf_counter()
        await asyncio.sleep(0.05)


async def read(url: str, token: str, execution_id: int) -> float:
    """One reader, as cheap as Python can: the bytes up to `log_complete`."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 20)
    path = f"/api/executions/{execution_id}/logs/stream"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    tail = b""
    while b"event: log_complete" not in tail:
        more = await reader.read(1 << 18)
        assert more, "the stream ended early"
        tail = tail[-64:] + more
    writer.close()
    return time.perf_counter()


async def execution_of(client: httpx.AsyncClient) -> int:
    """The run's execution, once the service has found it."""
    while True:
        pipelines = (await client.get("/api/pipelines")).raise_for_status().json()["items"]
        found = (await client.get(f"/api/pipelines/{pipelines[0]['id']}/executions")).raise_for_status().json()["items"]
        if found:
            return int(found[0]["id"])
        await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Begun:
    """A run that is over, whose log the service has begun to take in."""

    execution_id: int
    size: int
    place: Place


async def begin(running: asyncio.subprocess.Process, client: httpx.AsyncClient, url: str) -> Begun:
    """Connects the simulator's repository, and lets the run happen."""
    assert running.stdout is not None
    assert running.stdin is not None
    credential = await client.post("/api/credentials", json={"kind": "access_token", "token": "t" * 40})
    number = credential.raise_for_status().json()["id"]
    body = {"workspace": "acme", "slug": "shop", "credential_id": number}
    (await client.post("/api/repositories", json=body)).raise_for_status()
    running.stdin.write(b"begin\n")
    run, step, size = (await running.stdout.readline()).decode().split()
    return Begun(await execution_of(client), int(size), Place(url, run, step))


def environ_of(directory: str, url: str) -> dict[str, str]:
    return {
        "PENSTOCK_DATA_DIR": directory,
        "PENSTOCK_BITBUCKET_API_URL": url,
        "PENSTOCK_ALLOW_PRIVATE_TARGETS": "true",
        "PENSTOCK_RECONCILE_SECONDS": "0.5",
        "PENSTOCK_RATE_BUDGET_PER_HOUR": "1000000",
    }


def client_of(own: str, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=own, headers=headers, timeout=60, trust_env=False)


async def measure(options: argparse.Namespace) -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        async with simulator(options.megabytes) as running:
            assert running.stdout is not None
            url = (await running.stdout.readline()).decode().strip()
            environ = environ_of(directory, url)
            token = account(environ)
            with process("service", "serve", "--port", "0", **environ) as said:
                own = next(word for word in said.split() if word.startswith("http")).rstrip("/")
                async with client_of(own, token) as client:
                    begun = await begin(running, client, url)
                    seconds = await with_service(client, own, token, begun, options.readers)
            seconds["bare"] = await bare(begun.place, begun.size)
        return table(seconds, begun.size / 1e6, size_of_database(Path(directory)) / 1e6, options.readers)


async def with_service(client: httpx.AsyncClient, own: str, token: str, begun: Begun, readers: int) -> dict[str, float]:
    """Seconds until all of it was stored, was with every reader, was downloaded."""
    began = time.perf_counter()
    tailed = await stored(client, begun.execution_id, begun.size) - began
    began = time.perf_counter()
    streamed = max(await asyncio.gather(*(read(own, token, begun.execution_id) for _ in range(readers)))) - began
    began = time.perf_counter()
    text = await client.get("/api/pipelines/1/logs", headers={"Accept": "text/plain"})
    assert len(text.content) == begun.size
    return {"tailed": tailed, "streamed": streamed, "text": time.perf_counter() - began}


def table(seconds: dict[str, float], millions: float, kept: float, readers: int) -> list[str]:
    rates = {what: millions / taken for what, taken in seconds.items()}
    share = rates["tailed"] / rates["bare"]
    return [
        f"{millions:,.0f} MB, kept in {kept:,.1f} MB; {readers} readers; {os.cpu_count()} cores for all",
        f"{'bare loop, downloads only':42} {rates['bare']:>8.1f} MB/s",
        f"{'tailed, masked and stored':42} {rates['tailed']:>8.1f} MB/s {share:>6.2f} of bare",
        f"{'streamed to each reader':42} {rates['streamed']:>8.1f} MB/s",
        f"{'streamed to all readers together':42} {rates['streamed'] * readers:>8.1f} MB/s",
        f"{'downloaded as text':42} {rates['text']:>8.1f} MB/s",
    ]


def size_of_database(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.glob("penstock.db*"))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench logs", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=30)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--simulate", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.simulate is not None:
        asyncio.run(simulate(options.simulate))
        return 0
    print("\n".join(asyncio.run(measure(options))))
    return 0
