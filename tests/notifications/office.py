"""A notifier and a sender over one database, and a clock that the test sets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec

from service.notifications.signing import new_secret
from service.recorder import Record, Recorder
from service.store import outbox, routes
from service.store.outbox import Message
from service.store.routes import Route
from service.vault import Vault
from service.workers.carrying import Carrier
from service.workers.notifying import Notifier
from service.workers.sending import Sender
from tests.client.peer import Peer
from tests.crash.driver import Driver


@dataclass
class Office:
    """A notifier and a sender over one database, and a clock that the test sets."""

    recorder: Recorder
    notifier: Notifier
    sender: Sender
    carrier: Carrier
    vault: Vault
    user_id: int
    repository_id: int
    now: list[datetime] = field(default_factory=list)

    async def route(self, peer: Peer | None, *, target: str = "", **more: Any) -> tuple[int, str]:
        """A route's number and its secret; `target` is where it leads, the peer without it."""
        place, secret = secrets.token_hex(16), new_secret()
        seal = {"table": "routes", "row": place}
        async with self.recorder.record() as record:
            made = await routes.add(
                record.connection,
                user_id=self.user_id,
                name="ops",
                place=place,
                target=self.vault.seal((target or (peer.origin if peer else "")).encode(), column="target", **seal),
                secret=self.vault.seal(secret.encode(), column="secret", **seal),
                shown="127.0.0.1",
                paused=False,
                created_at=record.now,
                updated_at=record.now,
                **{"kind": "webhook", "filter": {}, **more},
            )
        return made.id, secret

    async def held(self, times: int = 1, *, pipeline_id: int = 1, first: int = 0) -> None:
        """Something worth telling about that pipeline, so many times, each with a reason of its own."""
        async with self.recorder.record() as record:
            for number in range(first, first + times):
                payload = {"pipeline_id": pipeline_id, "environment": "production", "reason": f"reason {number}"}
                record.log("environment.held", payload, repository_id=self.repository_id, pipeline_id=pipeline_id)

    async def wake(self, record: Record, route_id: int) -> None:
        """As what adds a message does."""
        await routes.wake(record.connection, [route_id], due_at=record.now)

    async def work(self) -> None:
        while await self.notifier.do_next():
            pass
        async with self.recorder.database.read() as connection:
            due = await routes.due(connection, now=self.now[0], besides=[], limit=50)
        for number in due:
            await self.sender.serve(number)

    def pass_time(self, **more: float) -> None:
        self.now[0] += timedelta(**more)

    async def messages(self, route_id: int) -> list[Message]:
        """Oldest first."""
        async with self.recorder.database.read() as connection:
            return (await outbox.page(connection, route_id, before=None, limit=2000))[::-1]

    async def statuses(self, route_id: int) -> list[str]:
        return [one.status for one in await self.messages(route_id)]

    async def known(self, route_id: int) -> Route:
        async with self.recorder.database.read() as connection:
            route = await routes.by_id(connection, route_id)
        assert route is not None
        return route

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        """What the log says of that kind."""
        async with self.recorder.database.read() as connection:
            return [
                msgspec.json.decode(one.payload)
                for one in (await outbox.entries_of(connection, 0, [kind], limit=50))[0]
            ]


async def reaching(driver: Driver, path: str) -> Any:
    """What a service that may die answers; None where it does not."""
    try:
        return (await driver._client.get(f"{driver.url}{path}")).json()
    except httpx.TransportError:
        return None
