"""What a failure asks for by itself, and what a rollback that has ended leaves behind."""

from __future__ import annotations

from typing import Any

from service import occupancy
from service.consequences.moved import Moved
from service.events import Source, Trigger
from service.machine import Outcome, State, fold
from service.recorder import Record
from service.store import environments, executions, releases
from service.store.executions import Execution

# Whose word on a failure is Bitbucket's own, or ours: a status that anybody can post undoes nothing.
CONFIRMING = frozenset({Source.API, Source.RECONCILE, Source.PROBE})


async def settle_the_rollback(record: Record, moved: Moved) -> None:
    """What it was to undo is undone once the rollback has succeeded, and not before.

    Of an execution that was run again meanwhile only what went before: its newer attempt is none of the rollback's.
    """
    if moved.execution.trigger_type != "rollback" or not moved.ended:
        return
    rollback = await releases.rollback_by(record.connection, moved.execution.id)
    if rollback is None:
        return
    undone = await executions.by_id(record.connection, rollback.undoes_execution_id)
    assert undone is not None
    target = await releases.by_id(record.connection, rollback.release_id)
    told = {
        "pipeline_id": undone.pipeline_id,
        "execution_id": undone.id,
        "environment": undone.environment,
        "branch": undone.branch,
        "bitbucket_build_number": undone.bitbucket_build_number,
        "bitbucket_commit_hash": undone.bitbucket_commit_hash,
        "rollback_execution_id": rollback.execution_id,
        "to_execution_id": target.execution_id if target else None,
        "to_commit": target.commit if target else None,
        "method": rollback.method,
        "automatic": rollback.automatic,
        "reason": rollback.reason,
    }
    about = {
        "repository_id": undone.repository_id,
        "pipeline_id": undone.pipeline_id,
        "execution_id": undone.id,
    }
    if moved.after is State.SUCCESS:
        if undone.attempt == rollback.undoes_attempt:
            marked = {"rolled_back": True, "rollback_reason": rollback.reason}
            await executions.change(record.connection, undone.id, **marked)
        await releases.mark_rolled_back(
            record.connection, undone.id, up_to_attempt=rollback.undoes_attempt, now=record.now
        )
        record.log("execution.rolled_back", told, **about)
    else:
        because = moved.execution.error_message
        record.log("execution.rollback_failed", {**told, "because": because}, **about)


async def begin_anew(record: Record, moved: Moved) -> None:
    """A rerun of what was rolled back is not: it deploys once more. That it was stays in the books with its attempt."""
    execution = moved.execution
    if not execution.rolled_back:
        return
    known = await releases.rollbacks_of(record.connection, execution.id)
    if all(one.undoes_attempt < execution.attempt for one in known):
        await executions.change(record.connection, execution.id, rolled_back=False, rollback_reason=None)


async def think_of_a_rollback(record: Record, moved: Moved) -> None:
    """A deployment that failed is rolled back where its environment's policy says so: once, by whoever does the work.

    Nobody comes in between: the lock stays with what has failed until the rollback has it.
    """
    execution = moved.execution
    if moved.after is not State.FAILED or execution.environment is None or execution.trigger_type == "rollback":
        return
    environment = await environments.named(record.connection, execution.pipeline_id, execution.environment)
    if environment is None or environment.rollback_policy == "manual":
        return
    source = await broke_the_environment(record.connection, execution)
    if source is None or (environment.rollback_policy == "on_failed_health_check" and source is not Source.PROBE):
        return
    if any(
        one.undoes_attempt == execution.attempt for one in await releases.rollbacks_of(record.connection, execution.id)
    ):
        return
    await occupancy.keep(record, execution.id)
    payload = {"execution_id": execution.id, "attempt": execution.attempt}
    await record.work("rollback", f"{execution.id}.{execution.attempt}", payload)


async def broke_the_environment(connection: Any, execution: Execution) -> Source | None:
    """Who said that the execution failed in or after deploying, confirmed; None for any other end, or none.

    It is read from everything that was observed of it, so that it does not depend on what arrived first.
    """
    if execution.status != State.FAILED:
        return None
    known = await executions.observations_of(connection, execution.id)
    before = State.PLANNED
    found: Source | None = None
    for step in fold(known, hints_end=False):
        seen, after = step.observation, step.progress.state
        if step.outcome is Outcome.APPLIED and after is State.FAILED:
            confirmed = seen.trigger is Trigger.FAIL and seen.source in CONFIRMING
            found = seen.source if confirmed and before is State.DEPLOYING else None
        before = after
    return found
