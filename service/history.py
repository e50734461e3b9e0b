"""How executions are opened and moved: observations in, transitions and log lines out.

Handlers decide *that* something is to be recorded, the machine decides what it amounts to, and this is the one place
where the two meet the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from service.clock import written
from service.consequences import Moved, follow_from
from service.events import Source, Trigger
from service.machine import TABLE, Observation, Outcome, Progress, State, arrive
from service.recorder import Record
from service.store import executions, pipelines
from service.store.executions import Execution
from service.verification import check_of

# The kinds of outcome that leave a line in an execution's history; a repetition leaves none.
RECORDED = {Outcome.APPLIED: "applied", Outcome.LATE: "late", Outcome.REFUSED: "refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long executions are waited for, in seconds: for the run to appear, and for a run to say something new.

    `wait` is how long one may wait here, for an approval or for its turn, before its run is asked for.
    """

    expect: float
    run: float
    wait: float = 604800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known of an execution when it is opened."""

    pipeline_id: int
    repository_id: int
    environment: str | None
    branch: str | None
    commit: str | None
    trigger_type: str = "webhook"
    build_number: int | None = None
    pushed: bool = False
    message: str | None = None
    author: str | None = None
    waits_for: str | None = None  # approval or turn: Penstock starts it later
    waiting_on: str | None = None


# Who speaks for Bitbucket. Its word that a run succeeded says nothing yet of the place where it has deployed.
BITBUCKET = frozenset({Source.WEBHOOK, Source.API, Source.RECONCILE, Source.SPAN})


async def open_execution(record: Record, opening: Opening, patience: Patience) -> Execution:
    """A new execution, PLANNED, with a deadline by which something must be heard of it."""
    deadline = record.now + timedelta(seconds=patience.expect)
    execution = await executions.add(
        record.connection,
        pipeline_id=opening.pipeline_id,
        repository_id=opening.repository_id,
        environment=opening.environment,
        trigger_type=opening.trigger_type,
        branch=opening.branch,
        bitbucket_build_number=opening.build_number,
        bitbucket_commit_hash=opening.commit,
        pushed=opening.pushed,
        message=opening.message,
        author=opening.author,
        waits_for=opening.waits_for,
        waiting_on=opening.waiting_on,
        created_at=record.now,
        deadline_at=deadline,
    )
    await _show(record, execution)
    await record.work("deadline", str(execution.id), {"execution_id": execution.id}, due_at=deadline)
    _log(record, "execution.created", execution, created_at=written(execution.created_at))
    await follow_from(record, Moved(execution, None, State(execution.status)))
    return await executions.by_id(record.connection, execution.id) or execution


async def note_push(record: Record, execution: Execution, delivery_id: str | None) -> None:
    """Names the push among the deliveries behind an execution. That a run is expected moves none that is there."""
    seen = Observation(trigger=Trigger.EXPECT, source=Source.PUSH)
    await executions.add_observation(record.connection, execution.id, seen, delivery_id=delivery_id, now=record.now)


async def observe(
    record: Record,
    execution: Execution,
    seen: Observation,
    patience: Patience,
    *,
    hints_end: bool = True,
    delivery_id: str | None = None,
) -> tuple[Outcome, Execution]:
    """Records what was seen, and what it did. The execution's row must be locked, or its repository's."""
    connection = record.connection
    known = await executions.observations_of(connection, execution.id)
    if seen.trigger is Trigger.SUCCEED and seen.source in BITBUCKET and seen not in known:
        check = await check_of(connection, execution)
        seen = replace(seen, trigger=Trigger.VERIFY) if check else seen
    outcome, before, after = arrive(known, seen, hints_end=hints_end)
    if any(observation.key == seen.key for observation in known):
        return outcome, execution
    await executions.add_observation(connection, execution.id, seen, delivery_id=delivery_id, now=record.now)
    if outcome in RECORDED:
        await _add_transition(record, execution, seen, outcome, before, after, delivery_id)
    execution = await executions.change(connection, execution.id, **_columns(record, after, patience))
    if outcome is Outcome.APPLIED:
        await _show(record, execution)
        if execution.deadline_at:
            await record.work(
                "deadline", str(execution.id), {"execution_id": execution.id}, due_at=execution.deadline_at
            )
        await follow_from(record, Moved(execution, before.state, after.state, seen))
        execution = await executions.by_id(connection, execution.id) or execution
    return outcome, execution


async def _add_transition(
    record: Record,
    execution: Execution,
    seen: Observation,
    outcome: Outcome,
    before: Progress,
    after: Progress,
    delivery_id: str | None,
) -> None:
    aimed = TABLE[before.state].get(seen.trigger, before.state)
    to = after.state if outcome is Outcome.APPLIED else aimed
    line: dict[str, Any] = {
        "at": seen.at or record.now,
        "from": before.state,
        "to": to,
        "attempt": after.attempt,
        "trigger": seen.trigger,
        "source": seen.source,
        "confirmed": seen.confirmed,
        "reason": seen.reason,
        "outcome": RECORDED[outcome],
    }
    await executions.add_transition(
        record.connection, execution.id, **line, recorded_at=record.now, delivery_id=delivery_id
    )
    if outcome is Outcome.APPLIED:
        _log(record, "execution.transitioned", execution, **{**line, "at": written(line["at"])})


def _columns(record: Record, progress: Progress, patience: Patience) -> dict[str, Any]:
    final = progress.state.final
    return {
        "status": progress.state,
        "attempt": progress.attempt,
        "confirmed": progress.confirmed,
        "reported_status": _state_said_by(progress.reported),
        "error_message": progress.reason,
        "started_at": progress.started_at,
        "completed_at": progress.completed_at,
        "passed_at": progress.passed_at,
        "deadline_at": None if final else record.now + timedelta(seconds=patience.run),
    }


def _state_said_by(trigger: Trigger | None) -> State | None:
    if trigger is Trigger.VERIFY:
        return State.SUCCESS  # Bitbucket's word for it
    return TABLE[State.PLANNED][trigger] if trigger else None


async def _show(record: Record, execution: Execution) -> None:
    await pipelines.show_status(
        record.connection,
        execution.pipeline_id,
        execution_id=execution.id,
        status=execution.status,
        now=record.now,
    )


def _log(record: Record, kind: str, execution: Execution, **more: Any) -> None:
    payload = {
        "pipeline_id": execution.pipeline_id,
        "execution_id": execution.id,
        **more,
        "status": more.get("to", execution.status),
        "environment": execution.environment,
        "branch": execution.branch,
        "trigger_type": execution.trigger_type,
        "bitbucket_build_number": execution.bitbucket_build_number,
        "bitbucket_commit_hash": execution.bitbucket_commit_hash,
        "message": execution.message,
        "author": execution.author,
    }
    record.log(
        kind,
        payload,
        repository_id=execution.repository_id,
        pipeline_id=execution.pipeline_id,
        execution_id=execution.id,
    )
