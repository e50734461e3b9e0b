"""What targets allow: a message that is changed, one that is gone, and what they refuse."""

from __future__ import annotations

import pytest

from service.store import routes
from tests.client.peer import Peer, Script, answers
from tests.notifications.office import Office

pytestmark = [pytest.mark.anyio, pytest.mark.long]


def asked(peer: Peer) -> list[str]:
    return [f"{one.method} {one.target}" for one in peer.requests]


async def test_at_discord_what_is_told_later_of_the_same_takes_the_place_of_what_was_told(
    office: Office, peer: Peer
) -> None:
    await office.route(peer, target=f"{peer.origin}/api/webhooks/1/x", kind="discord")
    peer.plays(answers({"id": "101"}), answers({"id": "101"}), answers({"id": "102"}))
    for pipeline_id in (1, 1, 2):
        await office.held(pipeline_id=pipeline_id)
        await office.work()

    posted, changed = "POST /api/webhooks/1/x?wait=true", "PATCH /api/webhooks/1/x/messages/101"
    assert asked(peer) == [posted, changed, posted]


async def test_at_discord_a_message_that_somebody_has_removed_is_told_anew(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer, target=f"{peer.origin}/api/webhooks/1/x", kind="discord")
    peer.plays(answers({"id": "101"}), answers({"code": 10008}, 404), answers({"id": "102"}), answers({"id": "102"}))
    for _ in range(3):
        await office.held()
        await office.work()

    assert [line.partition(" ")[0] for line in asked(peer)] == ["POST", "PATCH", "POST", "PATCH"]
    assert asked(peer)[-1].endswith("/messages/102")
    assert await office.statuses(route_id) == ["delivered"] * 3


async def test_at_discord_a_hook_that_is_not_found_is_no_message_that_is_gone(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer, target=f"{peer.origin}/api/webhooks/1/x", kind="discord")
    peer.plays(answers({"code": 10015}, 404))
    await office.held()
    await office.work()

    assert (await office.statuses(route_id), len(peer.requests)) == (["waiting"], 1)


@pytest.mark.parametrize("script", [answers(b"", 503), answers(b"", 429, Retry_After="86399")])
async def test_a_target_that_fails_for_a_day_pauses_its_route_and_says_so(
    office: Office, peer: Peer, script: Script
) -> None:
    route_id, _ = await office.route(peer)
    peer.plays(script)
    await office.held(2)
    for _ in range(40):
        await office.work()
        office.pass_time(hours=25)
    tried = len(peer.requests)
    await office.held(first=2)
    await office.work()
    route = await office.known(route_id)

    assert (route.paused, tried, len(peer.requests)) == (True, 31, 31)
    assert route.paused_reason is not None
    assert route.paused_reason.startswith("for a day it answered")
    assert await office.statuses(route_id) == ["dead", "waiting", "waiting"]
    [entry] = await office.entries("notification.failed")
    assert (entry["notification_id"], entry["paused"], entry["reason"]) == (route_id, True, route.paused_reason)


async def test_what_one_refuses_is_dead_alone_and_the_others_are_told(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer)
    peer.plays(answers(b"", 422), answers())
    await office.held(pipeline_id=1)
    await office.held(pipeline_id=2)
    await office.work()
    assert await office.statuses(route_id) == ["waiting", "delivered"]

    peer.plays(answers(b"", 422))
    for _ in range(40):
        office.pass_time(hours=2)
        await office.work()
    assert await office.statuses(route_id) == ["dead", "delivered"]
    assert (await office.known(route_id)).paused is False
    assert [entry["paused"] for entry in await office.entries("notification.failed")] == [False]


async def test_a_route_that_a_person_pauses_sends_no_more_and_collects_nothing(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer)
    peer.plays(answers(b"", 503))
    await office.held()
    await office.work()
    async with office.recorder.record() as record:
        await routes.change(record.connection, route_id, paused=True)
    peer.plays(answers())
    await office.held()
    office.pass_time(hours=2)
    await office.work()

    assert (await office.statuses(route_id), len(peer.requests)) == (["waiting"], 1)
