"""Whether a page of a long list costs the same however deep it is: page 1 beside page 10,000 of the executions.

Over HTTP, through the whole service on SQLite, one request after the other, the two pages in turn. The peer is the same
page by OFFSET, straight from the database, without any service around it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
from sqlalchemy import insert, select

from service import clock
from service.store.tables import executions
from tests.living import Living, living

LIMIT = 50
PAGES = {"page 1": 1, "page 10,000": 10_000}
BATCH = 10_000


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench api", description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000, help="how many there are (default: a million)")
    parser.add_argument("--requests", type=int, default=300, help="of each page (default: 300)")
    args = parser.parse_args(argv)
    return asyncio.run(measure(args.executions, args.requests))


async def measure(count: int, requests: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with living({"PENSTOCK_DATA_DIR": folder}) as penstock:
            pipeline = (await penstock.get("/api/pipelines"))["items"][0]
            began = time.perf_counter()
            newest = await fill(penstock, pipeline, count)
            print(f"{count:,} executions of one pipeline, written in {time.perf_counter() - began:.0f} s")
            path = f"/api/pipelines/{pipeline['id']}/executions"
            asks = {name: request_of(penstock.client, path, newest, page) for name, page in PAGES.items()}
            asks = {name: ask for name, ask in asks.items() if PAGES[name] * LIMIT <= count}
            times = await in_turn(asks, requests)
            times |= await in_turn({"OFFSET, page 10,000": offset_of(penstock, pipeline["id"], count)}, 20)
    show(times)
    return 0


async def fill(penstock: Living, pipeline: dict[str, Any], count: int) -> int:
    """The id of the newest execution."""
    for batch in rows(pipeline, count):
        async with penstock.house.database.write() as connection:
            await connection.execute(insert(executions), batch)
    async with penstock.house.database.read() as connection:
        newest = select(executions.c.id).order_by(executions.c.id.desc()).limit(1)
        return int((await connection.execute(newest)).scalar_one())


def rows(pipeline: dict[str, Any], count: int) -> Iterator[list[dict[str, Any]]]:
    at = clock.now()
    for first in range(0, count, BATCH):
        yield [
            {
                "pipeline_id": pipeline["id"],
                "repository_id": pipeline["repository"]["id"],
                "environment": "production",
                "status": "SUCCESS" if number % 3 else "FAILED",
                "trigger_type": "webhook",
                "branch": "main",
                "bitbucket_build_number": number + 1,
                "bitbucket_commit_hash": f"{number:040x}",
                "attempt": 1,
                "confirmed": True,
                "rolled_back": False,
                "pushed": True,
                "message": "Sell more shoes",
                "author": "Ada Quill",
                "created_at": at,
                "started_at": at,
                "completed_at": at,
            }
            for number in range(first, min(first + BATCH, count))
        ]


def request_of(client: httpx.AsyncClient, path: str, newest: int, page: int) -> Callable[[], Awaitable[None]]:
    """Asks for that page, by the cursor that the page before it would have given."""
    params: dict[str, Any] = {"limit": LIMIT}
    if page > 1:
        last = newest - (page - 1) * LIMIT + 1
        params["cursor"] = base64.urlsafe_b64encode(str(last).encode()).decode().rstrip("=")

    async def ask() -> None:
        answer = await client.get(path, params=params)
        items = answer.json()["items"]
        assert len(items) == LIMIT, answer.text
        assert items[0]["id"] == newest - (page - 1) * LIMIT

    return ask


def offset_of(penstock: Living, pipeline_id: int, count: int) -> Callable[[], Awaitable[None]]:
    question = select(executions).where(executions.c.pipeline_id == pipeline_id).order_by(executions.c.id.desc())
    question = question.limit(LIMIT).offset(min((PAGES["page 10,000"] - 1) * LIMIT, count - LIMIT))

    async def ask() -> None:
        async with penstock.house.database.read() as connection:
            assert len((await connection.execute(question)).all()) == LIMIT

    return ask


async def in_turn(asks: dict[str, Callable[[], Awaitable[None]]], count: int) -> dict[str, list[float]]:
    """Milliseconds of each. In turn, so that whatever else the machine does falls on all of them."""
    for ask in asks.values():
        await ask()
    times: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(count):
        for name, ask in asks.items():
            began = time.perf_counter()
            await ask()
            times[name].append((time.perf_counter() - began) * 1000)
    return times


def show(times: dict[str, list[float]]) -> None:
    print(f"{'':>20}  {'p50':>8}  {'p99':>8}  milliseconds")
    for name, found in times.items():
        print(f"{name:>20}  {percentile(found, 50):8.2f}  {percentile(found, 99):8.2f}  of {len(found)}")
    if len(times) == len(PAGES) + 1:
        first, deep = (times[name] for name in PAGES)
        print(f"page 10,000 costs {percentile(deep, 50) / percentile(first, 50):.2f} times page 1 (p50)")


def percentile(found: list[float], part: int) -> float:
    return sorted(found)[min(len(found) - 1, len(found) * part // 100)]
