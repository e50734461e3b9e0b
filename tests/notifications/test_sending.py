"""From an entry of the log to a message at a real socket: each once, in order, with the same bytes at every try."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from service.store import routes
from service.store.tables import grants
from tests.client.peer import Peer, Script, answers, stalls
from tests.notifications.office import Office

pytestmark = pytest.mark.anyio


async def test_what_happens_is_told_once_signed_and_with_the_facts(office: Office, peer: Peer) -> None:
    route_id, secret = await office.route(peer)
    peer.plays(answers())
    await office.held()
    for _ in range(3):
        await office.work()
    [asked] = peer.requests

    sent = msgspec.json.decode(asked.body)
    assert (sent["type"], sent["data"]["repository"]) == ("environment.held", "acme/shop")
    assert await office.statuses(route_id) == ["delivered"]
    headers = {**asked.headers, "webhook-timestamp": asked.headers["webhook-timestamp"]}
    assert asked.headers["webhook-id"].startswith("msg_")
    assert abs(int(headers["webhook-timestamp"]) - office.now[0].timestamp()) < 1
    assert (
        Webhook(secret).sign(asked.headers["webhook-id"], office.now[0], asked.body.decode())
        == (asked.headers["webhook-signature"])
    )


async def test_a_day_without_the_target_loses_nothing_and_keeps_the_order(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer)
    peer.plays(answers(b"", 503))
    await office.held(20)
    for _ in range(20):
        await office.work()
        office.now[0] += timedelta(hours=1, minutes=7)
    failed = list(peer.requests)
    peer.plays(answers())
    peer.requests.clear()
    office.now[0] += timedelta(hours=2)
    await office.work()

    told = [msgspec.json.decode(one.body)["data"]["reason"] for one in peer.requests]
    assert told == [f"reason {number}" for number in range(20)]
    assert len({(one.headers["webhook-id"], one.body) for one in failed}) == 1  # one probes for all
    assert (failed[0].headers["webhook-id"], failed[0].body) == (
        peer.requests[0].headers["webhook-id"],
        peer.requests[0].body,
    )
    assert set(await office.statuses(route_id)) == {"delivered"}


async def test_a_target_that_is_gone_pauses_its_route(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer)
    peer.plays(answers(b"", 410))
    await office.held(2)
    await office.work()
    await office.work()
    async with office.recorder.database.read() as connection:
        route = await routes.by_id(connection, route_id)

    assert route is not None
    assert (route.paused, len(peer.requests)) == (True, 1)
    assert route.paused_reason == "it answered 410: it is gone"
    assert sorted(await office.statuses(route_id)) == ["dead", "waiting"]


@pytest.mark.parametrize(
    "script", [answers(b"", 307, Location="http://127.0.0.1/"), answers(b"", 429, Retry_After="7")]
)
async def test_what_is_no_success_is_tried_again_not_before_the_pause(
    office: Office, peer: Peer, script: Script
) -> None:
    await office.route(peer)
    peer.plays(script, answers())
    await office.held()
    await office.work()
    office.now[0] += timedelta(seconds=4)
    await office.work()
    early = len(peer.requests)
    office.now[0] += timedelta(seconds=6)
    await office.work()

    assert (early, len(peer.requests)) == (1, 2)


async def test_who_may_no_longer_see_the_repository_is_not_told(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer)
    peer.plays(answers())
    await office.held()
    await office.notifier.do_next()
    async with office.recorder.record() as record:
        await record.connection.execute(grants.delete())
    await office.work()

    assert peer.requests == []
    assert await office.statuses(route_id) == ["withheld"]


async def test_a_lease_of_a_dead_sender_is_taken_over_with_the_same_bytes(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer)
    peer.plays(stalls(), answers())
    await office.held()
    await office.notifier.do_next()
    async with office.recorder.record() as record:
        route = await routes.lease(record.connection, route_id, now=record.now, seconds=60)
        assert route is not None
        begun = await office.sender._next(record, route)
    # and it dies here
    await office.work()
    assert peer.requests == []

    office.now[0] += timedelta(seconds=61)
    peer.plays(answers())
    await office.work()
    assert begun is not None
    assert [(one.headers["webhook-id"], one.body) for one in peer.requests] == [(begun.message.webhook_id, begun.body)]
