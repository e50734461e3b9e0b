"""`GET /api/events` over real sockets: every entry once, from any place, whatever happens to the connection.

The names carry the rows of the project's list of attacks on streams: G9 forged places.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.web.listening import Event, listen
from tests.web.streaming.desk import Desk, ids, opened, ready, ways

pytestmark = pytest.mark.anyio


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
