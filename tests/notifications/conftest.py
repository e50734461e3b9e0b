"""What the tests of sending stand on: a real database, a real socket."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from service import bus
from service.outbound import Outbound
from service.recorder import Recorder
from service.store import accounts
from service.store.database import Database
from service.store.tables import repositories
from service.vault import Vault
from service.workers.carrying import Carrier
from service.workers.notifying import Notifier
from service.workers.sending import Sender
from tests.client.peer import Peer, playing
from tests.notifications.office import Office


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
    carrier = Carrier(outbound, vault)
    sender = Sender(recorder, carrier, "https://penstock.example.com")
    yield Office(recorder, Notifier(recorder), sender, carrier, vault, user_id, number, now)
    await outbound.close()
    await bell.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with playing() as started:
        yield started
