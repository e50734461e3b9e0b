"""The inbox's way in: one durable commit for all who wait, one row for equal deliveries."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from service.store import deliveries, inbox_postgresql, repositories
from service.store.database import Database
from service.store.inbox import LARGEST_BATCH, Arrival, Inbox, Receipt, Unavailable, new_ids
from tests.store.making import ADMIN, NOW, arrival, repository

pytestmark = pytest.mark.anyio

UUID = "{6a9d0c3e-5f5b-4c55-9d0f-2f8f0c4b7a10}"
PATIENCE = 20.0


@pytest.fixture
def rings() -> list[int]:
    return []


@pytest.fixture
async def inbox(database: Database, rings: list[int]) -> AsyncIterator[Inbox]:
    inbox = Inbox(database, lambda: rings.append(1))
    inbox.start()
    yield inbox
    await inbox.stop()


async def kept(database: Database) -> list[str]:
    async with database.read() as connection:
        return [delivery.id for delivery in await deliveries.page(connection, ADMIN, before=None, limit=1000)]


async def test_what_was_accepted_can_be_read_whole(inbox: Inbox, database: Database, rings: list[int]) -> None:
    body = '{"push": {"name": "Müller 🚀 \\u0000"}}'.encode()
    given = arrival(body, flags=("signed_with_previous_secret",), attempt=2)

    receipt, number = await inbox.put(given, timeout=PATIENCE)

    async with database.read() as connection:
        found = await deliveries.seen_by(connection, ADMIN, number)
    assert receipt is Receipt.ACCEPTED
    assert found == deliveries.Delivery(
        id=number,
        hook_id="hook",
        repository_id=1,
        request_uuid="one",
        event_key="repo:push",
        attempt=2,
        received_at=NOW,
        processed_at=None,
        status="accepted",
        tries=0,
        flags=["signed_with_previous_secret"],
        verdicts=[],
        body=body,
    )
    assert rings == [1]


async def test_ten_equal_deliveries_at_once_are_one_accepted_and_nine_duplicates(
    inbox: Inbox, database: Database
) -> None:
    answers = await asyncio.gather(*[inbox.put(arrival(), timeout=PATIENCE) for _ in range(10)])

    assert sorted(receipt for receipt, _ in answers) == ["accepted"] + ["duplicate"] * 9
    assert {number for _, number in answers} == set(await kept(database))


async def test_equal_deliveries_one_after_the_other_are_told_the_first_ones_id(inbox: Inbox) -> None:
    first = await inbox.put(arrival(), timeout=PATIENCE)

    again = await inbox.put(arrival(), timeout=PATIENCE)

    assert (first[0], again) == (Receipt.ACCEPTED, (Receipt.DUPLICATE, first[1]))


@pytest.mark.parametrize(
    "other",
    [
        arrival(b'{"push": 2}'),
        arrival(request_uuid="two"),
        arrival(hook_id="another"),
    ],
    ids=["another-body", "another-uuid", "another-hook"],
)
async def test_a_delivery_that_differs_in_anything_is_stored_too(
    inbox: Inbox, database: Database, other: Arrival
) -> None:
    answers = await asyncio.gather(*[inbox.put(given, timeout=PATIENCE) for given in (arrival(), other)])

    assert [receipt for receipt, _ in answers] == [Receipt.ACCEPTED] * 2
    assert len(await kept(database)) == 2


async def test_more_than_a_batch_is_stored_in_several_commits_and_nobody_gets_anothers_answer(
    inbox: Inbox, database: Database
) -> None:
    given = [arrival(f'{{"n": {n}}}'.encode(), request_uuid=f"{n * 7919 % 1000}") for n in range(LARGEST_BATCH + 44)]

    answers = await asyncio.gather(*[inbox.put(one, timeout=PATIENCE) for one in given])

    async with database.read() as connection:
        found = [await deliveries.seen_by(connection, ADMIN, number) for _, number in answers]
    assert {receipt for receipt, _ in answers} == {Receipt.ACCEPTED}
    assert [one.body if one else None for one in found] == [zlib.decompress(one.packed) for one in given]


async def test_a_batch_that_cannot_be_stored_is_unavailable_to_all_and_the_next_one_is_not(
    inbox: Inbox, database: Database, rings: list[int]
) -> None:
    broken = arrival(request_uuid="broken", event_key=None)

    answers = await asyncio.gather(
        inbox.put(arrival(), timeout=PATIENCE), inbox.put(broken, timeout=PATIENCE), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [Unavailable] * 2
    assert (await kept(database), rings) == ([], [])
    assert (await inbox.put(arrival(), timeout=PATIENCE))[0] is Receipt.ACCEPTED


async def test_who_waits_too_long_is_told_so_and_the_delivery_is_stored_all_the_same(database: Database) -> None:
    inbox = Inbox(database, lambda: None)  # not started: nothing is stored yet
    with pytest.raises(Unavailable):
        await inbox.put(arrival(), timeout=0.01)

    inbox.start()
    await inbox.stop()

    assert len(await kept(database)) == 1


async def test_bodies_that_wait_take_bounded_memory(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.store.inbox.MOST_WAITING_BYTES", 20)
    inbox = Inbox(database, lambda: None)
    waiting = asyncio.create_task(inbox.put(arrival(b"x" * 15), timeout=PATIENCE))
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="too many"):
        await inbox.put(arrival(b"y" * 15), timeout=PATIENCE)

    inbox.start()
    await inbox.stop()
    assert (await waiting)[0] is Receipt.ACCEPTED


async def test_stopping_stores_first_what_was_handed_over(database: Database) -> None:
    inbox = Inbox(database, lambda: None)
    inbox.start()
    waiting = [asyncio.create_task(inbox.put(arrival(request_uuid=f"{n}"), timeout=PATIENCE)) for n in range(20)]
    await asyncio.sleep(0)

    await inbox.stop()

    assert {(await task)[0] for task in waiting} == {Receipt.ACCEPTED}
    assert len(await kept(database)) == 20


async def test_the_first_delivery_teaches_the_repositorys_uuid(inbox: Inbox, database: Database) -> None:
    async with database.write() as connection:
        shop = await repository(connection)

    receipt, _ = await inbox.put(arrival(repository_id=shop.id, teaches=UUID), timeout=PATIENCE)

    async with database.read() as connection:
        assert await repositories.by_id(connection, shop.id) == replace(shop, uuid=UUID)
    assert receipt is Receipt.ACCEPTED


@pytest.mark.parametrize("known", [None, "{00000000-0000-4000-8000-000000000000}"])
async def test_a_uuid_that_cannot_be_this_repositorys_is_foreign_and_costs_the_others_nothing(
    inbox: Inbox, database: Database, known: str | None
) -> None:
    async with database.write() as connection:
        await repository(connection, "till", UUID)
        shop = await repository(connection, "shop", known)

    answers = await asyncio.gather(
        inbox.put(arrival(repository_id=shop.id, teaches=UUID), timeout=PATIENCE),
        inbox.put(arrival(request_uuid="two"), timeout=PATIENCE),
    )

    async with database.read() as connection:
        assert await repositories.by_id(connection, shop.id) == shop
    assert [answers[0], answers[1][0]] == [(Receipt.FOREIGN, ""), Receipt.ACCEPTED]
    assert len(await kept(database)) == 1


@pytest.mark.external_service
async def test_two_replicas_that_store_the_same_deliveries_never_wait_for_each_other(
    postgresql: str,
) -> None:
    async with AsyncExitStack() as stack:
        commits = []
        for _ in range(2):
            database = Database(postgresql)
            stack.push_async_callback(database.close)
            commits.append(inbox_postgresql.connect(database))
        for turn in range(10):
            batch = [arrival(request_uuid=f"{turn}.{n}") for n in range(100)]

            mine, others = await asyncio.gather(commits[0](batch.copy), commits[1](batch[::-1].copy))

            pairs = zip(mine, others[::-1], strict=True)
            assert {tuple(sorted((one[0], two[0]))) for one, two in pairs} == {("accepted", "duplicate")}


def test_ids_sort_by_the_time_of_their_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_772_357_400_000_000_000, 1_772_357_400_100_000_000, 1_000_000))
    monkeypatch.setattr("time.time_ns", lambda: next(clock))

    ids = [number for _ in range(50) for number in sorted(new_ids(2))]

    assert ids == sorted(ids)
    assert {len(number) for number in ids} == {32}
