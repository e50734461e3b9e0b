"""`GET /api/events` over real sockets: every entry that may be seen, once, whatever happens to the connection.

The names carry the rows of the project's list of attacks on streams: G2 other people's events, G3 rights taken away,
G5 line breaks, G7 too many streams, G8 who never reads, G9 forged places.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from service import bus as buses
from service.bus import Topic
from service.feed import Audience, Batch, Feed
from service.recorder import Recorder
from service.store import log, migrate
from service.store.database import Database
from service.store.log import Entry
from service.web.server import Server, make_server
from service.web.streams import EventStream
from service.web.streams.relay import RelayedWire
from service.web.streams.stream import MOST_PENDING, Pace, Stream
from service.web.streams.wire import ChunkedWire, PlainWire
from tests.schema import lay
from tests.web.listening import Event, Listening, listen

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EVERYTHING = Audience(repositories=None)

# A stream ages by a minute in half a second.
FAST = Pace(heartbeat=0.1, patience=0.4)


@dataclass
class Desk:
    """An application with the one door, and what it takes for its callers' rights."""

    database: Database
    recorder: Recorder
    feed: Feed
    streams: EventStream
    rights: dict[int, Audience | None] = field(default_factory=dict)
    expires_at: datetime | None = None
    port: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        headers = dict(scope["headers"])
        owner = int(headers.get(b"x-user", b"1"))
        pipeline_id = int(headers[b"x-pipeline"]) if b"x-pipeline" in headers else None

        async def judge() -> Audience | None:
            now = self.rights.get(owner, EVERYTHING)
            return None if now is None else Audience(now.repositories, pipeline_id)

        audience = await judge()
        assert audience is not None
        scope["extensions"] = scope.get("extensions", {}) if b"x-relayed" not in headers else {}
        await self.streams.serve(
            scope, receive, send, audience=audience, judge=judge, expires_at=self.expires_at, owner=owner
        )

    async def write(self, count: int = 1, *, repository_id: int | None = 1, pipeline_id: int | None = 7) -> None:
        """So many entries, in one transaction."""
        async with self.recorder.record() as record:
            for _ in range(count):
                record.log("execution.created", {}, repository_id=repository_id, pipeline_id=pipeline_id)

    async def change_rights(self, owner: int, audience: Audience | None) -> None:
        async with self.recorder.record() as record:
            self.rights[owner] = audience
            record.rights_changed()

    async def prune(self, cursor: int) -> None:
        """Forgets everything up to `cursor`, which must be the last entry so far."""
        assert self.feed.cursor == cursor
        async with self.database.write() as connection:
            await log.prune(connection, NOW + timedelta(seconds=1))
        self.recorder.now = lambda: NOW + timedelta(seconds=2)


@asynccontextmanager
async def opened(database_url: str, *, pace: Pace = FAST, **limits: int) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        await lay(database_url)
        database = Database(database_url)
        stack.push_async_callback(database.close)
        await migrate.upgrade(database)
        bus = await buses.connect("memory:" if database.embedded else "postgresql:", database_url)
        stack.push_async_callback(bus.close)
        feed = Feed(database, bus)
        await feed.start()
        stack.push_async_callback(feed.stop)
        streams = EventStream(feed, **{"max_streams": 100, "max_streams_per_user": 100, **limits}, pace=pace)
        desk = Desk(database, Recorder(database, bus, now=lambda: NOW), feed, streams)
        server: Server = make_server(desk, host="127.0.0.1", port=0, on_stopping=[streams.close])
        await stack.enter_async_context(server.running())
        desk.port = server.port
        yield desk


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the service runs on: its transports are not those of asyncio."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}"


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    async with opened(url) as desk:
        yield desk


# The ways to the client: chunks to the socket, bare bytes to the socket, a server that does not hand out its sockets.
ways = pytest.mark.parametrize(
    "way",
    [{}, {"version": "1.0"}, {"x_relayed": 1}],
    ids=["to the socket", "to the socket in HTTP 1.0", "through ASGI"],
)


def ids(events: list[Event]) -> list[int | None]:
    return [event.id for event in events]


