"""The doorbell: one specification for every way to ring it."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import pytest
from redis.asyncio import Redis

from service import bus as buses
from service.bus import Bus, Topic, UnknownBus
from service.bus.remote import CHANNEL
from tests.bus.servers import need_postgres, need_redis

pytestmark = pytest.mark.anyio

# Seconds: long enough for any machine where a ring is expected; where none is, a time in which one would have come.
SOON = 10.0
AWHILE = 0.2


async def cut_postgres() -> None:
    connection = await asyncpg.connect(need_postgres().replace("+asyncpg", ""))
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~ $1",
        f"LISTEN.*{CHANNEL}|pg_notify",
    )
    await connection.close()


async def cut_redis() -> None:
    async with Redis.from_url(need_redis()) as client:
        await client.client_kill_filter(_type="pubsub")


@dataclass(frozen=True)
class Backend:
    """One kind of bus, and how to cut the lines of everybody who listens on it."""

    name: str
    url: str
    database_url: str
    cut: Callable[[], Awaitable[None]] = cut_redis


SERVED = pytest.mark.external_service


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Holds off these tests in processes beside this one: a server rings for all who listen on it."""
    with (tmp_path_factory.getbasetemp().parent / "bus.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=["memory", pytest.param("postgresql", marks=SERVED), pytest.param("redis", marks=SERVED)])
def backend(request: pytest.FixtureRequest, alone: None) -> Backend:
    if request.param == "memory":
        return Backend("memory", "memory:", "")
    if request.param == "postgresql":
        return Backend("postgresql", "postgresql:", need_postgres(), cut_postgres)
    return Backend("redis", need_redis(), "", cut_redis)


# A bus within the process has no line to cut and sends no messages.
between_processes = pytest.mark.parametrize(
    "backend", [pytest.param("postgresql", marks=SERVED), pytest.param("redis", marks=SERVED)], indirect=True
)


@pytest.fixture
async def bus(backend: Backend) -> AsyncIterator[Bus]:
    bus = await buses.connect(backend.url, backend.database_url)
    yield bus
    await bus.close()


@pytest.fixture
async def other(backend: Backend, bus: Bus) -> AsyncIterator[Bus]:
    """Another process on the same bus; a bus within the process has none but itself."""
    if backend.name == "memory":
        yield bus
        return
    other = await buses.connect(backend.url, backend.database_url)
    yield other
    await other.close()


async def quiet(bell: buses.Doorbell) -> None:
    """Until the rings of connecting have been heard."""
    while await bell.wait(AWHILE):
        pass


async def test_a_ring_wakes_who_waits(bus: Bus) -> None:
    bell = bus.subscribe(Topic.LOG)
    waiting = asyncio.create_task(bell.wait(SOON))
    await asyncio.sleep(0)

    bus.ring(Topic.LOG)

    assert await waiting


async def test_a_ring_before_the_wait_is_remembered(bus: Bus) -> None:
    bell = bus.subscribe(Topic.LOG)

    bus.ring(Topic.LOG)

    assert await bell.wait(SOON)


async def test_many_rings_before_the_wait_are_one(bus: Bus) -> None:
    bell = bus.subscribe(Topic.LOG)
    for _ in range(100):
        bus.ring(Topic.LOG)

    first = await bell.wait(SOON)

    assert (first, await bell.wait(AWHILE)) == (True, False)


async def test_a_ring_is_heard_in_another_process(bus: Bus, other: Bus) -> None:
    bell = other.subscribe(Topic.INBOX)
    await quiet(bell)

    bus.ring(Topic.INBOX, Topic.LOG)

    assert await bell.wait(SOON)


async def test_a_ring_of_another_topic_is_not_heard(bus: Bus, other: Bus) -> None:
    here, there = bus.subscribe(Topic.WORK), other.subscribe(Topic.WORK)
    await quiet(there)

    bus.ring(Topic.INBOX, Topic.LOG)

    assert [await here.wait(AWHILE), await there.wait(AWHILE)] == [False, False]


async def test_every_listener_of_a_topic_is_woken(bus: Bus) -> None:
    bells = [bus.subscribe(Topic.LOG) for _ in range(3)]

    bus.ring(Topic.LOG)

    assert [await bell.wait(SOON) for bell in bells] == [True, True, True]


async def test_a_closed_bell_is_silent_and_the_others_are_not(bus: Bus) -> None:
    closed, kept = bus.subscribe(Topic.LOG), bus.subscribe(Topic.LOG)
    closed.close()

    bus.ring(Topic.LOG)

    assert [await closed.wait(AWHILE), await kept.wait(SOON)] == [False, True]


@pytest.mark.parametrize("moments", range(12))
async def test_a_bus_closes_whatever_it_is_doing(backend: Backend, moments: int) -> None:
    bus = await buses.connect(backend.url, backend.database_url)
    bus.ring(Topic.LOG)
    for _ in range(moments):
        await asyncio.sleep(0)

    await asyncio.wait_for(bus.close(), SOON)


async def test_a_closed_bus_is_silent_and_ringing_it_does_no_harm(backend: Backend) -> None:
    bus = await buses.connect(backend.url, backend.database_url)
    bell = bus.subscribe(Topic.LOG)
    await bus.close()

    bus.ring(Topic.WORK)

    assert not await bell.wait(AWHILE)


@between_processes
async def test_after_a_cut_line_every_bell_rings_so_that_everybody_looks(backend: Backend, bus: Bus) -> None:
    bell = bus.subscribe(Topic.LOG)
    await quiet(bell)

    await backend.cut()

    assert await bell.wait(SOON)


@between_processes
async def test_a_ring_while_the_line_is_cut_is_heard_in_the_end(backend: Backend, bus: Bus, other: Bus) -> None:
    bell = other.subscribe(Topic.LOG)
    await quiet(bell)
    await backend.cut()

    bus.ring(Topic.LOG)

    assert await bell.wait(SOON)
    await quiet(bell)
    bus.ring(Topic.LOG)
    assert await bell.wait(SOON)


@between_processes
async def test_a_thousand_rings_in_a_row_are_few_messages(backend: Backend, bus: Bus, other: Bus) -> None:
    async with AsyncExitStack() as stack:
        heard = await listen_beside(backend, stack)
        bell = other.subscribe(Topic.LOG)
        await quiet(bell)

        for _ in range(1000):
            bus.ring(Topic.LOG)

        assert await bell.wait(SOON)
        await asyncio.sleep(AWHILE)
        assert len([text for text in heard if text.endswith(" log")]) <= 2


async def listen_beside(backend: Backend, stack: AsyncExitStack) -> list[str]:
    """What goes over the wire, as a bystander hears it."""
    heard: list[str] = []
    if backend.name == "postgresql":
        connection = await asyncpg.connect(backend.database_url.replace("+asyncpg", ""))
        stack.push_async_callback(connection.close)
        await connection.add_listener(CHANNEL, lambda *message: heard.append(message[3]))
        return heard
    client = await stack.enter_async_context(Redis.from_url(backend.url, decode_responses=True))
    ear = await stack.enter_async_context(client.pubsub())
    await ear.subscribe(CHANNEL)

    async def listen() -> None:
        async for message in ear.listen():
            heard.append(str(message["data"]))  # noqa: PERF401 - it never ends

    listening = asyncio.create_task(listen())
    stack.callback(listening.cancel)
    return heard


@pytest.mark.parametrize("url", ["postgresql:", "redis://127.0.0.1:1/0"])
async def test_a_server_that_does_not_answer_is_an_error_at_once(url: str) -> None:
    with pytest.raises(OSError, match="does not answer"):
        await buses.connect(url, "postgresql+asyncpg://nobody@127.0.0.1:1/none")


async def test_an_unknown_bus_is_refused_by_name() -> None:
    with pytest.raises(UnknownBus, match="kafka"):
        await buses.connect("kafka://somewhere", "")
