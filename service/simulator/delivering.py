"""Deliveries as Bitbucket makes them, with its rules for trying again.

https://support.atlassian.com/bitbucket-cloud/docs/troubleshoot-webhooks/: ten seconds for an answer; only a 5xx is sent
again, at once, at most twice; a body over 256 KB is not sent and nothing says so.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from service.bitbucket.signature import sign
from service.simulator.actors import new_uuid
from service.simulator.clock import Clock
from service.simulator.faults import DeliveryFaults, Fate
from service.simulator.settings import Hook

MAX_BODY = 256 * 1024
ATTEMPTS = 3

Outcome = int | str
"""The HTTP status that came back, or TIMEOUT, or NETWORK ERROR: the words of Bitbucket's request log."""


@dataclass(slots=True)
class Delivery:
    """One webhook request with all its attempts. `fate` is sent, held, lost or too large."""

    hook: Hook
    event_key: str
    body: bytes = field(repr=False)
    fate: str = "sent"
    request_uuid: str = field(default_factory=lambda: new_uuid().strip("{}"))
    outcomes: list[Outcome] = field(default_factory=list)
    answers: list[str] = field(default_factory=list, repr=False)

    @property
    def payload(self) -> Any:
        return json.loads(self.body)

    def headers(self, attempt: int) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Bitbucket-Webhooks/2.0",
            "X-Attempt-Number": str(attempt),
            "X-Event-Key": self.event_key,
            "X-Hook-UUID": self.hook.uuid.strip("{}"),
            "X-Request-UUID": self.request_uuid,
        }
        if self.hook.secret:
            headers["X-Hub-Signature"] = sign(self.body, self.hook.secret.encode())
        return headers


class Courier:
    """Carries deliveries to hooks: one after another per hook, unless a fault has it otherwise."""

    def __init__(self, clock: Clock, faults: DeliveryFaults) -> None:
        self.timeout_seconds = 10.0
        self.history: list[Delivery] = []
        self._clock = clock
        self._faults = faults
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # No time-out here: `_attempt` limits the whole answer, httpx would limit each part of it.
        # A connection per attempt: one kept from before a receiver's restart would look like its failure.
        # trust_env off: a proxy of the machine is no part of the simulated network.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(verify=_trust(), trust_env=False, limits=limits, timeout=None)  # noqa: S113

    async def announce(self, hooks: Iterable[Hook], event_key: str, payload: object) -> None:
        """Deliver `payload` to every active hook that asked for `event_key`; returns when all have answered."""
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        wanted = [hook for hook in hooks if hook.active and event_key in hook.events]
        await asyncio.gather(*(self.send(hook, event_key, body) for hook in wanted))

    async def send(self, hook: Hook, event_key: str, body: bytes) -> Delivery:
        """Deliver exactly these bytes, signed with the hook's secret."""
        delivery = Delivery(hook, event_key, body)
        self.history.append(delivery)
        if len(body) > MAX_BODY:
            delivery.fate = "too large"
            return delivery
        fate = self._faults.fate(event_key)
        if fate.lost or fate.held:
            delivery.fate = "lost" if fate.lost else "held"
            return delivery
        await self._carry(delivery, fate)
        return delivery

    async def release(self, *, newest_first: bool = False, seed: int | None = None) -> None:
        """Send what was held: as it came, newest first, or shuffled by `seed`."""
        held = [delivery for delivery in self.history if delivery.fate == "held"]
        if newest_first:
            held.reverse()
        if seed is not None:
            random.Random(seed).shuffle(held)  # noqa: S311 - a repeatable order, not a secret
        for delivery in held:
            delivery.fate = "sent"
            await self._attempts(delivery)

    async def resend(self, delivery: Delivery) -> None:
        """Send the same bytes under the same request uuid once more, as the button in the hook's history does."""
        await self._attempts(delivery)

    async def close(self) -> None:
        await self._client.aclose()

    async def _carry(self, delivery: Delivery, fate: Fate) -> None:
        if fate.delay_seconds:
            await self._clock.sleep(fate.delay_seconds)
        async with self._turns[delivery.hook.uuid]:
            await asyncio.gather(*(self._attempts(delivery) for _ in range(fate.copies)))

    async def _attempts(self, delivery: Delivery) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            outcome = await self._attempt(delivery, attempt)
            delivery.outcomes.append(outcome)
            if not (isinstance(outcome, int) and outcome >= 500):
                return

    async def _attempt(self, delivery: Delivery, attempt: int) -> Outcome:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                answer = await self._client.post(
                    delivery.hook.url, content=delivery.body, headers=delivery.headers(attempt)
                )
        except TimeoutError:
            return "TIMEOUT"
        except httpx.TransportError:
            return "NETWORK ERROR"
        delivery.answers.append(answer.text)
        return answer.status_code


@cache
def _trust() -> ssl.SSLContext:
    """The machine's certificates: reading them takes longer than all the rest of a simulator's start."""
    return ssl.create_default_context()
