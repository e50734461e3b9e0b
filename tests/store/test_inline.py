"""SQLite's writer, whose calls change threads only where they may wait."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from service.store.database import Database

pytestmark = pytest.mark.anyio


async def test_within_a_transaction_statements_run_where_they_are_asked_for(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}")
    threads = []
    async with database.write() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.create_function("where_am_i", 0, lambda: threads.append(threading.current_thread()))
        await connection.execute(text("SELECT where_am_i()"))
    await database.close()

    assert threads == [threading.current_thread()]


async def test_whoever_is_cancelled_in_the_middle_leaves_a_writer_that_works(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}")
    chance = random.Random(7)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE pairs (number INTEGER)"))

    async def write(number: int) -> None:
        async with database.write() as connection:
            for _ in range(2):
                await connection.execute(text("INSERT INTO pairs VALUES (:number)"), {"number": number})
                await asyncio.sleep(0)

    for number in range(300):
        task = asyncio.create_task(write(number))
        await asyncio.sleep(chance.random() * 0.002)
        task.cancel()
        await asyncio.wait([task])
    await write(1000)

    async with database.read() as connection:
        halves = (await connection.execute(text("SELECT number FROM pairs GROUP BY number HAVING count(*) <> 2"))).all()
        last = (await connection.execute(text("SELECT count(*) FROM pairs WHERE number = 1000"))).scalar()
        whole = (await connection.execute(text("PRAGMA integrity_check"))).scalar()
    await database.close()
    assert (halves, last, whole) == ([], 2, "ok")
