"""Wherever the service is killed between deciding and sending: on the wire at least once, by its name once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.client.peer import Peer, answers
from tests.crash.driver import Driver, driving
from tests.crash.test_crash import WHILE_SENDING
from tests.notifications.office import reaching

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# Each write on the way, and how often it is passed before: by the inbox, by who makes messages, by who sends them.
WRITES = [f"record.{step}:{times}" for step in ("begun", "written", "logged", "committed") for times in (6, 12)]


async def dies(driver: Driver, place: str) -> None:
    """A start, a run with all that is told of it, and death at that place."""
    if await driver.start(place):
        if await driver.deliver(1):
            await becomes_quiet(driver)
        assert await driver.died(), f"{place} was never passed"
    with closing(sqlite3.connect(driver.database)) as connection, connection:  # the lease of the dead runs out
        connection.execute("UPDATE routes SET leased_until = '2000-01-01 00:00:00.000000'")


async def quiet(driver: Driver) -> bool:
    """Whether everything that was told has been made a message of and is delivered; or nobody is there to ask."""
    told = await reaching(driver, "/api/notifications")
    return told is None or (
        told["items"][0]["waiting"] == 0
        and len(await messages(driver)) >= sum(run.end in ("SUCCESSFUL", "FAILED") for run in driver.promised.runs)
    )


async def becomes_quiet(driver: Driver) -> None:
    for _ in range(600):
        if await quiet(driver):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("messages still waited after a minute")


async def messages(driver: Driver) -> list[dict[str, str]]:
    found = await reaching(driver, "/api/notifications/1/messages?limit=200")
    return [] if found is None else found["items"]


async def test_every_message_is_sent_with_one_name_and_the_same_bytes(tmp_path: Path, peer: Peer) -> None:
    peer.plays(answers())
    environ = {"PENSTOCK_ALLOW_PRIVATE_TARGETS": "true"}
    async with driving(tmp_path, seed=5, environ=environ) as driver:
        await driver.prepare()
        await driver.start()
        route = {"name": "ops", "target": {"kind": "webhook", "url": peer.origin}}
        made = await driver._client.post(f"{driver.url}/api/notifications", json=route)
        assert made.status_code == 201, made.text
        await driver.kill()
        for place in (*WHILE_SENDING, *WRITES):
            await dies(driver, place)
        await driver.start()
        await driver.settled()
        await becomes_quiet(driver)
        found = await messages(driver)

    names = Counter(one.headers["webhook-id"] for one in peer.requests)
    assert {one["status"] for one in found} == {"delivered"}
    assert set(names) == {one["webhook_id"] for one in found}
    assert len({(one.headers["webhook-id"], one.body) for one in peer.requests}) == len(names)
    assert len({(one["execution_id"], one["event"]) for one in found}) == len(found) == len(driver.promised.runs)
    assert max(names.values()) > 1  # one was sent, and nobody lived to write that down
