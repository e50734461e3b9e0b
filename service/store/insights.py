"""Questions about how well deploying goes: the four measures of DORA, https://dora.dev/guides/dora-metrics-four-keys/.

What is counted is an execution of an environment that ended in the window and had got as far as changing it: one that
went well, or one that failed while DEPLOYING. One that failed while building or testing changed nothing and counts not.

deployments             executions that went well, rollbacks apart, whether or not they were rolled back afterwards
lead_time_seconds       of those, the median of the time from when Penstock heard of the commit (its push, or the call
                        that started it) to the end of the run: not from when the commit was written, which nobody says
failures                changes that failed while deploying, or were rolled back
change_failure_rate     failures among all changes: failures that never went live, and deployments
time_to_restore_seconds the median of the time from a failure after which the environment was broken to the next release
                        that went well and stayed, a rollback's too; failures one after another are one outage
unrestored              whether the newest outage has not ended yet

Medians, because one run that waited a weekend for an approval would move every mean.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.machine import State
from service.store import overview
from service.store.accounts import Viewer, may_see
from service.store.tables import executions, pipelines, transitions

# So many rows are read at a time: they are reckoned up as they come, and none is kept.
STRIDE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was brought to an environment on a day, by UTC; `failures` as in `Measures`."""

    date: date
    deployments: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One environment of one pipeline. What there was nothing to measure for is None."""

    pipeline_id: int
    repository: str
    environment: str
    deployments: int
    lead_time_seconds: float | None
    failures: int
    change_failure_rate: float | None
    time_to_restore_seconds: float | None
    unrestored: bool
    rollbacks: int
    days: list[Day] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is asked about: from `since` to before `until`, and whose."""

    since: datetime
    until: datetime
    pipeline_id: int | None = None
    repository_id: int | None = None
    environment: str | None = None


async def measures(
    connection: AsyncConnection, viewer: Viewer, window: Window, *, after: tuple[int, str] | None, limit: int
) -> list[Measures]:
    """By pipeline and environment, in that order, from behind `after` on: of what the viewer may see."""
    told = [executions.c[name] for name in ("status", "trigger_type", "rolled_back", "created_at", "completed_at")]
    question = (
        select(executions.c.pipeline_id, executions.c.environment, executions.c.repository_id, *told)
        .where(*_of(window), executions.c.pipeline_id.in_(_first(viewer, window, after, limit)))
        .order_by(executions.c.pipeline_id, executions.c.completed_at, executions.c.id)
    )
    places: dict[tuple[int, str], _Place] = {}
    async with connection.stream(question) as rows:
        while part := await rows.fetchmany(STRIDE):
            for run in part:
                key = (run.pipeline_id, run.environment)
                if key not in places:
                    places[key] = _Place(key=key, repository_id=run.repository_id)
                places[key].note(run)
            whole = [key for key in places if key[0] < part[-1].pipeline_id and _behind(after, key)]
            if len(whole) >= limit:
                break
    # in the order of the letters' numbers, which no database's collation changes
    found = sorted((one for key, one in places.items() if _behind(after, key)), key=lambda one: one.key)[:limit]
    names = await overview.names_of(connection, {one.repository_id for one in found})
    return [one.measures(names[one.repository_id]) for one in found]


def _behind(after: tuple[int, str] | None, key: tuple[int, str]) -> bool:
    return after is None or key > after


@dataclass(slots=True, kw_only=True)
class _Place:
    """One environment of one pipeline, while its executions are told one after the other, as they ended."""

    key: tuple[int, str]
    repository_id: int
    deployments: int = 0
    failures: int = 0
    changes: int = 0
    rollbacks: int = 0
    leads: list[float] = field(default_factory=list)
    outages: list[float] = field(default_factory=list)
    down_since: datetime | None = None
    days: dict[date, tuple[int, int]] = field(default_factory=dict)

    def note(self, run: Row[Any]) -> None:
        well = run.status == State.SUCCESS
        bad = not well or run.rolled_back
        if run.trigger_type != "rollback":
            self._note_change(run, well=well, bad=bad)
        elif not bad:
            self.rollbacks += 1
        if bad:
            self.down_since = self.down_since or run.completed_at
        elif self.down_since is not None:
            self.outages.append((run.completed_at - self.down_since).total_seconds())
            self.down_since = None

    def _note_change(self, run: Row[Any], *, well: bool, bad: bool) -> None:
        self.changes += 1
        self.deployments += well
        self.failures += bad
        if well:
            self.leads.append((run.completed_at - run.created_at).total_seconds())
        day = run.completed_at.astimezone(UTC).date()
        deployed, failed = self.days.get(day, (0, 0))
        self.days[day] = (deployed + well, failed + bad)

    def measures(self, repository: str) -> Measures:
        return Measures(
            pipeline_id=self.key[0],
            repository=repository,
            environment=self.key[1],
            deployments=self.deployments,
            lead_time_seconds=statistics.median(self.leads) if self.leads else None,
            failures=self.failures,
            change_failure_rate=self.failures / self.changes if self.changes else None,
            time_to_restore_seconds=statistics.median(self.outages) if self.outages else None,
            unrestored=self.down_since is not None,
            rollbacks=self.rollbacks,
            days=[Day(date=day, deployments=good, failures=bad) for day, (good, bad) in self.days.items()],
        )


_went_well = executions.c.status == State.SUCCESS
_broke = and_(
    executions.c.status == State.FAILED,
    exists().where(
        transitions.c.execution_id == executions.c.id,
        transitions.c["from"] == State.DEPLOYING,
        transitions.c.to == State.FAILED,
        transitions.c.outcome == "applied",
    ),
)


def _of(window: Window) -> tuple[ColumnElement[bool], ...]:
    """What counts."""
    return (
        executions.c.environment.is_not(None)
        if window.environment is None
        else executions.c.environment == window.environment,
        executions.c.completed_at >= window.since,
        executions.c.completed_at < window.until,
        or_(_went_well, _broke),
    )


def _first(viewer: Viewer, window: Window, after: tuple[int, str] | None, limit: int) -> Select[Any]:
    """The pipelines on which a page's environments are, of those that the viewer may see: no other's are read.

    One more than `limit`, for of the first of them all environments may stand on the page before.
    """
    something = exists().where(executions.c.pipeline_id == pipelines.c.id, *_of(window)).correlate(pipelines)
    question = select(pipelines.c.id).where(may_see(viewer, pipelines.c.repository_id), something)
    for column, value in ((pipelines.c.id, window.pipeline_id), (pipelines.c.repository_id, window.repository_id)):
        question = question if value is None else question.where(column == value)
    if after is not None:
        question = question.where(pipelines.c.id >= after[0])
    return question.order_by(pipelines.c.id).limit(limit + 1)
