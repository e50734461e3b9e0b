"""What one credential may still ask: the calls of the hour, Bitbucket's requests to wait, and whether it works."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from service import clock
from service.client.errors import BitbucketError, BudgetSpent, NotAllowed, RateLimited
from service.store import buckets, credentials
from service.store.database import Database

# What a person asks for may go this part beyond the budget.
OVERDRAFT = 0.1

# Following runs leaves this part of the hour's calls to all else, and spends what is left beside it in so many seconds.
KEPT_BACK, SPENT_IN = 0.2, 1800.0

# Seconds to wait after a 429 that does not say how long: doubled with each that follows.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0

# Seconds for which a refused credential is not tried again.
BROKEN_PAUSE = 300.0


def slowed(demand: float, *, recent: float, per_hour: int) -> float:
    """How many times more slowly runs are to be looked at than they would be with `demand` calls a second.

    `recent` is what was asked of late. What the hour has left, but for a part, is spent within half an hour: so a few
    runs, or many for a short while, are looked at as often as was asked for, and no hour takes more than its calls.
    """
    left = per_hour * (1.0 - KEPT_BACK) - recent
    return max(1.0, demand * SPENT_IN / left) if left > 0.0 else math.inf


class Budget:
    """Shared through the database: every process draws from the same bucket and waits for the same end."""

    def __init__(
        self,
        database: Database,
        credential_id: int,
        name: str,
        *,
        per_hour: int,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.name = name
        self._database = database
        self._id = credential_id
        self._per_hour = per_hour
        self._now = now
        self._limits_met = 0
        self._broken = False

    async def take(self, *, urgent: bool = False) -> None:
        """Draw one call. Raises BudgetSpent, RateLimited, or NotAllowed for a credential that was just refused."""
        pace = buckets.Pace(self._per_hour, self._per_hour * OVERDRAFT if urgent else 0.0)
        now = self._now()
        async with self._database.write() as connection:
            bucket = await buckets.take_call(connection, self._id, pace, now)
            if bucket is None:
                raise self._why_not(await buckets.bucket(connection, self._id, pace, now), now)
        self._broken = bucket.broken is not None

    async def rate_limited(self, retry_after: float | None) -> float:
        """Bitbucket said 429: nobody calls for as many seconds as it asks for, or as long as a back-off says."""
        if retry_after is None:
            longest = min(FIRST_PAUSE * 2**self._limits_met, LONGEST_PAUSE)
            retry_after = longest * random.uniform(0.5, 1.0)  # noqa: S311 - it spreads callers, nothing else
            self._limits_met = min(self._limits_met + 1, 16)
        async with self._database.write() as connection:
            await buckets.block(connection, self._id, self._now() + timedelta(seconds=retry_after))
        return retry_after

    async def refused(self, why: str) -> None:
        """Bitbucket said 401: the credential is broken, and is left alone for a while."""
        self._broken = True
        now = self._now()
        async with self._database.write() as connection:
            await credentials.mark_broken(connection, self._id, why, now)
            await buckets.block(connection, self._id, now + timedelta(seconds=BROKEN_PAUSE))

    async def worked(self) -> None:
        self._limits_met = 0
        if self._broken:
            self._broken = False
            async with self._database.write() as connection:
                await credentials.mark_working(connection, self._id)

    def _why_not(self, bucket: buckets.Bucket | None, now: datetime) -> BitbucketError:
        if bucket is None:
            return NotAllowed(f"the credential {self.name!r} was removed", credential=self.name, status=401)
        if bucket.blocked_until and bucket.blocked_until > now:
            if bucket.broken:
                return NotAllowed(bucket.broken, credential=self.name, status=401)
            seconds = (bucket.blocked_until - now).total_seconds()
            why = f"Bitbucket has asked to wait before the credential {self.name!r} is used again: {seconds:.0f} s"
            return RateLimited(why, retry_after=seconds)
        until = clock.written(bucket.free_at)
        why = f"the credential {self.name!r} has used its {self._per_hour} calls per hour; the next is free at {until}"
        return BudgetSpent(why, until=bucket.free_at)
