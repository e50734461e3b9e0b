"""Quiet hours and digests: what comes in them is told later, once, and nothing of it is lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from service.notifications.words import TEST
from service.store import outbox
from service.store.outbox import Message
from service.store.tables import grants, users
from tests.client.peer import Peer, answers
from tests.notifications.office import Office

pytestmark = pytest.mark.anyio

# The office's clock begins at 09:30.
MORNING = {"from": "08:00", "to": "11:00", "timezone": "UTC"}


def reasons(peer: Peer) -> list[Any]:
    """What was told, in order; the parts of a digest as a list."""
    told = []
    for one in peer.requests:
        sent = msgspec.json.decode(one.body)
        parts = sent["data"].get("messages")
        told.append(sent["data"]["reason"] if parts is None else [part["data"]["reason"] for part in parts])
    return told


async def a_person_tries(office: Office, route_id: int) -> None:
    """A person asks for a test."""
    async with office.recorder.record() as record:
        waiting = {"status": outbox.WAITING, "due_at": record.now, "tries": 0, "created_at": record.now}
        row = {"route_id": route_id, "key": "test 1", "webhook_id": "msg_test", "event": TEST, "at": record.now}
        await outbox.add(record.connection, [{**row, "entry": {"reason": "test"}, "lane": "test 1", **waiting}])
        await office.wake(record, route_id)


async def test_what_comes_in_quiet_hours_is_told_when_they_are_over(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer, quiet_hours=MORNING)
    peer.plays(answers())
    await office.held(2)
    await office.work()
    office.pass_time(minutes=89)
    await office.held(1, first=2)
    await office.work()
    assert peer.requests == []
    assert {f"{one.due_at:%H:%M}" for one in await office.messages(route_id)} == {"11:00"}

    office.pass_time(minutes=1)
    await office.work()
    assert reasons(peer) == ["reason 0", "reason 1", "reason 2"]


async def test_a_test_is_sent_in_quiet_hours_and_past_a_digest(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer, quiet_hours=MORNING, digest_minutes=30)
    peer.plays(answers())
    await office.held(1)
    await office.work()
    await a_person_tries(office, route_id)
    await office.work()

    assert reasons(peer) == ["test"]
    assert await office.statuses(route_id) == ["waiting", "delivered"]


async def test_a_digest_tells_once_what_came_in_its_time(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer, digest_minutes=30)
    peer.plays(answers())
    for number in range(3):
        await office.held(1, pipeline_id=number, first=number)
        await office.work()
        office.pass_time(minutes=10)
    assert peer.requests == []
    await office.work()
    office.pass_time(hours=5)
    await office.work()

    assert reasons(peer) == [["reason 0", "reason 1", "reason 2"]]
    assert await office.statuses(route_id) == ["digested", "digested", "digested", "delivered"]


async def test_one_alone_is_told_as_it_is(office: Office, peer: Peer) -> None:
    await office.route(peer, digest_minutes=30)
    peer.plays(answers())
    await office.held(1)
    office.pass_time(minutes=31)
    await office.work()

    assert reasons(peer) == ["reason 0"]


async def test_the_next_digest_begins_with_what_comes_after_the_last(office: Office, peer: Peer) -> None:
    await office.route(peer, digest_minutes=30)
    peer.plays(answers())
    for begin in (0, 2):
        await office.held(2, first=begin)
        await office.work()
        office.pass_time(minutes=29)
        await office.work()
        early = len(peer.requests)
        office.pass_time(minutes=1)
        await office.work()
        assert len(peer.requests) == early + 1

    assert reasons(peer) == [["reason 0", "reason 1"], ["reason 2", "reason 3"]]


async def test_a_digest_waits_for_the_end_of_quiet_hours_and_takes_all_of_them(office: Office, peer: Peer) -> None:
    await office.route(peer, digest_minutes=15, quiet_hours=MORNING)
    peer.plays(answers())
    for number in range(4):
        await office.held(1, first=number)
        await office.work()
        office.pass_time(minutes=22)
    assert peer.requests == []
    office.pass_time(minutes=2)
    await office.work()

    assert reasons(peer) == [[f"reason {number}" for number in range(4)]]


async def test_a_digest_that_is_not_taken_has_the_same_bytes_again_and_nothing_overtakes_it(
    office: Office, peer: Peer
) -> None:
    await office.route(peer, digest_minutes=1)
    peer.plays(answers(b"", 400), answers(b"", 503), answers())
    await office.held(2)
    office.pass_time(minutes=1)
    await office.work()
    await office.held(2, first=2)
    for _ in range(8):
        office.pass_time(minutes=1)
        await office.work()

    assert reasons(peer) == [["reason 0", "reason 1"]] * 3 + [["reason 2", "reason 3"]]
    assert len({(one.headers["webhook-id"], one.body) for one in peer.requests}) == 2


async def test_a_digest_leaves_out_what_its_owner_may_no_longer_see(office: Office, peer: Peer) -> None:
    route_id, _ = await office.route(peer, digest_minutes=1)
    peer.plays(answers(b"", 503), answers())
    await office.held(2)
    office.pass_time(minutes=1)
    await office.work()
    async with office.recorder.record() as record:
        await record.connection.execute(grants.delete())
    office.pass_time(minutes=1)
    await office.work()

    assert len(peer.requests) == 1
    assert await office.statuses(route_id) == ["withheld", "withheld", "withheld"]


async def test_of_a_very_long_digest_nothing_is_lost(office: Office, peer: Peer) -> None:
    async with office.recorder.record() as record:
        await record.connection.execute(users.update().values(is_admin=True))
    route_id, _ = await office.route(peer, digest_minutes=1)
    peer.plays(answers())
    await office.held(1100)
    office.pass_time(minutes=2)
    await office.work()
    found: list[Message] = await office.messages(route_id)

    told = reasons(peer)
    assert [len(part) for part in told] == [500, 500, 100]
    assert [one for part in told for one in part] == [f"reason {number}" for number in range(1100)]
    assert {one.status for one in found[:1100]} == {"digested"}
