"""What attacks are made with: a repository of their own, signed bodies, requests past the socket, and a look inside."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select

from service.store.tables import deliveries
from service.web.intake import PATH, Intake
from tests.living import Hook, Living, push, repository


async def fresh(penstock: Living) -> Hook:
    """One more connected repository."""
    return await penstock.connect(f"acme/{uuid.uuid4().hex[:12]}")


def a_push(hook: Hook, branch: str = "main") -> bytes:
    """A push like no other."""
    return msgspec.json.encode({"repository": repository(hook), **push(branch, uuid.uuid4().hex + "0" * 8)})


async def rows(penstock: Living, hook: Hook, *status: str) -> int:
    """How many of the hook's deliveries are stored (in one of these states)."""
    mine = select(func.count()).where(deliveries.c.repository_id == hook.id)
    async with penstock.house.database.read() as connection:
        return int(
            (await connection.execute(mine.where(deliveries.c.status.in_(status)) if status else mine)).scalar_one()
        )


async def drained(penstock: Living, hook: Hook, *, seconds: float = 60) -> None:
    """Waits until none of the hook's deliveries waits any more."""
    deadline = asyncio.get_running_loop().time() + seconds
    while left := await rows(penstock, hook, "accepted", "failed"):
        assert asyncio.get_running_loop().time() < deadline, f"{left} deliveries still wait"
        await asyncio.sleep(0.02)


def door(penstock: Living) -> Intake:
    """The service's door without the socket before it."""
    house = penstock.house
    return Intake(house.hooks, house.inbox, limit=house.settings.max_webhook_bytes)


async def knock(door: Intake, hook: Hook, headers: Sequence[tuple[bytes, bytes]], *chunks: bytes) -> int:
    """One request as ASGI has it; the status of the answer."""
    waiting = list(chunks) or [b""]
    answered: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    path = PATH + hook.url.rpartition("/")[2]
    await door({"type": "http", "method": "POST", "path": path, "headers": list(headers)}, receive, send)
    return int(answered[0]["status"])


def resident_bytes() -> int:
    """The memory of this process that is in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
