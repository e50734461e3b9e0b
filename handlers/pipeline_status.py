"""A commit status that Pipelines wrote: one of its runs began or ended. It finds its execution, or opens it."""

from __future__ import annotations

from handlers.desk import NO_PIPELINE, Desk, Handlers, Verdict, Word
from service.events import ForeignStatus, RunEnded, RunReported, Source, Trigger
from service.history import Opening, observe, open_execution
from service.machine import Observation, Outcome
from service.store import executions
from service.store.executions import Execution
from service.store.pipelines import Pipeline

router = Handlers()

# https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/ names these four states.
TRIGGERS = {
    "INPROGRESS": (Trigger.START, None),
    "SUCCESSFUL": (Trigger.SUCCEED, None),
    "FAILED": (Trigger.FAIL, "Bitbucket reports that the run failed"),
    "STOPPED": (Trigger.STOP, "the run was stopped"),
}

WORDS = {
    Outcome.APPLIED: Word.APPLIED,
    Outcome.UNCHANGED: Word.UNCHANGED,
    Outcome.REPORTED: Word.REPORTED,
    Outcome.LATE: Word.LATE,
    Outcome.REFUSED: Word.REFUSED,
}


@router.on(RunReported)
async def observe_the_run(event: RunReported, desk: Desk) -> Verdict:
    pipeline = await desk.pipeline()
    if pipeline is None:
        return Verdict(Word.IGNORED, NO_PIPELINE, event.ref)
    if event.state not in TRIGGERS:
        return Verdict(Word.IGNORED, f"Penstock does not know the state {event.state}", event.ref)
    opened, execution = await _execution_of(event, desk, pipeline)
    trigger, reason = TRIGGERS[event.state]
    seen = Observation(trigger=trigger, source=Source.WEBHOOK, at=event.at, reason=reason)
    outcome, execution = await observe(desk.record, execution, seen, desk.patience, delivery_id=desk.delivery_id)
    if opened:
        return Verdict(
            Word.OPENED, f"run #{event.build_number} was not known yet: {execution.status}", event.ref, execution.id
        )
    return Verdict(WORDS[outcome], _told(event, outcome, execution), event.ref, execution.id)


@router.on(RunEnded)
async def hear_of_an_end(event: RunEnded, desk: Desk) -> Verdict:
    """A span says COMPLETE of failed runs too, so it moves nothing; it does tell the run's uuid."""
    if event.build_number is None:
        return Verdict(Word.IGNORED, "the span names no run")
    connection = desk.record.connection
    execution = await executions.by_build_number(connection, desk.repository.id, event.build_number)
    if execution is None:
        return Verdict(Word.IGNORED, f"run #{event.build_number} is not known here", event.ref)
    if event.pipeline_uuid and execution.bitbucket_pipeline_uuid is None:
        await executions.change(connection, execution.id, bitbucket_pipeline_uuid=event.pipeline_uuid)
    if execution.completed_at:
        return Verdict(Word.UNCHANGED, f"run #{event.build_number} is known to have ended", event.ref, execution.id)
    reason = f"run #{event.build_number} is over; how it ended a span does not tell reliably"
    return Verdict(Word.REPORTED, reason, event.ref, execution.id)


@router.on(ForeignStatus)
async def pass_over(event: ForeignStatus, desk: Desk) -> Verdict:
    return Verdict(Word.IGNORED, f"the status {event.name!r} was not written by Bitbucket Pipelines", event.ref)


async def _execution_of(event: RunReported, desk: Desk, pipeline: Pipeline) -> tuple[bool, Execution]:
    """(whether it is new, the execution of this run): known by its number, or expected by a push, or opened now."""
    connection, number = desk.record.connection, event.build_number
    known = await executions.by_build_number(connection, desk.repository.id, number)
    if known is not None:
        return False, known
    if event.commit is not None:
        waiting = await executions.expected(connection, desk.repository.id, commit=event.commit, branch=event.ref)
        if waiting is not None:
            return False, await executions.change(connection, waiting.id, bitbucket_build_number=number)
    environment = await desk.environment_for(pipeline, event.ref)
    opening = Opening(
        pipeline_id=pipeline.id,
        repository_id=desk.repository.id,
        environment=environment.name if environment else None,
        branch=event.ref,
        commit=event.commit,
        build_number=number,
    )
    return True, await open_execution(desk.record, opening, desk.patience)


def _told(event: RunReported, outcome: Outcome, execution: Execution) -> str:
    run = f"run #{event.build_number}"
    return {
        Outcome.APPLIED: f"{run} is {execution.status}",
        Outcome.UNCHANGED: f"{run} was known to be {execution.status}",
        Outcome.REPORTED: f"{run} is said to be {event.state}; Bitbucket is asked",
        Outcome.LATE: f"{run} is {execution.status} already; {event.state} is older",
        Outcome.REFUSED: f"{run} is {execution.status}; {event.state} may not follow",
    }[outcome]
