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

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.machine import State
from service.store.accounts import Viewer, may_see
from service.store.tables import executions, pipelines, repositories, transitions

DAY = 86400


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
    place = (*_place(after), executions.c.pipeline_id.in_(_first(viewer, window, after, limit)))
    rows = (await connection.execute(_measured(viewer, window, place).limit(limit))).all()
    days = await _days(connection, viewer, window, {(row.pipeline_id, row.environment) for row in rows})
    return [
        Measures(
            pipeline_id=row.pipeline_id,
            repository=f"{row.workspace}/{row.slug}",
            environment=row.environment,
            deployments=row.deployments,
            lead_time_seconds=row.lead_time,
            failures=row.failures,
            change_failure_rate=row.failures / row.changes if row.changes else None,
            time_to_restore_seconds=row.restore_time,
            unrestored=bool(row.unrestored),
            rollbacks=row.rollbacks,
            days=days.get((row.pipeline_id, row.environment), []),
        )
        for row in rows
    ]


_went_well = executions.c.status == State.SUCCESS
_rollback = executions.c.trigger_type == "rollback"
_broke = and_(
    executions.c.status == State.FAILED,
    exists().where(
        transitions.c.execution_id == executions.c.id,
        transitions.c["from"] == State.DEPLOYING,
        transitions.c.to == State.FAILED,
        transitions.c.outcome == "applied",
    ),
)
_ended = cast(extract("epoch", executions.c.completed_at), Float)
_begun = cast(extract("epoch", executions.c.created_at), Float)


def _of(viewer: Viewer, window: Window) -> tuple[ColumnElement[bool], ...]:
    asked = {
        "pipeline_id": window.pipeline_id,
        "repository_id": window.repository_id,
        "environment": window.environment,
    }
    return (
        executions.c.environment.is_not(None),
        executions.c.completed_at >= window.since,
        executions.c.completed_at < window.until,
        or_(_went_well, _broke),
        may_see(viewer, executions.c.repository_id),
        *(executions.c[name] == value for name, value in asked.items() if value is not None),
    )


def _place(after: tuple[int, str] | None) -> tuple[ColumnElement[bool], ...]:
    if after is None:
        return ()
    pipeline_id, environment = after
    same = and_(executions.c.pipeline_id == pipeline_id, executions.c.environment > environment)
    return (or_(executions.c.pipeline_id > pipeline_id, same),)


def _first(viewer: Viewer, window: Window, after: tuple[int, str] | None, limit: int) -> Select[Any]:
    """The pipelines on which a page's environments are: of the others nothing has to be read.

    One more than `limit`, for of the first of them all environments may stand on the page before.
    """
    something = exists().where(executions.c.pipeline_id == pipelines.c.id, *_of(viewer, window))
    question = select(pipelines.c.id).where(something.correlate(pipelines)).order_by(pipelines.c.id).limit(limit + 1)
    return question if after is None else question.where(pipelines.c.id >= after[0])


def _measured(viewer: Viewer, window: Window, place: tuple[ColumnElement[bool], ...]) -> Select[Any]:
    bad = or_(_broke, and_(_went_well, executions.c.rolled_back))
    change = not_(_rollback)
    deployment = and_(_went_well, change)
    own = (executions.c.pipeline_id, executions.c.environment)
    in_order: dict[str, Any] = {"partition_by": own, "order_by": (executions.c.completed_at, executions.c.id)}
    each = (
        select(
            *own,
            executions.c.repository_id,
            executions.c.completed_at,
            executions.c.id,
            case((bad, 1), else_=0).label("bad"),
            case((change, 1), else_=0).label("change"),
            case((deployment, 1), else_=0).label("deployment"),
            case((deployment, _ended - _begun)).label("lead"),
            func.lag(case((bad, 1), else_=0)).over(**in_order).label("bad_before"),
            (func.min(case((not_(bad), _ended))).over(**in_order, rows=(1, None)) - _ended).label("restore"),
        )
        .where(*_of(viewer, window), *place)
        .cte("each_one")
    )
    outage = and_(each.c.bad == 1, func.coalesce(each.c.bad_before, 0) == 0)
    counted = select(
        each,
        case((outage, 1), else_=0).label("outage"),
        case((outage, each.c.restore)).label("outage_seconds"),
    ).cte("counted")
    mine = (counted.c.pipeline_id, counted.c.environment)
    ranked = select(
        counted,
        *_ranked(counted.c.lead, mine, "lead"),
        *_ranked(counted.c.outage_seconds, mine, "outage"),
    ).cte("ranked")
    return (
        select(
            ranked.c.pipeline_id,
            ranked.c.environment,
            repositories.c.workspace,
            repositories.c.slug,
            func.sum(ranked.c.deployment).label("deployments"),
            func.sum(ranked.c.bad * ranked.c.change).label("failures"),
            func.sum(ranked.c.change).label("changes"),
            func.sum((1 - ranked.c.change) * (1 - ranked.c.bad)).label("rollbacks"),
            _median(ranked, "lead", ranked.c.lead).label("lead_time"),
            _median(ranked, "outage", ranked.c.outage_seconds).label("restore_time"),
            func.max(case((and_(ranked.c.outage == 1, ranked.c.outage_seconds.is_(None)), 1), else_=0)).label(
                "unrestored"
            ),
        )
        .join(repositories, repositories.c.id == ranked.c.repository_id)
        .group_by(ranked.c.pipeline_id, ranked.c.environment, repositories.c.workspace, repositories.c.slug)
        .order_by(ranked.c.pipeline_id, ranked.c.environment)
    )


def _ranked(value: ColumnElement[Any], by: tuple[Any, ...], name: str) -> tuple[ColumnElement[Any], ...]:
    """Each value's place among those there are, and how many there are: neither database has a median."""
    missing = case((value.is_(None), 1), else_=0)
    return (
        func.row_number().over(partition_by=by, order_by=(missing, value)).label(f"{name}_place"),
        func.count(value).over(partition_by=by).label(f"{name}_count"),
    )


def _median(ranked: Any, name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The middle value, or the mean of the two in the middle."""
    place, count = ranked.c[f"{name}_place"], ranked.c[f"{name}_count"]
    in_the_middle = and_(place * 2 >= count, place * 2 <= count + 2)
    return func.avg(case((and_(in_the_middle, value.is_not(None)), value)))


async def _days(
    connection: AsyncConnection, viewer: Viewer, window: Window, wanted: Collection[tuple[int, str]]
) -> dict[tuple[int, str], list[Day]]:
    """Only days on which something was brought there, the oldest first."""
    day = cast(func.floor(_ended / DAY), Integer).label("day")
    bad = or_(_broke, and_(_went_well, executions.c.rolled_back))
    question = (
        select(
            executions.c.pipeline_id,
            executions.c.environment,
            day,
            func.sum(case((_went_well, 1), else_=0)).label("deployments"),
            func.sum(case((bad, 1), else_=0)).label("failures"),
        )
        .where(*_of(viewer, window), not_(_rollback), executions.c.pipeline_id.in_({number for number, _ in wanted}))
        .group_by(executions.c.pipeline_id, executions.c.environment, day)
        .order_by(executions.c.pipeline_id, executions.c.environment, day)
    )
    found: dict[tuple[int, str], list[Day]] = {}
    for row in await connection.execute(question):
        at = datetime.fromtimestamp(int(row.day) * DAY, UTC).date()
        told = Day(date=at, deployments=row.deployments, failures=row.failures)
        found.setdefault((row.pipeline_id, row.environment), []).append(told)
    return found
