"""Stored deliveries: each is processed by one, later where it could not be, and once more when a person asks."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from service.store import accounts, deliveries, inbox_postgresql, inbox_sqlite
from service.store.database import Database
from service.store.inbox import Arrival
from tests.store.making import ADMIN, NOW, arrival, grant, person, repository

pytestmark = pytest.mark.anyio

VERDICT = {"ref": "main", "verdict": "opened", "reason": "why", "execution_id": 7}


async def store(database: Database, *given: Arrival) -> list[str]:
    commit = (inbox_sqlite if database.embedded else inbox_postgresql).connect(database)
    stored = await commit(lambda: given)
    commit.close()
    return [number for _, number in stored]


async def settle(database: Database, number: str, status: str = "processed", flags: Sequence[str] = ()) -> None:
    async with database.write() as connection:
        await deliveries.settle(connection, number, status=status, now=NOW, verdicts=[VERDICT], flags=flags)


async def look(database: Database, number: str) -> deliveries.Delivery:
    async with database.read() as connection:
        found = await deliveries.seen_by(connection, ADMIN, number)
    assert found is not None
    return found


def later(number: int) -> Any:
    return NOW + timedelta(seconds=number)


async def test_the_next_delivery_is_the_one_that_has_waited_longest(database: Database) -> None:
    given = [arrival(request_uuid=f"{n}", received_at=later(n)) for n in (2, 1, 30)]
    second, first, _ = await store(database, *given)

    async with database.write() as connection:
        found = await deliveries.next_due(connection, later(10))
    assert found is not None
    assert (found.id, found.body) == (first, zlib.decompress(given[1].packed))

    await settle(database, first)
    async with database.write() as connection:
        found = await deliveries.next_due(connection, later(10))
    assert found is not None
    assert found.id == second


async def test_what_is_settled_is_due_no_more_and_tells_its_verdicts(database: Database) -> None:
    [number] = await store(database, arrival())

    await settle(database, number, flags=["request_uuid_reused"])

    found = await look(database, number)
    assert (found.status, found.processed_at, found.verdicts, found.flags) == (
        "processed",
        NOW,
        [VERDICT],
        ["request_uuid_reused"],
    )
    async with database.write() as connection:
        assert await deliveries.next_due(connection, later(10**6)) is None


@pytest.mark.parametrize(("status", "due"), [("failed", True), ("dead", False)])
async def test_what_failed_is_due_again_at_its_time_and_what_is_dead_is_not(
    database: Database, status: str, due: bool
) -> None:
    [number] = await store(database, arrival())

    async with database.write() as connection:
        await deliveries.try_again(connection, number, status=status, tries=1, due_at=later(5), verdicts=[])

    async with database.write() as connection:
        assert await deliveries.next_due(connection, later(4)) is None
        assert (await deliveries.next_due(connection, later(5)) is not None) is due


async def test_a_replayed_delivery_is_new_again(database: Database) -> None:
    [number] = await store(database, arrival())
    await settle(database, number, "dead")

    async with database.write() as connection:
        assert await deliveries.replay(connection, number, later(9))
        found = await deliveries.next_due(connection, later(9))

    assert found is not None
    assert (found.status, found.tries, found.processed_at) == ("accepted", 0, None)


async def test_bodies_go_when_they_are_old_and_settled_a_few_at_a_time(database: Database) -> None:
    numbers = await store(database, *[arrival(request_uuid=f"{n}", received_at=later(n)) for n in (1, 2, 3, 4, 50)])
    for number in (*numbers[:3], numbers[4]):
        await settle(database, number)

    gone = []
    for _ in range(3):
        async with database.write() as connection:
            gone.append(await deliveries.drop_bodies(connection, later(10), limit=2))

    assert gone == [2, 1, 0]
    assert [(await look(database, number)).body is not None for number in numbers] == [False] * 3 + [True] * 2
    async with database.write() as connection:
        assert not await deliveries.replay(connection, numbers[0], later(9))


@pytest.mark.parametrize(
    ("second", "reused"),
    [
        (arrival(b"{}"), True),
        (arrival(b"{}", hook_id="another"), False),
        (arrival(b"{}", request_uuid="two"), False),
    ],
)
async def test_a_uuid_that_came_with_another_body_before_is_known(
    database: Database, second: Arrival, reused: bool
) -> None:
    [first] = await store(database, arrival())
    await asyncio.sleep(0.002)  # ids are in the order of milliseconds
    [number] = await store(database, second)

    found = {}
    for _ in range(2):
        async with database.write() as connection:
            due = await deliveries.next_due(connection, later(60))
        assert due is not None
        found[due.id] = due.uuid_reused
        await settle(database, due.id)

    assert found == {first: False, number: reused}


async def test_deliveries_without_a_uuid_share_none(database: Database) -> None:
    await store(database, arrival(request_uuid=""), arrival(b"{}", request_uuid=""))

    for _ in range(2):
        async with database.write() as connection:
            due = await deliveries.next_due(connection, later(60))
        assert due is not None
        assert not due.uuid_reused
        await settle(database, due.id)


async def test_lists_are_newest_first_filtered_and_hold_what_the_viewer_may_see(database: Database) -> None:
    async with database.write() as connection:
        bob = await person(connection, "bob")
        shop, till = await repository(connection, "shop"), await repository(connection, "till")
        await grant(connection, shop.id, bob.user_id, "viewer")
    kinds = (("repo:push", shop.id), ("repo:updated", shop.id), ("repo:push", till.id))
    ids = [
        (await store(database, arrival(request_uuid=f"{n}", event_key=key, repository_id=number)))[0]
        for n, (key, number) in enumerate(kinds)
    ]
    await settle(database, ids[0])

    async def page(viewer: accounts.Viewer, before: str | None = None, limit: int = 9, **filters: Any) -> list[int]:
        async with database.read() as connection:
            found = await deliveries.page(connection, viewer, before=before, limit=limit, **filters)
        return sorted(ids.index(delivery.id) for delivery in found)

    assert await page(ADMIN) == [0, 1, 2]
    assert await page(bob) == [0, 1]
    assert await page(ADMIN, event_key="repo:push") == [0, 2]
    assert await page(ADMIN, status="processed") == [0]
    assert await page(ADMIN, repository_id=till.id) == [2]
    newest = sorted(ids)[-1]
    assert await page(ADMIN, before=newest) == sorted(ids.index(number) for number in ids if number != newest)
    assert await page(ADMIN, limit=1) == [ids.index(newest)]
    async with database.read() as connection:
        assert await deliveries.seen_by(connection, bob, ids[2]) is None


@pytest.mark.external_service
async def test_a_delivery_that_one_worker_has_is_passed_by_the_others(postgresql: str) -> None:
    database = Database(postgresql)
    await store(database, *[arrival(request_uuid=f"{n}", received_at=later(n)) for n in range(3)])

    async with database.write() as one, database.write() as two, database.write() as three:
        found = [await deliveries.next_due(connection, later(9)) for connection in (one, two, three)]
        async with database.write() as four:
            assert await deliveries.next_due(four, later(9)) is None

    assert [delivery.request_uuid if delivery else None for delivery in found] == ["0", "1", "2"]
    await database.close()