async def ready(stream: Listening) -> int:
    """The cursor that the stream starts from."""
    event = await stream.next()
    assert event is not None
    assert (event.name, event.content) == ("ready", {"cursor": event.id})
    assert event.retry is not None
    return event.content["cursor"]  # type: ignore[no-any-return]


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@ways
async def test_a_stream_says_where_it_starts_and_then_what_is_new(desk: Desk, way: dict[str, Any]) -> None:
    await desk.write(2)
    async with listen(desk.port, **way) as stream:
        start = await ready(stream)
        await desk.write(2)

        assert start == 2
        assert await stream.take(2) == [Event("execution.created", "{}", 3), Event("execution.created", "{}", 4)]


async def test_the_head_forbids_storing_buffering_and_compression(desk: Desk) -> None:
    async with listen(desk.port, accept_encoding="gzip, br") as stream:
        assert stream.status == 200
        stream.headers.pop("date")
        assert stream.headers == {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            "transfer-encoding": "chunked",
        }


async def test_a_client_of_http_1_0_gets_no_chunks(desk: Desk) -> None:
    async with listen(desk.port, version="1.0") as stream:
        assert "transfer-encoding" not in stream.headers
        assert stream.headers["connection"] == "close"


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_stream_is_only_to_be_read(desk: Desk, method: str) -> None:
    async with listen(desk.port, method=method) as stream:
        assert (stream.status, stream.headers["allow"]) == (405, "get")


@ways
async def test_a_stream_cut_and_resumed_at_any_point_shows_every_entry_once(desk: Desk, way: dict[str, Any]) -> None:
    await desk.write(12)
    for cut in range(13):
        async with listen(desk.port, "/api/events?after=0", **way) as stream:
            before = await stream.take(1 + cut)
        async with listen(desk.port, last_event_id=before[-1].id, **way) as stream:
            after = await stream.take(1 + 12 - cut)

        assert ids(before[1:]) + ids(after[1:]) == list(range(1, 13))
        assert (after[0].name, after[0].id) == ("ready", cut)


async def test_streams_that_come_and_go_while_much_is_written_miss_and_repeat_nothing(desk: Desk) -> None:
    async def keep_writing() -> None:
        for _ in range(60):
            await desk.write(5)

    async def keep_coming_back(every: int) -> list[int | None]:
        seen: list[int | None] = [0]
        while seen[-1] != 300:
            async with listen(desk.port, last_event_id=seen[-1]) as stream:
                await ready(stream)
                for _ in range(every):
                    event = await stream.next()
                    assert event is not None
                    seen.append(event.id)
                    if event.id == 300:
                        break
        return seen

    _, *seen = await asyncio.gather(keep_writing(), *[keep_coming_back(every) for every in (1, 7, 40, 1000)])

    assert seen == [list(range(301))] * 4


async def test_a_stream_resumes_across_a_restart(url: str) -> None:
    async with opened(url) as desk, listen(desk.port) as stream:
        await ready(stream)
        await desk.write(3)
        seen = await stream.take(2)
    async with opened(url) as desk, listen(desk.port, last_event_id=seen[-1].id) as stream:
        assert await ready(stream) == 2
        await desk.write(1)

        assert ids(await stream.take(2)) == [3, 4]


@pytest.mark.external_service
async def test_a_stream_resumes_on_another_replica_that_has_read_less(postgresql_url: str) -> None:
    async with opened(postgresql_url) as ahead, opened(postgresql_url) as behind:
        start = ahead.feed.cursor
        async with behind.feed._reading:  # it reads nothing for now
            async with listen(ahead.port) as stream:
                await ready(stream)
                await ahead.write(3)
                seen = await stream.take(2)
            assert behind.feed.cursor == start
            async with listen(behind.port, last_event_id=seen[-1].id) as stream:
                resumed = await ready(stream)
                waiting = asyncio.create_task(stream.take(2))
                await ahead.write(1)
                await asyncio.sleep(0.05)
                assert not waiting.done()
                behind.feed._reading.release()
                try:
                    after = await waiting
                finally:
                    await behind.feed._reading.acquire()

    assert (resumed, ids(seen) + ids(after)) == (start + 2, [start + 1, start + 2, start + 3, start + 4])


async def test_last_event_id_wins_over_after(desk: Desk) -> None:
    await desk.write(5)
    async with listen(desk.port, "/api/events?after=1", last_event_id=3) as stream:
        assert await ready(stream) == 3
        assert ids(await stream.take(2)) == [4, 5]


