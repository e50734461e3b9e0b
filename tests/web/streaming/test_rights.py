"""A stream shows what its reader may see at that moment.

The names carry the rows of the project's list of attacks on streams: G2 other people's events, G3 rights taken away.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import Receive, Scope, Send

from service.feed import Audience
from service.web.server import make_server
from tests.web.listening import Event, listen
from tests.web.streaming.desk import EVERYTHING, Desk, ids, ready, until

pytestmark = pytest.mark.anyio


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
