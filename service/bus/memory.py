"""A doorbell within one process: what an embedded Penstock needs, and the last metre of every other bus."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from service.bus import Topic


class Bell:
    """One listener's bell."""

    def __init__(self, listeners: set[Bell]) -> None:
        self._listeners = listeners
        self._rung = asyncio.Event()
        listeners.add(self)

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout: float) -> bool:
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True

    def close(self) -> None:
        self._listeners.discard(self)


class MemoryBus:
    """Rings the bells of this process."""

    def __init__(self) -> None:
        self._bells: defaultdict[Topic, set[Bell]] = defaultdict(set)

    def ring(self, *topics: Topic) -> None:
        for topic in topics:
            for bell in self._bells[topic]:
                bell.ring()

    def subscribe(self, topic: Topic) -> Bell:
        return Bell(self._bells[topic])

    async def close(self) -> None:
        self._bells.clear()


async def connect(url: str, database_url: str) -> MemoryBus:
    """Neither address matters: nobody outside this process is reached."""
    return MemoryBus()
