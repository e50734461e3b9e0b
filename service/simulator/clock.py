"""The simulated cloud's own time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time of the cloud, `speed` times as fast as the wall's.

    No two readings are equal: whatever carries a time can be put in order by it. A played plan waits through `sleep`,
    so one clock with a high speed makes a whole demo quick.
    """

    def __init__(self, *, start: datetime | None = None, speed: float = 1.0) -> None:
        self.speed = speed
        self._now = start or datetime.now(UTC)
        self._read = time.monotonic()

    def now(self) -> datetime:
        """The present, in UTC."""
        read = time.monotonic()
        self._now += max(timedelta(seconds=(read - self._read) * self.speed), timedelta(microseconds=1))
        self._read = read
        return self._now

    def advance(self, seconds: float) -> None:
        """Jump ahead at once: an hour for a rate limit to roll over, a day for something to expire."""
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of the cloud's time."""
        await asyncio.sleep(seconds / self.speed)


def webhook_time(moment: datetime) -> str:
    """A time as webhooks write it: `2026-03-01T10:15:00.123456+00:00`."""
    return moment.astimezone(UTC).isoformat()


def commit_time(moment: datetime) -> str:
    """A commit's time: whole seconds, as git keeps them."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def pipelines_time(moment: datetime) -> str:
    """A time as the Pipelines part of the REST API writes it: `Z` behind nine digits."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
