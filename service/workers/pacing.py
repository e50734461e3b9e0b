"""How often runs are looked at: as often as was asked for, or as the calls of their credential bear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.client.budget import slowed
from service.clock import written
from service.recorder import Record
from service.store import buckets, executions
from service.store.executions import Execution
from service.store.repositories import Repository

# Seconds between two looks at most, however little is left.
LONGEST = 900.0

# After so many looks, or so many seconds of `alone`, all is asked anew, whatever seems to go on.
LOOKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between two looks at a run: while somebody watches it, and while nobody does; the credential's calls."""

    watched: float
    alone: float
    per_hour: int

    def demand(self, under_way: int, seen: int) -> float:
        """Calls a second for so many runs, `seen` of them watched.

        Of one that is watched the log is asked for at each look, of another the steps too; and the rest now and then.
        """
        of_watched = 1 / self.watched + 2 / max(self.alone, LOOKS * self.watched)
        of_alone = (2 + 1 / LOOKS) / self.alone
        return seen * of_watched + (under_way - seen) * of_alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a run's row of work remembers between two looks. Whoever adds the row anew asks for all of it."""

    every: float = 0.0
    slowed: bool = False
    asked_at: datetime | None = None  # when the run itself was asked for

    @staticmethod
    def of(payload: dict[str, Any]) -> Look:
        asked_at = payload.get("asked_at")
        return Look(
            every=payload.get("every", 0.0),
            slowed=payload.get("slowed", False),
            asked_at=datetime.fromisoformat(asked_at) if asked_at else None,
        )

    def payload(self, execution_id: int) -> dict[str, Any]:
        told: dict[str, Any] = {"execution_id": execution_id, "every": self.every, "slowed": self.slowed}
        return {**told, "asked_at": written(self.asked_at)} if self.asked_at else told

    def is_over(self, pace: Pace, now: datetime) -> bool:
        """Whether it is time to ask for the run itself again."""
        if self.asked_at is None:
            return True
        return now - self.asked_at >= timedelta(seconds=max(pace.alone, LOOKS * self.every))


def watched(execution: Execution, now: datetime) -> bool:
    return execution.watched_until is not None and execution.watched_until > now


async def next_look(
    record: Record, execution: Execution, repository: Repository, pace: Pace, asked_at: datetime | None
) -> Look:
    """Where all runs together would cost more than there is, each is looked at that many times more slowly."""
    credential_id = repository.credential_id or 0
    under_way, seen = await executions.followed_with(record.connection, credential_id, record.now)
    recent = await buckets.recent_calls(record.connection, credential_id, record.now)
    times = slowed(pace.demand(under_way, seen), recent=recent, per_hour=pace.per_hour)
    usual = pace.watched if watched(execution, record.now) else pace.alone
    every = max(usual, min(usual * times, LONGEST))
    return Look(every=round(every, 3), slowed=every > usual, asked_at=asked_at)
