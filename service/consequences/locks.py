"""An execution that begins takes its environment's lock; one that ends leaves it, and the next in line begins."""

from __future__ import annotations

from service import occupancy
from service.consequences.moved import Moved
from service.recorder import Record


async def follow_the_lock(record: Record, moved: Moved) -> None:
    await occupancy.follow(record, moved.execution)
