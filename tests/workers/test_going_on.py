"""A worker ends when it is cancelled and for no other reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from service.bus import Topic
from service.bus.memory import MemoryBus
from service.store import outbox
from service.store.database import Database, away
from service.workers import rounds
from service.workers.retention import Retention
from service.workers.rounds import keep_going
from tests.carrying import Carrier, carrying
from tests.living import Living, push

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def going(bus: MemoryBus, *outcomes: bool | Exception) -> AsyncIterator[asyncio.Queue[int]]:
    """Rounds that end as told, one after the other; each says that it has begun."""
    begun: asyncio.Queue[int] = asyncio.Queue()
    left: Iterator[tuple[int, bool | Exception]] = enumerate(outcomes)

    async def step() -> bool:
        number, outcome = next(left, (-1, False))
        begun.put_nowait(number)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    task = asyncio.create_task(keep_going(bus, Topic.WORK, step))
    yield begun
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_rounds_follow_at_once_while_there_is_something_left() -> None:
    async with going(MemoryBus(), True, True, False) as begun:
        assert [await begun.get() for _ in range(3)] == [0, 1, 2]


async def test_a_ring_begins_the_next_round() -> None:
    bus = MemoryBus()
    async with going(bus, False, False) as begun:
        await begun.get()
        bus.ring(Topic.WORK)

        assert await begun.get() == 1


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("a fault of ours"), OSError("no route"), OperationalError("SELECT 1", {}, Exception())]
)
async def test_whatever_a_round_raises_there_is_a_next_one(
    error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "BACKSTOP", 0.01)
    async with going(MemoryBus(), error, error, False) as begun:
        assert [await begun.get() for _ in range(3)] == [0, 1, 2]

    assert [record.message for record in caplog.records] == ["worker.waits"] * 2
    assert bool(caplog.records[0].exc_info) is isinstance(error, ZeroDivisionError)


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (OperationalError("SELECT 1", {}, Exception()), True),
        (DBAPIError("SELECT 1", {}, Exception(), connection_invalidated=True), True),
        (DBAPIError("SELECT 1", {}, Exception()), False),
        (IntegrityError("INSERT", {}, Exception()), False),
        (OSError("a handler's own"), False),
        (ValueError("a handler's own"), False),
    ],
)
def test_only_what_says_that_the_database_is_gone_costs_a_delivery_no_try(error: Exception, is_away: bool) -> None:
    assert away(error) is is_away


@pytest.mark.external_service
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_database_that_cuts_every_connection_stops_no_worker(
    penstock_on_each: Living, postgresql_url: str
) -> None:
    cutter = create_async_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    for number in range(3):
        answer = await penstock_on_each.deliver("repo:push", push("main", str(number) * 40))
        async with cutter.connect() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        assert answer.status_code == 202
    await cutter.dispose()

    await penstock_on_each.assert_alive()
    assert penstock_on_each.house.workers_alive()
    assert len(await penstock_on_each.executions()) == 3


@pytest.fixture
async def carrier(database: Database) -> AsyncIterator[Carrier]:
    async with carrying(database) as carrier:
        yield carrier


async def test_what_is_old_goes_and_the_history_stays(carrier: Carrier) -> None:
    retention = Retention(carrier.recorder, entries_days=90, bodies_days=30)
    old = await carrier.deliver("repo:push", push("main", "a" * 40))
    carrier.now += timedelta(days=31)
    [opened] = await carrier.carry("repo:push", push("main", "b" * 40))
    assert opened["verdict"] == "opened"

    assert [await retention.prune() for _ in range(2)] == [True, False]
    assert (await carrier.processed(old.id)).body is None
    assert await carrier.logged() == ["execution.created"] * 2

    carrier.now += timedelta(days=60)
    await retention.prune()
    assert await carrier.logged() == ["execution.created"] * 2  # nobody has been told of it yet
    async with carrier.recorder.record() as record:
        await outbox.move(record.connection, 2, now=carrier.now)
    assert [await retention.prune() for _ in range(2)] == [True, False]
    assert await carrier.logged() == ["execution.created"]
    assert len(await carrier.executions()) == 2
