"""The feed: what is committed reaches every subscriber that may see it, once, in the order of commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import bus as buses
from service.bus import Bus, Topic
from service.feed import Audience, Batch, Feed
from service.feed.frames import Frame, encode, frame_of
from service.feed.ring import Ring
from service.recorder import Recorder
from service.store import log
from service.store.database import Database
from service.store.log import Entry

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EVERYTHING = Audience(repositories=None)


class Reader:
    """A subscriber that remembers what it got."""

    def __init__(self) -> None:
        self.got = ""
        self.recalls = 0
        self._news = asyncio.Event()

    def deliver(self, batch: Batch) -> None:
        assert batch.body
        self.got += batch.body.decode()
        self._news.set()

    def recall(self) -> None:
        self.recalls += 1

    @property
    def cursors(self) -> list[int]:
        return [int(line[4:]) for line in self.got.splitlines() if line.startswith("id: ")]

    async def has(self, cursor: int) -> None:
        async with asyncio.timeout(10):
            while cursor not in self.cursors:
                self._news.clear()
                await self._news.wait()


on_postgresql = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.external_service)], indirect=True
)


@pytest.fixture
async def bus(database_url: str) -> AsyncIterator[Bus]:
    bus = await buses.connect("memory:" if database_url.startswith("sqlite") else "postgresql:", database_url)
    yield bus
    await bus.close()


@asynccontextmanager
async def feeding(database: Database, bus: Bus) -> AsyncIterator[Feed]:
    feed = Feed(database, bus)
    await feed.start()
    yield feed
    await feed.stop()


@pytest.fixture
async def feed(database: Database, bus: Bus) -> AsyncIterator[Feed]:
    async with feeding(database, bus) as feed:
        yield feed


@pytest.fixture
def recorder(database: Database, bus: Bus) -> Recorder:
    return Recorder(database, bus, now=lambda: NOW)


async def write(recorder: Recorder, *places: tuple[int | None, int | None], kind: str = "execution.created") -> None:
    """One transaction with an entry for each (repository, pipeline)."""
    async with recorder.record() as record:
        for repository_id, pipeline_id in places:
            record.log(kind, {"pipeline_id": pipeline_id}, repository_id=repository_id, pipeline_id=pipeline_id)


async def test_an_entry_reaches_a_subscriber_as_one_event(feed: Feed, recorder: Recorder) -> None:
    reader = Reader()
    feed.join(reader, EVERYTHING)

    await write(recorder, (1, 7))

    await reader.has(1)
    assert reader.got == 'id: 1\nevent: execution.created\ndata: {"pipeline_id":7}\n\n'


async def test_equal_audiences_get_the_very_same_bytes(feed: Feed, recorder: Recorder) -> None:
    batches: list[Batch] = []

    class Collector(Reader):
        def deliver(self, batch: Batch) -> None:
            super().deliver(batch)
            batches.append(batch)

    first, second = Collector(), Collector()
    feed.join(first, Audience(frozenset({1, 2})))
    feed.join(second, Audience(frozenset({2, 1})))

    await write(recorder, (1, 7))

    await second.has(1)
    assert batches[0] is batches[1]


@pytest.mark.parametrize(
    ("audience", "seen"),
    [
        (Audience(None), [1, 2, 3, 4, 5]),
        (Audience(frozenset({1})), [1, 2]),
        (Audience(frozenset({1, 2})), [1, 2, 3]),
        (Audience(frozenset()), []),
        (Audience(None, 7), [1, 5]),
        (Audience(frozenset({1}), 7), [1]),
        (Audience(frozenset({1}), 9), []),
        (Audience(frozenset({3}), 7), []),
    ],
)
async def test_an_audience_sees_its_repositories_and_of_them_its_pipeline(
    feed: Feed, recorder: Recorder, audience: Audience, seen: list[int]
) -> None:
    reader, witness = Reader(), Reader()
    feed.join(reader, audience)
    feed.join(witness, EVERYTHING)

    await write(recorder, (1, 7), (1, 8), (2, 9), (None, None), (None, 7))

    await witness.has(5)
    assert reader.cursors == seen


async def test_a_subscriber_that_left_gets_nothing_and_the_others_do(feed: Feed, recorder: Recorder) -> None:
    gone, kept = Reader(), Reader()
    for reader in (gone, kept):
        feed.join(reader, EVERYTHING)
    feed.leave(gone, EVERYTHING)
    feed.leave(gone, EVERYTHING)

    await write(recorder, (1, 7))

    await kept.has(1)
    assert gone.cursors == []


async def test_a_change_of_rights_is_told_nobody_and_recalls_everybody_before_what_follows(
    feed: Feed, recorder: Recorder
) -> None:
    reader = Reader()
    feed.join(reader, EVERYTHING)

    async with recorder.record() as record:
        record.log("execution.created", {}, repository_id=1)
        record.rights_changed()
        record.log("execution.created", {}, repository_id=1)

    await feed.reach(3)
    assert (reader.cursors, reader.recalls, feed.rights) == ([1], 1, 2)
    assert [frame.cursor for frame in await feed.after(1) if frame.body] == [3]


async def test_a_lost_ring_costs_time_and_no_entry(
    database: Database, bus: Bus, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader()
    feed.join(reader, EVERYTHING)

    async with database.write() as connection:
        await log.append(connection, [Entry("execution.created", NOW, "{}", 1, 7)])  # nobody rings

    await reader.has(1)


async def test_a_burst_longer_than_a_page_arrives_whole_and_in_order(feed: Feed, recorder: Recorder) -> None:
    reader = Reader()
    feed.join(reader, EVERYTHING)

    await write(recorder, *[(1, 7)] * 1234)

    await reader.has(1234)
    assert reader.cursors == list(range(1, 1235))


async def test_a_feed_that_starts_later_begins_at_the_newest_entry_and_remembers_the_ones_before(
    database: Database, bus: Bus, recorder: Recorder
) -> None:
    await write(recorder, *[(1, 7)] * 3)

    async with feeding(database, bus) as feed:
        assert (feed.cursor, feed.remembers(0)) == (3, True)
        assert [frame.cursor for frame in await feed.after(1)] == [2, 3]


async def test_what_memory_has_lost_comes_from_the_database(
    feed: Feed, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed._ring._most_frames = 2
    await write(recorder, *[(1, 7)] * 5)
    await feed.reach(5)

    pages = {cursor: [frame.cursor for frame in await feed.after(cursor)] for cursor in range(6)}

    assert (feed.remembers(2), feed.remembers(3)) == (False, True)
    assert pages == {cursor: list(range(cursor + 1, 6)) for cursor in range(6)}


async def test_a_page_after_a_pruned_cursor_begins_with_what_is_kept(
    database: Database, bus: Bus, recorder: Recorder
) -> None:
    await write(recorder, *[(1, 7)] * 5)
    later = Recorder(database, bus, now=lambda: NOW + timedelta(days=1))
    await write(later, (1, 7))
    async with database.write() as connection:
        await log.prune(connection, NOW + timedelta(hours=1))

    async with feeding(database, bus) as feed:
        assert (await feed.bounds(), feed.remembers(4)) == ((5, 6), False)
        assert [frame.cursor for frame in await feed.after(2)] == [6]


async def test_a_database_that_cannot_be_read_for_a_while_stops_nothing(
    feed: Feed, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader()
    feed.join(reader, EVERYTHING)
    honest, failures = log.read_after, iter([OSError("the connection was refused")])

    async def fail_once(*arguments: object, **more: object) -> list[Entry]:
        for error in failures:
            raise error
        return await honest(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(log, "read_after", fail_once)
    await write(recorder, (1, 7))

    await reader.has(1)
    assert reader.cursors == [1]


async def test_no_entry_is_missed_or_repeated_while_many_write_at_once(feed: Feed, recorder: Recorder) -> None:
    reader = Reader()
    feed.join(reader, EVERYTHING)

    async def keep_writing(lines: int) -> None:
        for _ in range(15):
            await write(recorder, *[(1, 7)] * lines)

    await asyncio.gather(*[keep_writing(lines) for lines in (1, 1, 2, 3)])

    await reader.has(15 * 7)
    assert reader.cursors == list(range(1, 15 * 7 + 1))


@on_postgresql
async def test_the_order_of_cursors_is_the_order_of_commits(database: Database, bus: Bus, feed: Feed) -> None:
    """A slow transaction began first and commits last: nobody has read past its entry."""
    reader = Reader()
    feed.join(reader, EVERYTHING)
    numbered, may_commit = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.write() as connection:
            await log.append(connection, [Entry("slow", NOW, "{}", 1, 7)])
            numbered.set()
            await may_commit.wait()

    async def fast() -> None:
        await numbered.wait()
        async with database.write() as connection:
            await log.append(connection, [Entry("fast", NOW, "{}", 1, 7)])

    both = asyncio.gather(slow(), fast())
    await numbered.wait()
    bus.ring(Topic.LOG)
    await asyncio.sleep(0.2)
    seen_meanwhile = list(reader.cursors)
    may_commit.set()
    await both
    bus.ring(Topic.LOG)

    await reader.has(2)
    assert (seen_meanwhile, reader.cursors) == ([], [1, 2])
    assert reader.got.index("slow") < reader.got.index("fast")


@on_postgresql
async def test_what_one_process_records_reaches_the_feed_of_another(
    database_url: str, feed: Feed, recorder: Recorder
) -> None:
    here, there = Reader(), Reader()
    feed.join(here, EVERYTHING)
    async with AsyncExitStack() as stack:
        database = Database(database_url)
        stack.push_async_callback(database.close)
        bus = await buses.connect("postgresql:", database_url)
        stack.push_async_callback(bus.close)
        other = await stack.enter_async_context(feeding(database, bus))
        other.join(there, EVERYTHING)

        await asyncio.gather(*[write(one, (1, 7)) for one in (recorder, Recorder(database, bus)) for _ in range(20)])

        await here.has(40)
        await there.has(40)
    assert (here.cursors, there.cursors) == (list(range(1, 41)), list(range(1, 41)))


def frame(cursor: int, size: int = 10) -> Frame:
    return Frame(cursor, b"x" * size, 1, 7, False)


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 12), st.integers(1, 200), st.integers(1, 8))
def test_the_ring_has_all_after_its_floor_within_its_bounds(
    sizes: list[int], most_frames: int, most_bytes: int, limit: int
) -> None:
    ring = Ring(100, most_frames=most_frames, most_bytes=most_bytes)
    frames = [frame(101 + place, size) for place, size in enumerate(sizes)]
    ring.extend(frames)

    kept = [frame for frame in frames if frame.cursor > ring.floor]

    assert len(kept) <= most_frames
    assert sum(len(frame.body) for frame in kept) <= most_bytes
    for cursor in range(99, 101 + len(sizes)):
        newer = [frame for frame in frames if frame.cursor > cursor][:limit]
        assert ring.after(cursor, limit) == (newer if cursor >= ring.floor else None)


@given(st.text(), st.text())
def test_nothing_in_a_payload_or_a_name_can_end_an_event_early(event: str, payload: str) -> None:
    lines = encode(event, payload, cursor=5).decode().split("\n")

    assert "\r" not in "".join(lines)
    assert lines[:2] == ["id: 5", "event: " + event.replace("\r", "").replace("\n", "")]
    assert lines[-2:] == ["", ""]
    assert all(line.startswith("data: ") for line in lines[2:-2])


def test_a_chunk_is_its_length_in_hex_and_the_bytes() -> None:
    assert Batch(b"a" * 26).chunk == b"1a\r\n" + b"a" * 26 + b"\r\n"


@pytest.mark.parametrize(("kind", "changes"), [("rights.changed", True), ("execution.created", False)])
def test_entries_about_rights_have_no_bytes_for_anybody(kind: str, changes: bool) -> None:
    made = frame_of(Entry(kind, NOW, "{}", 1, 7, None, 5))

    assert (made.changes_rights, made.body == b"") == (changes, changes)
