"""The event log: its cursors are in the order of commits, and what is pruned is known to be."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.store import log
from service.store.database import Database
from service.store.log import Entry
from service.store.tables import entries
from tests.store.making import NOW

pytestmark = pytest.mark.anyio


def entry(kind: str = "delivery.processed", days: int = 0) -> Entry:
    return Entry(kind, NOW + timedelta(days=days), '{"a":1}', 1, 2, 3)


async def write(database: Database, *lines: Entry) -> int:
    async with database.write() as connection:
        return await log.append(connection, lines)


async def kinds_after(database: Database, cursor: int, limit: int = 1000) -> list[tuple[int, str]]:
    async with database.read() as connection:
        return [(line.cursor, line.kind) for line in await log.read_after(connection, cursor, limit=limit)]


async def test_a_new_log_has_issued_nothing_and_dropped_nothing(database: Database) -> None:
    async with database.read() as connection:
        assert await log.bounds(connection) == (0, 0)
        assert await log.read_after(connection, 0) == []


async def test_entries_are_numbered_one_after_the_other_and_come_back_whole(database: Database) -> None:
    last = [await write(database, entry("a"), entry("b")), await write(database, entry("c"))]

    async with database.read() as connection:
        first = (await log.read_after(connection, 0))[0]
    assert last == [2, 3]
    assert first == Entry("a", NOW, '{"a":1}', 1, 2, 3, cursor=1)
    assert await kinds_after(database, 0) == [(1, "a"), (2, "b"), (3, "c")]


async def test_a_reader_gets_what_is_after_its_cursor_and_no_more_than_it_asked_for(database: Database) -> None:
    await write(database, *[entry(str(n)) for n in range(1, 10)])

    assert await kinds_after(database, 3, limit=2) == [(4, "4"), (5, "5")]
    assert await kinds_after(database, 9) == []
    assert await kinds_after(database, 2**62) == []


async def test_what_is_undone_leaves_no_gap(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await log.append(connection, [entry("undone")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await write(database, entry("kept")) == 1


@pytest.mark.external_service
async def test_of_two_slow_transactions_the_cursors_are_in_the_order_of_commits(postgresql: str) -> None:
    async with AsyncExitStack() as stack:
        databases = [Database(postgresql) for _ in range(2)]
        for database in databases:
            stack.push_async_callback(database.close)
        numbered, may_commit = asyncio.Event(), asyncio.Event()

        async def slow() -> int:
            async with databases[0].write() as connection:
                cursor = await log.append(connection, [entry("slow")])
                numbered.set()
                await may_commit.wait()
                return cursor

        first = asyncio.create_task(slow())
        await numbered.wait()
        second = asyncio.create_task(write(databases[1], entry("fast")))
        done, _ = await asyncio.wait([second], timeout=0.2)
        seen_meanwhile = await kinds_after(databases[1], 0)
        may_commit.set()

        assert (done, seen_meanwhile) == (set(), [])
        assert (await first, await second) == (1, 2)
        assert await kinds_after(databases[1], 0) == [(1, "slow"), (2, "fast")]


async def test_pruning_drops_what_is_old_and_says_from_where_on_the_rest_is_kept(database: Database) -> None:
    await write(database, *[entry(str(day), day) for day in range(1, 6)])

    async with database.write() as connection:
        gone = await log.prune(connection, NOW + timedelta(days=4))

    async with database.read() as connection:
        assert (gone, await log.bounds(connection)) == (3, (3, 5))
    assert await kinds_after(database, 0) == [(4, "4"), (5, "5")]


async def test_pruning_goes_in_steps_and_ends(database: Database) -> None:
    await write(database, *[entry(str(day), day) for day in range(1, 6)])

    steps = []
    for _ in range(4):
        async with database.write() as connection:
            gone = await log.prune(connection, NOW + timedelta(days=9), limit=2)
            steps.append((gone, *await log.bounds(connection)))

    assert steps == [(2, 2, 5), (2, 4, 5), (1, 5, 5), (0, 5, 5)]
    assert await write(database, entry()) == 6


@pytest.mark.external_service
async def test_of_two_processes_that_prune_the_slower_one_does_not_move_the_bound_back(postgresql: str) -> None:
    database = Database(postgresql)
    await write(database, *[entry(str(day), day) for day in range(1, 6)])

    async def prune_two_days() -> None:
        async with database.write() as connection:
            await log.prune(connection, NOW + timedelta(days=3))

    async with database.write() as connection:
        await connection.execute(select(entries).where(entries.c.cursor == 1).with_for_update())
        slower = asyncio.create_task(prune_two_days())
        await asyncio.wait([slower], timeout=0.3)  # it has looked, and waits for the first row
        await log.prune(connection, NOW + timedelta(days=5))
    await slower

    async with database.read() as connection:
        assert await log.bounds(connection) == (4, 5)
    await database.close()
