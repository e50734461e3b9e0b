"""How a stream goes on while nothing happens, how it ends, and what it may cost.

The names carry the rows of the project's list of attacks on streams: G5 line breaks, G7 too many streams, G8 who never
reads.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.bus import Topic
from service.feed import Batch
from service.store import log
from service.store.log import Entry
from service.web.server import make_server
from service.web.streams.relay import RelayedWire
from service.web.streams.stream import MOST_PENDING, Pace, Stream
from service.web.streams.wire import ChunkedWire, PlainWire
from tests.web.listening import Event, Listening, listen
from tests.web.streaming.desk import NOW, Desk, ids, opened, ready, until, ways

pytestmark = pytest.mark.anyio


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
