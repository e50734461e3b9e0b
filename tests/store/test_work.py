"""Work: leased by one at a time, taken over when a lease runs out, and never lost."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.store import work
from service.store.database import Database
from service.store.tables import work as rows
from service.store.work import Work
from tests.store.making import NOW

pytestmark = pytest.mark.anyio

KINDS = ["deadline"]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def add(database: Database, key: str = "1", due_at: datetime = NOW, payload: Any = None) -> None:
    async with database.write() as connection:
        await work.add(connection, kind="deadline", key=key, payload=payload or {"n": key}, due_at=due_at, now=NOW)


async def lease(database: Database, now: datetime = NOW, kinds: list[str] = KINDS) -> Work | None:
    async with database.write() as connection:
        return await work.lease(connection, kinds, now=now, seconds=60)


async def taken(database: Database, now: datetime = NOW) -> Work:
    piece = await lease(database, now)
    assert piece is not None
    return piece


async def row(database: Database, key: str = "1") -> Any:
    async with database.read() as connection:
        return (await connection.execute(select(rows).where(rows.c.key == key))).one()


async def test_a_piece_is_given_to_one_and_with_all_that_was_written(database: Database) -> None:
    await add(database, payload={"execution_id": 7, "why": ["ü"]})

    piece = await taken(database)

    assert (piece.kind, piece.key, piece.payload, piece.tries) == (
        "deadline",
        "1",
        {"execution_id": 7, "why": ["ü"]},
        1,
    )
    assert await lease(database) is None


async def test_pieces_come_in_the_order_in_which_they_are_due(database: Database) -> None:
    for key, seconds in (("late", 3), ("early", 1), ("not yet", 30), ("middle", 2)):
        await add(database, key, after(seconds))

    leased = [await lease(database, after(10)) for _ in range(4)]

    assert [piece.key if piece else None for piece in leased] == ["early", "middle", "late", None]


async def test_only_the_kinds_that_a_worker_does_are_given_to_it(database: Database) -> None:
    await add(database)

    assert await lease(database, kinds=["notify"]) is None
    assert await lease(database, kinds=["notify", "deadline"]) is not None


async def test_what_is_done_is_given_to_nobody_any_more(database: Database) -> None:
    await add(database)
    piece = await taken(database)

    async with database.write() as connection:
        assert await work.finish(connection, piece)

    assert await lease(database, after(1000)) is None
    assert ((await row(database)).status, (await row(database)).claim) == ("done", None)


async def test_a_lease_that_ran_out_is_taken_over_and_the_late_finisher_is_refused(database: Database) -> None:
    await add(database)
    slow = await taken(database)
    other = await taken(database, after(61))

    async with database.write() as connection:
        refused = [
            await work.finish(connection, slow),
            await work.postpone(connection, slow, due_at=after(5)),
            await work.bury(connection, slow, "late"),
        ]
        accepted = await work.finish(connection, other)

    assert (refused, accepted, other.tries) == ([False] * 3, True, 2)
    assert (await row(database)).status == "done"


async def test_a_piece_may_be_finished_once(database: Database) -> None:
    await add(database)
    piece = await taken(database)

    async with database.write() as connection:
        assert [await work.finish(connection, piece) for _ in range(2)] == [True, False]


async def test_what_is_postponed_comes_again_at_its_time_and_remembers_its_tries(database: Database) -> None:
    await add(database)
    piece = await taken(database)

    async with database.write() as connection:
        await work.postpone(connection, piece, due_at=after(10), error="no route", tries=piece.tries)

    assert await lease(database, after(9)) is None
    assert ((await row(database)).error, (await taken(database, after(10))).tries) == ("no route", 2)


async def test_what_is_buried_lies_there_with_its_error(database: Database) -> None:
    await add(database)

    async with database.write() as connection:
        await work.bury(connection, await _leased(connection), "twelve tries failed")

    assert await lease(database, after(10**6)) is None
    assert ((await row(database)).status, (await row(database)).error) == ("dead", "twelve tries failed")


async def _leased(connection: Any) -> Work:
    piece = await work.lease(connection, KINDS, now=NOW, seconds=60)
    assert piece is not None
    return piece


@pytest.mark.parametrize("end", ["done", "dead"])
async def test_a_piece_that_ended_is_woken_when_it_is_added_again(database: Database, end: str) -> None:
    await add(database)
    async with database.write() as connection:
        piece = await _leased(connection)
        await (work.finish(connection, piece) if end == "done" else work.bury(connection, piece, "why"))

    await add(database, due_at=after(5), payload={"n": "again"})

    again = await taken(database, after(5))
    assert (again.id, again.payload, again.tries) == (piece.id, {"n": "again"}, 1)
    assert (await row(database)).error is None


async def test_one_that_waits_is_not_written_twice_and_keeps_the_earlier_time(database: Database) -> None:
    await add(database, due_at=after(5))
    await add(database, due_at=after(50))
    await add(database, due_at=after(3))

    assert await lease(database, after(2)) is None
    await taken(database, after(3))
    assert await lease(database, after(59)) is None


async def test_what_is_added_again_while_it_is_being_done_is_done_once_more(database: Database) -> None:
    await add(database)
    piece = await taken(database)

    await add(database, payload={"n": "news"})
    async with database.write() as connection:
        assert await work.finish(connection, piece)

    again = await taken(database)
    assert again.payload == {"n": "news"}
    async with database.write() as connection:
        assert await work.finish(connection, again)
    assert await lease(database, after(1000)) is None


@pytest.mark.external_service
async def test_what_is_added_for_later_while_it_is_being_done_is_due_then_and_not_before(database: Database) -> None:
    await add(database)
    piece = await taken(database)
    await add(database, due_at=after(5))
    async with database.write() as connection:
        assert await work.finish(connection, piece)

    assert await lease(database, after(4)) is None
    assert await lease(database, after(5)) is not None


async def test_many_workers_share_the_work_and_none_waits_for_another(postgresql: str) -> None:
    database = Database(postgresql)
    for number in range(40):
        await add(database, str(number))

    async def take_all() -> list[str]:
        mine = []
        while (piece := await lease(database)) is not None:
            mine.append(piece.key)
        return mine

    shares = await asyncio.gather(*[take_all() for _ in range(6)])

    assert sorted(int(key) for share in shares for key in share) == list(range(40))
    await database.close()


@pytest.mark.external_service
async def test_a_piece_that_another_transaction_is_leasing_is_passed_by(postgresql: str) -> None:
    database = Database(postgresql)
    await add(database, "first")
    await add(database, "second", after(1))

    async with database.write() as connection:
        first = await _leased(connection)
        second = await taken(database, after(1))

    assert (first.key, second.key) == ("first", "second")
    await database.close()
