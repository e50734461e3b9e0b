"""What a look for drift has found, set against what was known: each change is told once, and ends when it is undone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.clock import written
from service.recorder import Record
from service.store import drifts
from service.store.pipelines import Pipeline

LONGEST_SUBJECT = 512
LONGEST_DETAIL = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One thing that is not as Penstock last left it. `found` is whatever tells this change from another one."""

    kind: str
    subject: str
    change: str
    detail: str
    found: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.change}\0{self.found or self.detail}".encode()).hexdigest()


async def note(record: Record, pipeline: Pipeline, kinds: Collection[str], found: Sequence[Apart]) -> None:
    """`found` is all there is of these `kinds`. The repository must be locked."""
    known = {(one.kind, one.subject): one for one in await drifts.open_of(record.connection, pipeline.id)}
    now = {(one.kind, one.subject[:LONGEST_SUBJECT]): one for one in found}
    for place, one in known.items():
        if place[0] in kinds and place not in now:
            await drifts.change(record.connection, one.id, ended_at=record.now)
    for place, apart in now.items():
        before = known.get(place)
        values = {"change": apart.change, "detail": apart.detail[:LONGEST_DETAIL], "digest": apart.digest}
        if before is not None and before.digest == apart.digest:
            await drifts.change(record.connection, before.id, seen_at=record.now)
            continue
        if before is not None:
            await drifts.change(record.connection, before.id, **values, found_at=record.now, seen_at=record.now)
        else:
            row = {"repository_id": pipeline.repository_id, "pipeline_id": pipeline.id, "kind": place[0]}
            times = {"found_at": record.now, "seen_at": record.now}
            await drifts.add(record.connection, **row, subject=place[1], **values, **times)
        told = {
            "pipeline_id": pipeline.id,
            "kind": apart.kind,
            "subject": place[1],
            "change": apart.change,
            "detail": values["detail"],
            "at": written(record.now),
        }
        record.log("config.drifted", told, repository_id=pipeline.repository_id, pipeline_id=pipeline.id)


async def look_for_it(record: Record, pipeline_id: int, *, due_at: datetime | None = None) -> None:
    """Somebody is to compare the pipeline with reality: now, or at that time."""
    await record.work("drift", str(pipeline_id), {"pipeline_id": pipeline_id}, due_at=due_at)


# How long after something was brought it is first looked at: by then everything has settled.
FIRST_LOOK = timedelta(minutes=10)
