"""Deliveries carried from the inbox through handlers and machine to the log, without the doors in front of it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from service.bus.memory import MemoryBus
from service.history import Patience
from service.recorder import Recorder
from service.store import deliveries, executions, inbox_postgresql, inbox_sqlite, log, pipelines, repositories
from service.store.accounts import Viewer
from service.store.database import Database
from service.store.deliveries import Delivery
from service.store.executions import Execution
from service.store.inbox import Arrival, pack
from service.workers.deadlines import deadline_task
from service.workers.inbox import InboxWorker
from service.workers.tasks import TaskWorker

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
UUID = "{6a9d0c3e-5f5b-4c55-9d0f-2f8f0c4b7a10}"
PATIENCE = Patience(expect=1800, run=21600)
ADMIN = Viewer(0, "operator", is_admin=True)


@dataclass
class Carrier:
    """One connected repository, acme/shop, and the workers behind its inbox. `now` is everybody's clock."""

    database: Database
    now: datetime = NOW
    repository_id: int = 0
    pipeline_id: int = 0
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.database, MemoryBus(), now=lambda: self.now)

    async def connect(self) -> None:
        async with self.recorder.record() as record:
            shop = await repositories.connect(record.connection, workspace="acme", slug="shop", uuid=UUID, now=self.now)
            self.repository_id = shop.id
            self.pipeline_id = await pipelines.adopt(
                record.connection, shop.id, branch_pattern="{main,release/*}", now=self.now
            )

    async def carry(self, key: str, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One delivery, all the way; its verdicts."""
        return (await self.deliver(key, payload)).verdicts

    async def deliver(self, key: str, payload: Mapping[str, Any], request_uuid: str = "") -> Delivery:
        repository = {"type": "repository", "full_name": "acme/shop", "uuid": UUID, "name": "shop"}
        body = msgspec.json.encode({"repository": repository, **payload})
        arrival = Arrival(
            hook_id="hook",
            repository_id=self.repository_id,
            request_uuid=request_uuid or uuid.uuid4().hex,
            digest=sha256(body).digest(),
            event_key=key,
            attempt=1,
            packed=pack(body),
            received_at=self.now,
        )
        commit = (inbox_sqlite if self.database.embedded else inbox_postgresql).connect(self.database)
        [(_, number)] = await commit(lambda: [arrival])
        commit.close()
        return await self.processed(number)

    async def processed(self, number: str) -> Delivery:
        while await InboxWorker(self.recorder, PATIENCE).process_next():
            pass
        async with self.database.read() as connection:
            found = await deliveries.seen_by(connection, ADMIN, number)
        assert found is not None
        return found

    async def replay(self, number: str) -> Delivery:
        async with self.recorder.record() as record:
            assert await deliveries.replay(record.connection, number, self.now)
        return await self.processed(number)

    async def wait(self, seconds: float) -> None:
        """Lets time pass, and those who watch the deadlines look."""
        self.now += timedelta(seconds=seconds)
        while await TaskWorker(self.recorder, {"deadline": deadline_task(PATIENCE)}).do_next():
            pass

    async def executions(self) -> list[Execution]:
        """Oldest first."""
        async with self.database.read() as connection:
            found = await executions.page(connection, ADMIN, before=None, limit=100)
        return found[::-1]

    async def only(self) -> Execution:
        [execution] = await self.executions()
        return execution

    async def history(self) -> list[tuple[str, str, str]]:
        """(from, to, outcome) of every transition of the only execution."""
        execution = await self.only()
        async with self.database.read() as connection:
            found = await executions.transitions_of(connection, execution.id)
        return [(line.from_, line.to, line.outcome) for line in found]

    async def logged(self) -> list[str]:
        """The kinds of entries, the deliveries' own apart."""
        async with self.database.read() as connection:
            return [line.kind for line in await log.read_after(connection, 0) if line.kind != "delivery.processed"]


@asynccontextmanager
async def carrying(database: Database) -> AsyncIterator[Carrier]:
    carrier = Carrier(database)
    await carrier.connect()
    yield carrier
