"""From an entry of the log to a message at a real socket: each once, in order, with the same bytes at every try."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from service import bus
from service.notifications.signing import new_secret
from service.outbound import Outbound
from service.recorder import Recorder
from service.store import accounts, outbox, routes
from service.store.database import Database
from service.store.tables import grants, repositories
from service.vault import Vault
from service.workers.notifying import Notifier
from service.workers.sending import Sender
from tests.client.peer import Peer, Script, answers, playing, stalls

pytestmark = pytest.mark.anyio


@dataclass
class Office:
    """A notifier and a sender over one database, and a clock that the test sets."""

    recorder: Recorder
    notifier: Notifier
    sender: Sender
    vault: Vault
    user_id: int
    repository_id: int
    now: list[datetime] = field(default_factory=list)

    async def route(self, peer: Peer, **more: Any) -> tuple[int, str]:
        place, secret = secrets.token_hex(16), new_secret()
        seal = {"table": "routes", "row": place}
        async with self.recorder.record() as record:
            made = await routes.add(
                record.connection,
                user_id=self.user_id,
                name="ops",
                kind="webhook",
                place=place,
                target=self.vault.seal(peer.origin.encode(), column="target", **seal),
                secret=self.vault.seal(secret.encode(), column="secret", **seal),
                shown="127.0.0.1",
                paused=False,
                created_at=record.now,
                updated_at=record.now,
                **{"filter": {}, **more},
            )
        return made.id, secret

    async def held(self, times: int = 1) -> None:
        """Something worth telling, so many times."""
        async with self.recorder.record() as record:
            for number in range(times):
                payload = {"pipeline_id": 1, "environment": "production", "reason": f"reason {number}"}
                record.log("environment.held", payload, repository_id=self.repository_id, pipeline_id=1)

    async def work(self) -> None:
        while await self.notifier.do_next():
            pass
        async with self.recorder.database.read() as connection:
            due = await routes.due(connection, now=self.now[0], besides=[], limit=50)
        for number in due:
            await self.sender.serve(number)

    async def statuses(self, route_id: int) -> list[str]:
        async with self.recorder.database.read() as connection:
            return [one.status for one in await outbox.page(connection, route_id, before=None, limit=200)]


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    now = [datetime(2026, 3, 1, 9, 30, tzinfo=UTC)]
    bell = await bus.connect("memory:", database.url)
    recorder = Recorder(database, bell, now=lambda: now[0])
    vault, outbound = Vault([secrets.token_bytes(32)]), Outbound(allow_private=True)
    async with recorder.record() as record:
        user_id = await accounts.add_user(record.connection, "ada", None, is_admin=False, now=record.now)
        named = {"workspace": "acme", "slug": "shop", "connected_at": record.now}
        added = repositories.insert().values(named).returning(repositories.c.id)
        number = int((await record.connection.execute(added)).scalar_one())
        await accounts.grant(record.connection, number, user_id, "owner")
    sender = Sender(recorder, outbound, vault, "https://penstock.example.com")
    yield Office(recorder, Notifier(recorder), sender, vault, user_id, number, now)
    await outbound.close()
    await bell.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with playing() as started:
        yield started


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
    begun = await office.sender._begin(route)  # and it dies here
    await office.work()
    assert peer.requests == []

    office.now[0] += timedelta(seconds=61)
    peer.plays(answers())
    await office.work()
    assert begun is not None
    assert [(one.headers["webhook-id"], one.body) for one in peer.requests] == [(begun[0].webhook_id, begun[1])]
