"""What the doctor finds amiss of this house, and what it says to do. Bitbucket's side is in tests/both_ways."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update

from service.bus.memory import MemoryBus
from service.client import Clients
from service.doctor import STUCK, examine
from service.recorder import Recorder
from service.settings import from_environ
from service.store import migrate, repositories
from service.store.database import Database
from service.store.tables import deliveries, work
from service.store.tables import repositories as repositories_table
from service.vault import Vault

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9/2.0"


@pytest.fixture
async def recorder(tmp_path: Path) -> Recorder:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}")
    await migrate.upgrade(database)
    return Recorder(database, MemoryBus())


async def an_old_schema(recorder: Recorder) -> None:
    async with recorder.database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


async def a_delivery_that_nobody_processes(recorder: Recorder, seconds: float = STUCK + 60) -> None:
    async with recorder.record() as record:
        await repositories.connect(record.connection, workspace="acme", slug="shop", uuid=None, now=record.now)
        row = {"id": "d1", "hook_id": "h", "repository_id": 1, "request_uuid": "u", "digest": b"", "attempt": 1}
        times = {"received_at": record.now - timedelta(seconds=seconds), "due_at": record.now}
        rest = {"event_key": "repo:push", "status": "accepted", "tries": 0, "flags": [], "verdicts": []}
        await record.connection.execute(insert(deliveries).values(**row, **times, **rest))


async def a_dead_delivery(recorder: Recorder) -> None:
    await a_delivery_that_nobody_processes(recorder)
    async with recorder.record() as record:
        await record.connection.execute(update(deliveries).values(status="dead"))


async def dead_work(recorder: Recorder) -> None:
    async with recorder.record() as record:
        await record.work("follow", "1", {})
        await record.connection.execute(update(work).values(status="dead"))


async def a_repository_without_a_credential(recorder: Recorder) -> None:
    async with recorder.record() as record:
        await repositories.connect(record.connection, workspace="acme", slug="shop", uuid=None, now=record.now)


async def a_repository_whose_credential_was_withdrawn(recorder: Recorder) -> None:
    await a_repository_without_a_credential(recorder)
    async with recorder.record() as record:
        await record.connection.execute(update(repositories_table).values(hook_uuid="{made by us}"))


async def nothing(recorder: Recorder) -> None:
    """What is amiss is in the settings."""


@pytest.mark.parametrize(
    ("amiss", "url", "about", "said"),
    [
        (an_old_schema, "", "database", "schema 0001, and this version needs"),
        (a_delivery_that_nobody_processes, "", "inbox", " s: is a worker running?"),
        (a_dead_delivery, "", "dead letters", "1 deliveries, 0 works; `penstock deliveries list --status dead`"),
        (dead_work, "", "dead letters", "0 deliveries, 1 works; `penstock deliveries list --status dead`"),
        (a_repository_without_a_credential, "", "public URL", "not set: PENSTOCK_PUBLIC_URL"),
        (nothing, "http://localhost:8000", "public URL", "cannot be reached from Bitbucket"),
        (nothing, "http://10.0.0.7", "public URL", "cannot be reached from Bitbucket"),
        (nothing, "http://penstock.example.com", "public URL", "is not https"),
        (nothing, "", "Bitbucket", f"{NOWHERE} cannot be asked"),
        (a_repository_without_a_credential, "", "webhook of acme/shop", "no delivery yet: paste URL and secret"),
        (
            a_repository_whose_credential_was_withdrawn,
            "",
            "confirmation of acme/shop",
            "takes webhooks at their word, sees no steps and no logs",
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
async def test_what_is_amiss_is_found_and_says_what_to_do(
    recorder: Recorder,
    tmp_path: Path,
    amiss: Callable[[Recorder], Awaitable[None]],
    url: str,
    about: str,
    said: str,
) -> None:
    await amiss(recorder)
    environ = {"PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_BITBUCKET_API_URL": NOWHERE}
    settings = from_environ(environ | ({"PENSTOCK_PUBLIC_URL": url} if url else {}))
    clients = Clients(recorder.database, Vault([os.urandom(32)]), base_url=NOWHERE, per_hour=900)
    found = {one.about: one async for one in examine(recorder, clients, settings)}
    await clients.close()
    await recorder.database.close()

    assert found[about].well is False
    assert said in found[about].said


async def test_a_repository_that_never_had_a_credential_is_as_it_was_wanted_and_told_what_it_lacks(
    recorder: Recorder,
) -> None:
    await a_repository_without_a_credential(recorder)
    clients = Clients(recorder.database, Vault([os.urandom(32)]), base_url=NOWHERE, per_hour=900)
    settings = from_environ({"PENSTOCK_BITBUCKET_API_URL": NOWHERE})
    found = {one.about: one async for one in examine(recorder, clients, settings)}
    await clients.close()
    await recorder.database.close()

    assert found["confirmation of acme/shop"].well is None
    assert "`PUT /api/repositories/1` has it used" in found["confirmation of acme/shop"].said
