"""The hooks that deliveries come through, with their secrets opened, kept for some seconds.

A busy hook is looked up in the database every few seconds, not for every delivery. What changes here is forgotten
here at once; another replica notices after TTL, which a rotation and a disconnection can both afford.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from service.store import repositories
from service.store.database import Database
from service.vault import Vault

TTL = 5.0
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class KnownHook:
    """A hook as the intake needs it. `secrets` are (secret, good until; None: for good), the current one first."""

    repository_id: int
    repository_uuid: str | None
    full_name: str
    secrets: tuple[tuple[bytes, datetime | None], ...] = field(repr=False)

    def valid(self, now: datetime) -> list[bytes]:
        return [secret for secret, until in self.secrets if until is None or until > now]


class Hooks:
    """Looks hooks up by their id. `time` is a monotonic clock in seconds."""

    def __init__(self, database: Database, vault: Vault, time: Callable[[], float]) -> None:
        self._database = database
        self._vault = vault
        self._time = time
        self._kept: dict[str, tuple[float, KnownHook | None]] = {}
        self._asking: dict[str, asyncio.Task[KnownHook | None]] = {}

    async def get(self, hook_id: str, *, timeout: float) -> KnownHook | None:
        """None for an unknown one. Raises TimeoutError where the database does not say in so many seconds."""
        kept = self._kept.get(hook_id)
        if kept is not None and kept[0] > self._time():
            return kept[1]
        asking = self._asking.get(hook_id)
        if asking is None:  # of many deliveries at once one asks, the others wait for its answer
            asking = self._asking[hook_id] = asyncio.create_task(self._ask(hook_id))
            asking.add_done_callback(lambda done: self._answered(hook_id, done))
        done, _ = await asyncio.wait((asking,), timeout=timeout)
        if not done:
            raise TimeoutError
        return asking.result()

    def forget(self, hook_id: str) -> None:
        self._kept.pop(hook_id, None)
        self._asking.pop(hook_id, None)  # what is being read now may be the state before

    async def _ask(self, hook_id: str) -> KnownHook | None:
        async with self._database.read() as connection:
            found = await repositories.hook(connection, hook_id)
        return self._open(found) if found else None

    def _answered(self, hook_id: str, asking: asyncio.Task[KnownHook | None]) -> None:
        failed = asking.cancelled() or asking.exception() is not None
        if self._asking.get(hook_id) is not asking:
            return  # forgotten meanwhile
        del self._asking[hook_id]
        if failed:
            return
        if len(self._kept) >= MOST_KEPT:  # a flood of invented ids must not fill the memory
            self._kept.clear()
        self._kept[hook_id] = (self._time() + TTL, asking.result())

    def _open(self, hook: repositories.Hook) -> KnownHook:
        place = {"table": "hooks", "column": "secret", "row": hook.id}
        secrets: list[tuple[bytes, datetime | None]] = [(self._vault.open(hook.secret, **place), None)]
        if hook.previous_secret is not None and hook.previous_until is not None:
            secrets.append((self._vault.open(hook.previous_secret, **place), hook.previous_until))
        return KnownHook(hook.repository_id, hook.repository_uuid, hook.full_name, tuple(secrets))