NEVER = ["6", "99999999999999999999", "9" * 5000]
NOT_A_NUMBER = ["", "-1", "+5", "1.5", "1_0", "0x1", "five", "5 or 1=1", "%00", "%D9%A3", "%F0%9F%9A%80", "NaN"]


@pytest.mark.parametrize(
    ("asked", "reason"), [(text, "unknown") for text in NEVER] + [(t, "malformed") for t in NOT_A_NUMBER]
)
async def test_G9_a_place_that_never_was_is_reset_to_now(desk: Desk, asked: str, reason: str) -> None:
    await desk.write(5)
    async with listen(desk.port, f"/api/events?after={asked.replace(' ', '%20').replace('+', '%2B')}") as stream:
        start, reset = await ready(stream), await stream.next()
        await desk.write()

        assert start == 5
        assert reset == Event("reset", f'{{"reason":"{reason}","cursor":5}}', 5)
        assert ids(await stream.take(1)) == [6]


@pytest.mark.parametrize("asked", ["-7", "18446744073709551616", "\xe9\xff", "1,2", "execution-5"])
async def test_G9_a_forged_last_event_id_is_reset_to_now(desk: Desk, asked: str) -> None:
    await desk.write(5)
    async with listen(desk.port, last_event_id=asked) as stream:
        start, reset = await ready(stream), await stream.next()

        assert reset is not None
        assert (stream.status, start, reset.name, reset.id) == (200, 5, "reset", 5)


async def test_a_place_that_is_no_longer_kept_is_reset_to_the_oldest_kept_entry(url: str) -> None:
    async with opened(url) as desk:
        await desk.write(5)
        await desk.feed.reach(5)
        await desk.prune(5)
        await desk.write(3)
    async with opened(url) as desk, listen(desk.port, "/api/events?after=2") as stream:
        start, reset = await ready(stream), await stream.next()

        assert start == 5
        assert reset == Event("reset", '{"reason":"expired","cursor":5}', 5)
        assert ids(await stream.take(3)) == [6, 7, 8]


@pytest.mark.parametrize("after", [0, 5])
async def test_the_beginning_is_what_is_kept_and_no_reset(url: str, after: int) -> None:
    async with opened(url) as desk:
        await desk.write(5)
        await desk.feed.reach(5)
        await desk.prune(5)
        await desk.write(3)
    async with opened(url) as desk, listen(desk.port, f"/api/events?after={after}") as stream:
        assert await ready(stream) == 5
        assert ids(await stream.take(3)) == [6, 7, 8]


