"""How a worker goes on: whatever one round raises, there is a next one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from service.bus import Bus, Topic
from service.store.database import away

logger = logging.getLogger(__name__)

# A look without a ring, in seconds: for a ring that was lost, and for tries that have come due.
BACKSTOP = 2.0


async def keep_going(bus: Bus, topic: Topic, step: Callable[[], Awaitable[bool]]) -> None:
    """Calls `step` until it answers that there is nothing left, waits for a ring, and so on until it is cancelled.

    What `step` raises is logged and never ends the rounds: a worker that ended would take its share of the work with
    it, and the database's restart is nothing but a pause.
    """
    bell = bus.subscribe(topic)
    try:
        while True:
            try:
                while await step():
                    pass
            except Exception as error:
                told_by_its_name = away(error) or isinstance(error, OSError)
                reason = {"topic": topic, "reason": type(error).__name__}
                logger.warning("worker.waits", extra=reason, exc_info=not told_by_its_name)
            await bell.wait(BACKSTOP)
    finally:
        bell.close()
