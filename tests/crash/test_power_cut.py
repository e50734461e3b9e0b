"""A power cut loses every byte that was not synced, which SIGKILL never does: what was acknowledged is still there."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.crash.check import faults, unfinished
from tests.crash.driver import Driver, driving

pytestmark = [pytest.mark.anyio, pytest.mark.endurance]

SOURCE = Path(__file__).with_name("powercut.c")


@asynccontextmanager
async def without_power(directory: Path, *, seed: int) -> AsyncIterator[tuple[Driver, Path]]:
    """A driver whose service writes to a disk that forgets, and the directory of what that disk remembers."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler: install gcc")
    library, shadows = directory / "powercut.so", directory / "shadows"
    compiling = ["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]
    await asyncio.to_thread(subprocess.run, compiling, check=True)
    shadows.mkdir()
    cut = {"PENSTOCK_TEST_CUT_FROM": str(directory / "data"), "PENSTOCK_TEST_CUT_TO": str(shadows)}
    async with driving(directory, seed=seed, environ={"LD_PRELOAD": str(library), **cut}) as driver:
        await driver.prepare()
        yield driver, shadows


def cut_the_power(driver: Driver, shadows: Path) -> None:
    """The database's files become what was synced of them. The index of the WAL is rebuilt from nothing."""
    for name in ("penstock.db", "penstock.db-wal", "penstock.db-shm"):
        (driver.data / name).unlink(missing_ok=True)
        if (shadows / name).exists():
            shutil.copy(shadows / name, driver.data / name)


async def test_what_was_acknowledged_survives_a_power_cut(tmp_path: Path) -> None:
    """PENSTOCK_TEST_CUTS says how many instead of 300."""
    chance = random.Random(5)
    async with without_power(tmp_path, seed=5) as (driver, shadows):
        for _ in range(int(os.environ.get("PENSTOCK_TEST_CUTS", "300"))):
            await driver.start()
            delivering = asyncio.create_task(driver.deliver(20))
            await asyncio.sleep(chance.uniform(0, 0.5))
            await driver.kill()
            await delivering
            cut_the_power(driver, shadows)
            assert faults(driver.database, driver.promised) == []
        await driver.start()
        await driver.settled()
        await driver.kill()
        assert unfinished(driver.database, driver.promised) == []
        print(f"{driver.deaths} cuts, {len(driver.promised.acknowledged)} acknowledged deliveries")


async def test_a_database_that_does_not_sync_each_commit_is_found_out(tmp_path: Path) -> None:
    async with without_power(tmp_path, seed=6) as (driver, shadows):
        driver.program = ("-c", UNSYNCED)
        await driver.start()
        await driver.deliver(10)
        await driver.kill()
        cut_the_power(driver, shadows)

        assert any(fault.startswith("lost: ") for fault in faults(driver.database, driver.promised))


# The service with synchronous=NORMAL: SQLite's own default in WAL mode for many, one fsync per checkpoint.
UNSYNCED = """
from service.store import database, inbox_sqlite
pragmas = tuple(pragma.replace("synchronous=FULL", "synchronous=NORMAL") for pragma in database.PRAGMAS)
database.PRAGMAS = inbox_sqlite.PRAGMAS = pragmas
from service.cli import main
main()
"""
