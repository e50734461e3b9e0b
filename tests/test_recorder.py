"""The one writer: what it records is there before anybody is told, and told to nobody when it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from service.bus import Bus, Topic
from service.bus.memory import MemoryBus
from service.recorder import Recorder
from service.store import log, work
from service.store.database import Database
from service.store.log import Entry

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Ringing(MemoryBus):
    """A bus that remembers which topics were rung, together."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: list[set[Topic]] = []

    def ring(self, *topics: Topic) -> None:
        self.rung.append(set(topics))
        super().ring(*topics)


@pytest.fixture
async def bus(database: Database) -> AsyncIterator[Ringing]:
    ringing = Ringing()
    yield ringing
    await ringing.close()


@pytest.fixture
def recorder(database: Database, bus: Bus) -> Recorder:
    return Recorder(database, bus, now=lambda: NOW)


async def entries(database: Database) -> list[Entry]:
    async with database.read() as connection:
        return await log.read_after(connection, 0)


async def test_a_bell_rings_only_once_the_entry_can_be_read(
    database: Database, bus: Ringing, recorder: Recorder
) -> None:
    async with recorder.record() as record:
        record.log("delivery.processed", {"text": "Müller\n"}, repository_id=1, pipeline_id=2, execution_id=3)
        before = (list(bus.rung), await entries(database))

    assert before == ([], [])
    assert bus.rung == [{Topic.LOG}]
    assert await entries(database) == [Entry("delivery.processed", NOW, '{"text":"Müller\\n"}', 1, 2, 3, cursor=1)]


async def test_every_ring_finds_what_it_rings_for(database: Database, bus: Ringing, recorder: Recorder) -> None:
    """From where a subscriber stands: it wakes, and reads at once on a connection of its own."""
    bell = bus.subscribe(Topic.LOG)
    for number in range(1, 6):
        async with recorder.record() as record:
            record.log("kind", {}, repository_id=1)

        assert await bell.wait(0)
        assert len(await entries(database)) == number


async def test_an_exception_writes_nothing_and_rings_nobody(
    database: Database, bus: Ringing, recorder: Recorder
) -> None:
    async def fail() -> None:
        async with recorder.record() as record:
            record.log("delivery.processed", {}, repository_id=1)
            await record.work("deadline", "1", {})
            record.ring(Topic.INBOX)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with database.write() as connection:
        assert await work.lease(connection, ["deadline"], now=NOW, seconds=60) is None
    assert (await entries(database), bus.rung) == ([], [])


async def test_several_entries_of_one_record_are_numbered_in_their_order(
    database: Database, recorder: Recorder
) -> None:
    async with recorder.record() as record:
        for kind in ("first", "second", "third"):
            record.log(kind, {}, repository_id=1)

    assert [(entry.cursor, entry.kind) for entry in await entries(database)] == [
        (1, "first"),
        (2, "second"),
        (3, "third"),
    ]


async def test_work_is_there_when_its_bell_rings(database: Database, bus: Ringing, recorder: Recorder) -> None:
    async with recorder.record() as record:
        await record.work("deadline", "1", {"execution_id": 1})

    async with database.write() as connection:
        piece = await work.lease(connection, ["deadline"], now=NOW, seconds=60)
    assert piece is not None
    assert (piece.key, piece.payload) == ("1", {"execution_id": 1})
    assert bus.rung == [{Topic.WORK}]


async def test_changed_rights_are_an_entry_that_is_about_no_repository(
    database: Database, bus: Ringing, recorder: Recorder
) -> None:
    async with recorder.record() as record:
        record.rights_changed()

    assert await entries(database) == [Entry("rights.changed", NOW, "{}", cursor=1)]
    assert bus.rung == [{Topic.LOG}]


async def test_all_that_is_new_is_rung_for_at_once(bus: Ringing, recorder: Recorder) -> None:
    async with recorder.record() as record:
        record.ring(Topic.INBOX)
        await record.work("deadline", "1", {})
        record.log("kind", {}, repository_id=1)

    assert bus.rung == [{Topic.INBOX, Topic.WORK, Topic.LOG}]