async def test_a_replay_that_is_overtaken_by_pruning_is_reset(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.write(2)
    await desk.feed.reach(2)
    honest = desk.feed.after

    async def prune_before(cursor: int) -> Any:
        monkeypatch.setattr(desk.feed, "after", honest)
        monkeypatch.setattr(desk.feed._ring, "after", lambda cursor, limit: None)
        await desk.prune(2)
        await desk.write(2)
        await desk.feed.reach(4)
        return await honest(cursor)

    monkeypatch.setattr(desk.feed, "after", prune_before)
    async with listen(desk.port, "/api/events?after=0") as stream:
        assert await ready(stream) == 0
        assert await stream.next() == Event("reset", '{"reason":"expired","cursor":2}', 2)
        assert ids(await stream.take(2)) == [3, 4]


async def test_a_long_history_is_replayed_whole_to_one_who_reads_slowly(desk: Desk) -> None:
    async with desk.recorder.record() as record:
        for number in range(3000):
            record.log("execution.created", {"number": number, "reason": "x" * 1000}, repository_id=1)
    await desk.feed.reach(3000)
    async with listen(desk.port, "/api/events?after=0") as stream:
        await ready(stream)
        seen: list[int | None] = []
        for _ in range(10):
            await asyncio.sleep(0.02)
            seen += ids(await stream.take(300))

    assert seen == list(range(1, 3001))


async def test_G2_every_event_is_judged_and_not_only_the_stream(desk: Desk) -> None:
    desk.rights = {1: Audience(frozenset({1})), 2: Audience(frozenset({2})), 3: EVERYTHING}
    await desk.write(repository_id=1)
    await desk.write(repository_id=2)
    async with AsyncExitStack() as stack:
        path = "/api/events?after=0"
        mine, other, admin = [await stack.enter_async_context(listen(desk.port, path, x_user=n)) for n in (1, 2, 3)]
        await desk.write(repository_id=2)
        await desk.write(repository_id=None)
        await desk.write(repository_id=1)

        assert ids(await mine.take(3)) == [0, 1, 5]
        assert ids(await other.take(3)) == [0, 2, 3]
        assert ids(await admin.take(6)) == [0, 1, 2, 3, 4, 5]


async def test_a_stream_of_one_pipeline_tells_of_no_other(desk: Desk) -> None:
    await desk.write(pipeline_id=7)
    await desk.write(pipeline_id=8)
    async with listen(desk.port, "/api/events?after=0", x_pipeline=7) as stream:
        await desk.write(pipeline_id=8)
        await desk.write(pipeline_id=None)
        await desk.write(pipeline_id=7)

        assert ids(await stream.take(3)) == [0, 1, 5]


async def test_G3_a_right_that_is_taken_away_counts_for_the_very_next_event(desk: Desk) -> None:
    desk.rights = {1: Audience(frozenset({1, 2}))}
    async with listen(desk.port, "/api/events?after=0") as stream:
        await ready(stream)
        async with desk.recorder.record() as record:
            record.log("execution.created", {}, repository_id=2)
            desk.rights[1] = Audience(frozenset({1}))
            record.rights_changed()
            record.log("execution.created", {}, repository_id=2)
            record.log("execution.created", {}, repository_id=1)

        assert ids(await stream.take(2)) == [1, 4]


async def test_a_right_that_is_given_counts_for_the_very_next_event(desk: Desk) -> None:
    desk.rights = {1: Audience(frozenset())}
    async with listen(desk.port) as stream:
        await ready(stream)
        await desk.write(repository_id=2)
        await desk.change_rights(1, Audience(frozenset({2})))
        await desk.write(repository_id=2)

        assert ids(await stream.take(1)) == [3]


async def test_G3_who_may_see_nothing_any_more_is_sent_away_and_the_others_stay(desk: Desk) -> None:
    async with listen(desk.port, x_user=1) as removed, listen(desk.port, x_user=2) as other:
        for stream in (removed, other):
            await ready(stream)

        await desk.change_rights(1, None)
        await desk.write()

        assert await removed.rest() == [Event("bye", '{"reason":"revoked"}')]
        assert ids(await other.take(1)) == [2]


async def test_G3_rights_that_change_while_they_are_asked_for_are_asked_for_again(desk: Desk) -> None:
    asked: list[int] = []

    async def judge() -> Audience:
        asked.append(desk.feed.cursor)
        if len(asked) == 1:  # the answer is old before it arrives
            await desk.change_rights(1, EVERYTHING)
            await desk.feed.reach(1)
            return EVERYTHING
        return Audience(frozenset({2}))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await desk(scope, receive, send)
            return
        await desk.streams.serve(scope, receive, send, audience=EVERYTHING, judge=judge, expires_at=None, owner=1)

    async with (
        make_server(app, host="127.0.0.1", port=0, on_stopping=[desk.streams.close]).running() as server,
        listen(server.port) as stream,
    ):
        await ready(stream)
        await until(lambda: len(asked) > 1)
        await desk.write(repository_id=1)
        await desk.write(repository_id=2)

        assert ids(await stream.take(1)) == [3]


async def test_rights_that_changed_between_the_question_and_the_stream_are_asked_for_again(desk: Desk) -> None:
    asked: list[int] = []

    async def judge() -> Audience:
        asked.append(desk.feed.cursor)
        return EVERYTHING

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await desk(scope, receive, send)
            return
        judged = desk.streams.cursor
        if scope["path"] == "/changed":
            await desk.change_rights(1, EVERYTHING)
            await desk.feed.reach(2)
        await desk.streams.serve(
            scope, receive, send, audience=EVERYTHING, judge=judge, expires_at=None, owner=1, judged=judged
        )

    async with make_server(app, host="127.0.0.1", port=0, on_stopping=[desk.streams.close]).running() as server:
        questions = []
        for path in ("/same", "/changed"):
            async with listen(server.port, path) as stream:
                await ready(stream)
                await desk.write()
                await stream.take(1)
            questions.append(len(asked))
            await until(lambda: not len(desk.streams))  # else the first one is asked again too

    assert questions == [0, 1]


async def test_a_stream_ends_when_what_its_reader_signed_in_with_runs_out(desk: Desk) -> None:
    desk.expires_at = datetime.now(UTC) + timedelta(seconds=0.3)
    async with listen(desk.port) as stream:
        await ready(stream)

        assert await stream.rest() == [Event("bye", '{"reason":"expired"}')]


@ways
async def test_a_comment_comes_again_and_again_while_nothing_happens(desk: Desk, way: dict[str, Any]) -> None:
    async with listen(desk.port, **way) as stream:
        await ready(stream)

        for _ in range(3):
            await stream.beat()


@ways
async def test_on_shutdown_every_stream_says_bye_and_ends_properly(url: str, way: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        async with opened(url) as desk:
            await desk.write(3)
            streams = [
                await stack.enter_async_context(listen(desk.port, "/api/events?after=0", **way)) for _ in range(5)
            ]
            for stream in streams:
                assert ids(await stream.take(4)) == [0, 1, 2, 3]

        assert [await stream.rest() for stream in streams] == [[Event("bye", '{"reason":"stopping"}')]] * 5


async def test_a_connection_lives_on_after_its_stream(desk: Desk) -> None:
    async with listen(desk.port, x_user=1) as stream:
        await ready(stream)
        await desk.change_rights(1, None)
        await stream.rest()
        desk.rights.clear()
        stream.writer.write(b"GET /api/events?after=1 HTTP/1.1\r\nHost: penstock.example\r\n\r\n")
        await stream.read_head()

        assert await ready(stream) == 1


@ways
async def test_another_story_shares_the_limits_and_ends_without_bye_when_it_is_told(
    url: str, way: dict[str, Any]
) -> None:
    async def story(stream: Stream) -> None:
        for number in range(3):
            stream.tell("log_update", f'{{"offset":{number}}}', cursor=number)
            await stream.drain()

    async with opened(url, max_streams=1) as desk:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan" or scope["path"] == "/api/events":
                await desk(scope, receive, send)
                return
            if "x_relayed" in way:
                scope["extensions"] = {}
            await desk.streams.streams.serve(scope, receive, send, story, owner=1, expires_at=None)

        async with make_server(app, host="127.0.0.1", port=0).running() as server:
            async with listen(server.port, "/log", **way) as stream:
                told = await stream.rest()
            async with listen(server.port), listen(server.port, "/log", **way) as refused:
                status = refused.status
            desk.streams.close()

    assert [(event.name, event.id) for event in told] == [("log_update", 0), ("log_update", 1), ("log_update", 2)]
    assert status == 503


async def test_after_stopping_a_new_stream_is_refused(desk: Desk) -> None:
    desk.streams.close()
    async with listen(desk.port) as stream:
        assert (stream.status, stream.headers["retry-after"]) == (503, "5")


async def test_G7_one_stream_too_many_is_told_when_to_come_back(url: str) -> None:
    async with AsyncExitStack() as stack, opened(url, max_streams=3, max_streams_per_user=2) as desk:
        come: Callable[[int], Any] = lambda user: stack.enter_async_context(listen(desk.port, x_user=user))  # noqa: E731
        statuses = [(await come(user)).status for user in (1, 1, 1, 2, 2)]
        refused = await come(2)

        assert statuses == [200, 200, 503, 200, 503]
        assert (refused.headers["content-type"], refused.headers["retry-after"]) == ("application/problem+json", "5")
        problem = await refused.problem()
        assert problem.pop("detail").startswith("there are 3 open streams")
        assert problem == {"type": "about:blank", "title": "Service Unavailable", "status": 503}


async def test_G7_a_stream_that_ended_makes_room_for_the_next(url: str) -> None:
    async with opened(url, max_streams=1) as desk:
        for _ in range(3):
            async with listen(desk.port) as stream:
                await ready(stream)
            await until(lambda: not len(desk.streams))


@ways
async def test_G8_a_client_that_never_reads_is_cut_off_and_harms_nobody(url: str, way: dict[str, Any]) -> None:
    async with opened(url) as desk, listen(desk.port) as reading:
        await ready(reading)
        async with listen(desk.port, **way) as stuck:
            await ready(stuck)
            shrink(stuck)
            total = most = 0
            async with asyncio.timeout(60):
                while len(desk.streams) > 1:
                    async with desk.recorder.record() as record:
                        for _ in range(50):
                            record.log("execution.created", {"reason": "x" * 4000}, repository_id=1)
                    total += 50
                    assert len(await reading.take(50)) == 50
                    most = max(most, *(stream._wire.pending() for stream in desk.streams.streams._open))
        async with listen(desk.port, f"/api/events?after={total - 1}", **way) as again:
            assert await ready(again) == total - 1
            assert ids(await again.take(1)) == [total]
    assert most < MOST_PENDING + 50 * 5000


async def test_a_stream_is_written_to_the_socket_where_the_server_hands_it_out(desk: Desk) -> None:
    async with listen(desk.port) as chunked, listen(desk.port, version="1.0") as plain, listen(desk.port, x_relayed=1):
        await ready(chunked)
        await ready(plain)
        wires = {type(stream._wire) for stream in desk.streams.streams._open}

    assert wires == {ChunkedWire, PlainWire, RelayedWire}


async def test_G8_a_client_that_stops_reading_is_cut_off_even_when_little_is_pending(desk: Desk) -> None:
    async with listen(desk.port) as stuck:
        await ready(stuck)
        shrink(stuck)
        async with desk.recorder.record() as record:
            for _ in range(300):
                record.log("execution.created", {"reason": "x" * 4000}, repository_id=1)

        await until(lambda: not len(desk.streams))


def shrink(stream: Listening) -> None:
    """Lets the client's side take next to nothing from now on."""
    stream.writer.transport.pause_reading()  # type: ignore[attr-defined]
    stream.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


async def test_peers_that_leave_in_the_middle_of_it_all_harm_nobody(desk: Desk) -> None:
    async with listen(desk.port) as staying:
        await ready(staying)
        for _ in range(10):
            async with listen(desk.port) as leaving:
                await ready(leaving)
                leaving.writer.transport.abort()
                await desk.write(5)

        assert ids(await staying.take(50)) == list(range(1, 51))


async def test_a_wire_whose_peer_has_gone_can_be_written_to_and_asked() -> None:
    """A transport of uvloop raises at the first."""
    loop = asyncio.get_running_loop()
    async with await loop.create_server(asyncio.Protocol, "127.0.0.1", 0) as listener:
        transport, _ = await loop.create_connection(asyncio.Protocol, *listener.sockets[0].getsockname())
        wire = PlainWire(transport, receive=asyncio.Event().wait)  # type: ignore[arg-type]
        wire.abort()
        await asyncio.sleep(0.05)

        assert (wire.write(Batch(b"too late")), wire.closed, wire.pending()) == (0, True, 0)


async def test_a_peer_that_died_without_a_word_is_found_by_the_system_within_forty_seconds(desk: Desk) -> None:
    seen: list[int] = []
    inner = desk.streams.serve

    async def peek(scope: Scope, receive: Receive, send: Send, **rest: Any) -> None:
        async def sending(message: Message) -> None:
            peer = scope["extensions"]["penstock.transport"].get_extra_info("socket")
            seen.append(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
            await send(message)

        await inner(scope, receive, sending, **rest)

    desk.streams.serve = peek  # type: ignore[method-assign]
    async with listen(desk.port) as stream:
        await ready(stream)

    assert Pace().heartbeat + seen[0] / 1000 <= 40


async def test_G5_a_payload_cannot_end_its_event_or_begin_another(url: str) -> None:
    evil = "x\r\n\r\nevent: bye\rid: 9\ndata: {}\n\n"
    async with opened(url, pace=Pace(heartbeat=10_000)) as desk, listen(desk.port) as stream:
        await ready(stream)
        async with desk.recorder.record() as record:
            record.log("execution.created", {"branch": evil, "author": "\u2028\x85\x00"}, repository_id=1)
        async with desk.database.write() as connection:
            await log.append(
                connection, [Entry("execution\r\nid: 77\r\n.created", NOW, '{"branch":\r\n\r\n"main"}', 1)]
            )
        desk.recorder.bus.ring(Topic.LOG)

        first, second = await stream.next(), await stream.next_lines()

    assert first is not None
    assert (first.id, first.content) == (1, {"branch": evil, "author": "\u2028\x85\x00"})
    assert second == ["id: 2", "event: executionid: 77.created", 'data: {"branch":', "data: ", 'data: "main"}']


async def test_a_story_that_fails_ends_the_connection_so_that_the_client_comes_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(desk.feed, "bounds", fail)
    async with listen(desk.port, "/api/events?after=99") as stream:
        with pytest.raises((asyncio.IncompleteReadError, OSError)):
            await stream.rest()
