"""Signed deliveries committed a second, beside bare Starlette that stores nothing and a session for each request.

Everything runs in this run, one after the other, each in a process of its own, over 128 kept-alive connections. What
counts are the ratios; the disk is this machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from service.bitbucket.signature import sign
from tests.bench.load import Load, post
from tests.bench.receiving import SECRET
from tests.living import REPOSITORY_UUID, change

# As large as a usual push, 6.5 KB.
PADDING = 5600


@dataclass(frozen=True)
class Target:
    """Where to post to, and what to sign with."""

    url: str
    secret: bytes


def body() -> bytes:
    """A push to a branch that nobody deploys, padded to the usual size."""
    repository = {"full_name": "acme/shop", "uuid": REPOSITORY_UUID, "description": "x" * PADDING}
    return msgspec.json.encode({"push": {"changes": [change("wild-idea", "a" * 40)]}, "repository": repository})


def requests(target: Target, number: int) -> Iterator[tuple[bytes, dict[str, str]]]:
    content = body()
    signature = sign(content, target.secret)
    for _ in range(number):
        yield (
            content,
            {
                "Content-Type": "application/json",
                "X-Event-Key": "repo:push",
                "X-Request-UUID": str(uuid.uuid4()),
                "X-Hub-Signature": signature,
            },
        )


@contextlib.contextmanager
def process(*words: str, **environ: str) -> Iterator[str]:
    """A server of ours: what it first says on standard output."""
    environment = {**os.environ, **environ, "PENSTOCK_LOG_LEVEL": "error"}
    server = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        yield server.stdout.readline()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


@contextlib.contextmanager
def penstock(directory: Path, *options: str, **environ: str) -> Iterator[Target]:
    """The service in a process of its own, with one connected repository."""
    environ = {"PENSTOCK_DATA_DIR": str(directory), **environ}
    token = account(environ)
    with process("service", "serve", "--port", "0", *options, **environ) as said:
        found = re.search(r"http://\S+", said)
        assert found is not None, said
        headers = {"Authorization": f"Bearer {token}"}
        made = httpx.post(
            f"{found[0]}/api/repositories", json={"workspace": "acme", "slug": "shop"}, headers=headers, timeout=30
        )
        webhook = made.raise_for_status().json()["webhook"]
        yield Target(webhook["url"], webhook["secret"].encode())


def account(environ: dict[str, str], name: str = "bench") -> str:
    """A token of a new administrator."""

    def run(*words: str, said: str = "") -> str:
        command = [sys.executable, "-m", "service", *words]
        done = subprocess.run(
            command, input=said, capture_output=True, text=True, check=True, env={**os.environ, **environ}
        )
        return done.stdout.strip()

    run("user", "add", name, "--admin", "--password-stdin", said="correct horse battery\n")
    return run("token", "create", name)


def measured(target: Target, options: argparse.Namespace) -> Load:
    post(target.url, requests(target, 500), connections=16, seconds=2)
    load = post(
        target.url, requests(target, options.requests), connections=options.connections, seconds=options.seconds
    )
    accepted = load.statuses.get(202, 0)
    assert load.lost == 0, load
    assert accepted == sum(load.statuses.values()), load
    return load


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench ingest", description=__doc__)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--requests", type=int, default=30_000, help="at most, for each way")
    parser.add_argument("--seconds", type=float, default=3.0, help="at most, for each way")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    options = parser.parse_args(argv)
    figures: dict[str, list[Load]] = {}
    for _ in range(options.rounds):
        for way in ("bare", "session"):
            with process("tests.bench.receiving", way) as url:
                figures.setdefault(way, []).append(measured(Target(url.strip(), SECRET), options))
        for way, role in (("web", "--role=web"), ("all", "--role=all")):
            with tempfile.TemporaryDirectory() as directory, penstock(Path(directory), role) as target:
                figures.setdefault(way, []).append(measured(target, options))
    print(table({way: sorted(loads, key=lambda load: load.rate)[len(loads) // 2] for way, loads in figures.items()}))
    return 0


NAMES = {
    "bare": "bare Starlette, stores nothing",
    "session": "SQLAlchemy session for each request, SQLite",
    "web": "Penstock, SQLite, --role web",
    "all": "Penstock, SQLite, processing beside it",
}


def table(figures: dict[str, Load]) -> str:
    bare, session = figures["bare"].rate, figures["session"].rate
    lines = [f"{'way':45} {'deliveries/s':>12} {'p50 ms':>7} {'p99 ms':>7} {'of bare':>8} {'of session':>10}"]
    lines += [
        f"{NAMES[way]:45} {load.rate:>12,.0f} {load.p50 * 1000:>7.1f} {load.p99 * 1000:>7.1f}"
        f" {load.rate / bare:>8.2f} {load.rate / session:>10.1f}"
        for way, load in figures.items()
    ]
    return "\n".join(lines)
