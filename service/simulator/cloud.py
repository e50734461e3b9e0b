"""What all repositories of one simulator share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from service.simulator.actors import Actor
from service.simulator.clock import Clock
from service.simulator.delivering import Courier

SITE = "https://bitbucket.org"
"""Pages for people stay at the real address: that is what the links in deliveries look like."""


class Cloud:
    """The clock, the courier, the addresses, what goes on in the background."""

    def __init__(self, clock: Clock, courier: Courier) -> None:
        self.clock = clock
        self.courier = courier
        self.api_url = "https://api.bitbucket.org/2.0"
        self.storage_url = "https://storage.example.net"
        self._workspaces: dict[str, Actor] = {}
        self._background: set[asyncio.Task[None]] = set()

    def workspace(self, slug: str) -> Actor:
        """The owner of a workspace's repositories, one and the same for all of them."""
        return self._workspaces.setdefault(slug, Actor(slug.title(), kind="team"))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` go on by itself: a REST answer does not wait for the deliveries it causes."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def settled(self) -> None:
        """Wait until nothing goes on in the background; raises what went wrong there."""
        while self._background:
            await asyncio.gather(*self._background)

    async def stop(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
