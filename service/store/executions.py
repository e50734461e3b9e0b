"""Questions about executions, the observations of them and their transitions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.events import Source, Trigger
from service.machine import Observation, State
from service.store.accounts import Viewer, may_see
from service.store.tables import executions, observations, repositories, transitions, unfinished

# How the reason of an execution begins that nothing more was heard of.
LOST = "lost"

_ADD = insert(executions).returning(*executions.c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One try to bring a commit to an environment: one Bitbucket run, or the expectation of one."""

    id: int
    pipeline_id: int
    repository_id: int
    environment: str | None
    status: str
    trigger_type: str
    branch: str | None
    bitbucket_build_number: int | None
    bitbucket_pipeline_uuid: str | None
    bitbucket_commit_hash: str | None
    attempt: int
    confirmed: bool
    reported_status: str | None
    waiting_on: str | None
    waits_for: str | None
    error_message: str | None
    rolled_back: bool
    rollback_reason: str | None
    previous_execution_id: int | None
    pushed: bool
    message: str | None
    author: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    passed_at: datetime | None
    deadline_at: datetime | None
    watched_until: datetime | None
    config_revision_id: int | None

    @property
    def waits_for_a_run(self) -> bool:
        """Its run may still begin: also after the deadline, when the machines were busy.

        Not that of one which waits here: Penstock has not asked for its run yet.
        """
        if self.waits_for is not None:
            return False
        given_up = self.error_message is not None and self.error_message.startswith(LOST)
        return self.bitbucket_build_number is None and (self.status == State.PLANNED or given_up)

    @property
    def verifying(self) -> bool:
        """Bitbucket is done with it, and its environment is asked whether it is well."""
        return self.passed_at is not None and self.status == State.DEPLOYING

    @property
    def duration_seconds(self) -> float | None:
        """From the run's begin to its end, by Bitbucket's clock; None until both are known."""
        if self.started_at is None or self.completed_at is None:
            return None
        return round((self.completed_at - self.started_at).total_seconds(), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One observation's effect. `at` is when it happened, `recorded_at` when it reached us."""

    id: int
    at: datetime
    recorded_at: datetime
    from_: str
    to: str
    attempt: int
    trigger: str
    source: str
    confirmed: bool
    reason: str | None
    outcome: str
    delivery_id: str | None


async def add(connection: AsyncConnection, **values: Any) -> Execution:
    """A new execution, PLANNED, with these of its columns; the others at their defaults."""
    row: dict[str, Any] = {"status": "PLANNED", "attempt": 1, "confirmed": False, "rolled_back": False, **values}
    found = (await connection.execute(_ADD, row)).one()
    return Execution(**found._mapping)


async def change(connection: AsyncConnection, execution_id: int, **values: Any) -> Execution:
    """The execution as it is afterwards."""
    statement = update(executions).where(executions.c.id == execution_id).values(values).returning(*executions.c)
    return Execution(**(await connection.execute(statement)).one()._mapping)


async def by_id(connection: AsyncConnection, execution_id: int, *, lock: bool = False) -> Execution | None:
    question = select(executions).where(executions.c.id == execution_id)
    return await _first(connection, question.with_for_update() if lock else question)


async def by_build_number(connection: AsyncConnection, repository_id: int, number: int) -> Execution | None:
    question = select(executions).where(
        executions.c.repository_id == repository_id, executions.c.bitbucket_build_number == number
    )
    return await _first(connection, question)


async def expected(
    connection: AsyncConnection, repository_id: int, *, commit: str, branch: str | None
) -> Execution | None:
    """The oldest execution that waits for Bitbucket's run of this commit (and branch, where it is known).

    One that was given up waits still: its run may begin after the deadline, when the machines were busy.
    """
    question = select(executions).where(
        executions.c.repository_id == repository_id,
        executions.c.bitbucket_commit_hash == commit,
        executions.c.bitbucket_build_number.is_(None),
    )
    if branch is not None:
        question = question.where(executions.c.branch == branch)
    found = [Execution(**row._mapping) for row in await connection.execute(question.order_by(executions.c.id))]
    return next((one for one in found if one.waits_for_a_run), None)


async def newest(connection: AsyncConnection, repository_id: int, branch: str | None) -> Execution | None:
    """The last one that was opened, of this branch where one is given."""
    question = select(executions).where(executions.c.repository_id == repository_id)
    if branch is not None:
        question = question.where(executions.c.branch == branch)
    return await _first(connection, question.order_by(executions.c.id.desc()).limit(1))


async def of_commit(connection: AsyncConnection, repository_id: int, *, commit: str, branch: str) -> list[Execution]:
    """Every execution of this commit on this branch, or on one that was not told; the oldest first."""
    question = select(executions).where(
        executions.c.repository_id == repository_id,
        executions.c.bitbucket_commit_hash == commit,
        or_(executions.c.branch == branch, executions.c.branch.is_(None)),
    )
    return [Execution(**row._mapping) for row in await connection.execute(question.order_by(executions.c.id))]


async def had_before(connection: AsyncConnection, execution: Execution) -> bool:
    """Whether an earlier execution brought the same commit to the same environment, or tried to."""
    mine = (
        executions.c.repository_id == execution.repository_id,
        executions.c.bitbucket_commit_hash == execution.bitbucket_commit_hash,
        executions.c.pipeline_id == execution.pipeline_id,
        executions.c.environment == execution.environment,
        executions.c.id < execution.id,
    )
    return bool((await connection.execute(select(exists().where(*mine)))).scalar())


async def newer_under_way(connection: AsyncConnection, execution: Execution) -> int | None:
    """A newer execution of the same environment that has not ended, nor waits here to be started: also one that is
    only expected, because somebody has just pushed."""
    question = select(executions.c.id).where(
        executions.c.pipeline_id == execution.pipeline_id,
        executions.c.environment == execution.environment,
        executions.c.id > execution.id,
        unfinished,
        executions.c.waits_for.is_(None),
    )
    number: int | None = (await connection.execute(question.limit(1))).scalar()
    return number


async def failed_after(
    connection: AsyncConnection, pipeline_id: int, environment: str, *, after: tuple[int, datetime] | None, limit: int
) -> list[Execution]:
    """An environment's executions that have failed; the newest first.

    `after` is (number, time): then those opened after that one, or ended after that time, as a rerun does.
    """
    question = select(executions).where(
        executions.c.pipeline_id == pipeline_id,
        executions.c.environment == environment,
        executions.c.status == State.FAILED,
    )
    if after is not None:
        question = question.where(or_(executions.c.id > after[0], executions.c.completed_at > after[1]))
    rows = await connection.execute(question.order_by(executions.c.id.desc()).limit(limit))
    return [Execution(**row._mapping) for row in rows]


async def waiting_for_a_run(connection: AsyncConnection, repository_id: int) -> list[Execution]:
    """Those of which Bitbucket has begun no run, the oldest first."""
    question = select(executions).where(
        executions.c.repository_id == repository_id,
        executions.c.bitbucket_build_number.is_(None),
        executions.c.waits_for.is_(None),
        executions.c.status == State.PLANNED,
        unfinished,  # by the index of those
    )
    return [Execution(**row._mapping) for row in await connection.execute(question.order_by(executions.c.id))]


async def followed_with(connection: AsyncConnection, credential_id: int, now: datetime) -> tuple[int, int]:
    """(how many runs under way are looked at with the calls of this credential, how many of them are watched)."""
    mine = (
        repositories.c.credential_id == credential_id,
        executions.c.bitbucket_build_number.is_not(None),
        unfinished,
    )
    seen = func.count().filter(executions.c.watched_until > now)
    joined = executions.join(repositories, repositories.c.id == executions.c.repository_id)
    row = (await connection.execute(select(func.count(), seen).select_from(joined).where(*mine))).one()
    return int(row[0]), int(row[1])


async def under_way(connection: AsyncConnection, repository_id: int) -> bool:
    """Whether anything in the repository has not ended."""
    mine = (executions.c.repository_id == repository_id, unfinished)
    return bool((await connection.execute(select(exists().where(*mine)))).scalar())


async def observations_of(connection: AsyncConnection, execution_id: int) -> list[Observation]:
    question = select(observations).where(observations.c.execution_id == execution_id)
    return [
        Observation(
            trigger=Trigger(row.trigger),
            source=Source(row.source),
            at=row.at,
            run_number=row.run_number,
            confirmed=row.confirmed,
            reason=row.reason,
        )
        for row in await connection.execute(question)
    ]


async def add_observation(
    connection: AsyncConnection, execution_id: int, seen: Observation, *, delivery_id: str | None, now: datetime
) -> None:
    row = {
        "execution_id": execution_id,
        "key": seen.key,
        "trigger": seen.trigger,
        "source": seen.source,
        "at": seen.at,
        "run_number": seen.run_number,
        "confirmed": seen.confirmed,
        "reason": seen.reason,
        "delivery_id": delivery_id,
        "received_at": now,
    }
    await connection.execute(insert(observations), row)


async def add_transition(connection: AsyncConnection, execution_id: int, **values: Any) -> None:
    await connection.execute(insert(transitions), {"execution_id": execution_id, **values})


async def transitions_of(connection: AsyncConnection, execution_id: int) -> list[Transition]:
    """In the order in which they were recorded."""
    question = select(transitions).where(transitions.c.execution_id == execution_id).order_by(transitions.c.id)
    rows = [dict(row._mapping) for row in await connection.execute(question)]
    return [Transition(from_=row.pop("from"), **{k: row[k] for k in row if k != "execution_id"}) for row in rows]


async def deliveries_of(connection: AsyncConnection, execution_id: int) -> list[str]:
    """The ids of the deliveries that said something of this execution, in order of arrival."""
    question = select(observations.c.delivery_id).where(
        observations.c.execution_id == execution_id, observations.c.delivery_id.is_not(None)
    )
    return sorted(set((await connection.execute(question)).scalars()))


async def seen_by(connection: AsyncConnection, viewer: Viewer, execution_id: int) -> Execution | None:
    question = select(executions).where(executions.c.id == execution_id, may_see(viewer, executions.c.repository_id))
    return await _first(connection, question)


async def page(
    connection: AsyncConnection, viewer: Viewer, *, before: int | None, limit: int, pipeline_id: int | None = None
) -> list[Execution]:
    """Newest first, from below the id `before` on."""
    question = select(executions).where(may_see(viewer, executions.c.repository_id))
    if pipeline_id is not None:
        question = question.where(executions.c.pipeline_id == pipeline_id)
    if before is not None:
        question = question.where(executions.c.id < before)
    rows = await connection.execute(question.order_by(executions.c.id.desc()).limit(limit))
    return [Execution(**row._mapping) for row in rows]


async def _first(connection: AsyncConnection, question: Select[Any]) -> Execution | None:
    row = (await connection.execute(question)).first()
    return Execution(**row._mapping) if row else None
