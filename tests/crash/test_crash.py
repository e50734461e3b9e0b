"""What was acknowledged is kept, and what happened happened once, wherever the service is killed."""

from __future__ import annotations

import ast
import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.crash.check import copied, faults, unfinished
from tests.crash.driver import Driver, driving

pytestmark = [pytest.mark.anyio, pytest.mark.long]

SOURCES = Path(__file__).parents[2] / "service"

# Passed once for each delivery or batch, and at most a few times otherwise.
IN_MIGRATION = ("migrate.begun", "migrate.written")
WHILE_SERVING = (
    "inbox.begun",
    "inbox.written",
    "inbox.committed",
    "intake.answering",
    "record.begun",
    "record.written",
    "record.logged",
    "record.committed",
)


# Passed only where files are brought into a repository: tests/regeneration/test_crashing.py dies there.
WHILE_DELIVERING = ("delivery.branched", "delivery.pushed", "delivery.opened", "delivery.committed")

# Passed only where people are told: tests/notifications/test_crashing.py dies there.
WHILE_SENDING = ("message.sending", "message.sent")


def test_every_fail_point_in_the_code_is_visited() -> None:
    calls = {
        node.args[0].value
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fail_point"
        if isinstance(node.args[0], ast.Constant)
    }

    assert calls == {*IN_MIGRATION, *WHILE_SERVING, *WHILE_DELIVERING, *WHILE_SENDING}


async def cycle(driver: Driver, fail_point: str, *, runs: int = 3) -> None:
    """A start, deliveries, death at the fail point (or at a random moment), and what must hold then."""
    if await driver.start(fail_point) and await driver.deliver(runs) and fail_point:
        assert await driver.died(), f"{fail_point} was never passed"
    await driver.kill()
    assert faults(driver.database, driver.promised) == []


async def killed_at_random(driver: Driver, after: float) -> None:
    await driver.start()
    delivering = asyncio.create_task(driver.deliver(40))
    await asyncio.sleep(after)
    await driver.kill()
    await delivering
    assert faults(driver.database, driver.promised) == []


async def ended(driver: Driver) -> None:
    """One more start, without an end of its own: everything is delivered, processed, and as Bitbucket has told it."""
    await driver.kill()
    await driver.start()
    await driver.settled()
    await driver.kill()
    assert faults(driver.database, driver.promised) == []
    assert unfinished(driver.database, driver.promised) == []


async def test_nothing_acknowledged_is_lost_and_nothing_is_doubled_wherever_it_dies(tmp_path: Path) -> None:
    async with driving(tmp_path, seed=1) as driver:
        await driver.prepare()
        for place in WHILE_SERVING:
            for times in (1, 4):
                await cycle(driver, f"{place}:{times}")
        await killed_at_random(driver, 0.15)
        await ended(driver)


@pytest.mark.parametrize("place", IN_MIGRATION)
async def test_death_in_the_middle_of_a_migration_leaves_a_database_that_starts(tmp_path: Path, place: str) -> None:
    async with driving(tmp_path, seed=2) as driver:
        started = await driver.start(place)
        tables = copied(driver.database).execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        await driver.prepare()
        await driver.start()
        await driver.deliver(1)
        await ended(driver)

    assert (started, tables) == (False, 0)


async def test_a_service_that_answers_before_it_commits_is_found_out(tmp_path: Path) -> None:
    async with driving(tmp_path, seed=3, program=("-m", "tests.crash.hasty")) as driver:
        await driver.prepare()
        await driver.start("inbox.written:2")
        await driver.deliver(3)
        await driver.kill()

        assert any(fault.startswith("lost: ") for fault in faults(driver.database, driver.promised))


@pytest.mark.endurance
async def test_a_thousand_deaths(tmp_path: Path) -> None:
    """PENSTOCK_TEST_DEATHS says how many instead."""
    chance, begun = random.Random(4), time.monotonic()
    async with driving(tmp_path, seed=4) as driver:
        await driver.prepare()
        for number in range(int(os.environ.get("PENSTOCK_TEST_DEATHS", "1000"))):
            if number % 5:
                await cycle(driver, f"{chance.choice(WHILE_SERVING)}:{chance.randint(1, 12)}", runs=5)
            else:
                await killed_at_random(driver, chance.uniform(0, 0.25))
        await ended(driver)
        print(
            f"{driver.deaths} deaths, {len(driver.promised.acknowledged)} acknowledged deliveries,"
            f" {len(driver.promised.runs)} runs, {time.monotonic() - begun:.0f} s"
        )
