"""A commit status that Pipelines wrote: one of its runs began or ended. It finds its execution, or opens it."""

from __future__ import annotations

from handlers.desk import NO_PIPELINE, Desk, Handlers, Verdict, Word
from service.events import ForeignStatus, RunEnded, RunReported, Source, StepsTimed, Trigger
from service.history import observe
from service.holding import forbidding
from service.machine import Observation, Outcome, State
from service.sightings import Sighting, execution_of
from service.store import executions, timelines
from service.store.executions import Execution
from service.store.holds import Hold

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
    pipeline = desk.pipeline
    if pipeline is None:
        return Verdict(Word.IGNORED, NO_PIPELINE, event.ref)
    if event.state not in TRIGGERS:
        return Verdict(Word.IGNORED, f"Penstock does not know the state {event.state}", event.ref)
    sighting = Sighting(
        repository_id=desk.repository.id,
        pipeline_id=pipeline.id,
        build_number=event.build_number,
        commit=event.commit,
        branch=event.ref,
    )
    opened, execution = await execution_of(desk.record, sighting, desk.patience)
    trigger, reason = TRIGGERS[event.state]
    seen = Observation(trigger=trigger, source=Source.WEBHOOK, at=event.at, reason=reason)
    outcome, execution = await observe(
        desk.record,
        execution,
        seen,
        desk.patience,
        hints_end=desk.repository.credential_id is None,
        delivery_id=desk.delivery_id,
    )
    await _ask_bitbucket(desk, execution)
    hold = await forbidding(desk.record, execution)
    if hold is not None:
        return Verdict(Word.HELD, _why_held(desk, event, execution, hold), event.ref, execution.id)
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
    await _ask_bitbucket(desk, execution)
    if execution.completed_at:
        return Verdict(Word.UNCHANGED, f"run #{event.build_number} is known to have ended", event.ref, execution.id)
    reason = f"run #{event.build_number} is over; how it ended a span does not tell reliably"
    return Verdict(Word.REPORTED, reason, event.ref, execution.id)


@router.on(StepsTimed)
async def note_when_steps_ran(event: StepsTimed, desk: Desk) -> Verdict:
    """It refines what is shown of a run, and moves nothing: told late, twice or in any order it comes to the same."""
    connection, repository_id = desk.record.connection, desk.repository.id
    execution_id = await timelines.execution_of(
        connection,
        repository_id,
        build_number=event.build_number,
        pipeline_uuid=event.pipeline_uuid,
        step_uuids=[span.step_uuid for span in event.spans],
    )
    if execution_id is None:
        return Verdict(Word.IGNORED, "the spans are of a run that is not known here", event.ref)
    new = await timelines.put(connection, execution_id, event.spans)
    if not new:
        return Verdict(Word.UNCHANGED, "when these steps ran was known", event.ref, execution_id)
    return Verdict(Word.APPLIED, f"the times of {new} steps are refined", event.ref, execution_id)


@router.on(ForeignStatus)
async def pass_over(event: ForeignStatus, desk: Desk) -> Verdict:
    return Verdict(Word.IGNORED, f"the status {event.name!r} was not written by Bitbucket Pipelines", event.ref)


async def _ask_bitbucket(desk: Desk, execution: Execution) -> None:
    """Anybody who can read a repository can post a status: with a credential it is a reason to look, and no more."""
    if desk.repository.credential_id is not None:
        await desk.record.work("follow", str(execution.id), {"execution_id": execution.id})


def _why_held(desk: Desk, event: RunReported, execution: Execution, hold: Hold) -> str:
    held = f"{execution.environment} is held since execution {hold.execution_id}: {hold.reason}"
    if desk.repository.credential_id is None:
        return f"{held}; without a credential run #{event.build_number} cannot be stopped from here"
    done = "has ended already" if State(execution.status).final else "is stopped"
    return f"{held}; run #{event.build_number} {done}"


def _told(event: RunReported, outcome: Outcome, execution: Execution) -> str:
    run = f"run #{event.build_number}"
    return {
        Outcome.APPLIED: f"{run} is {execution.status}",
        Outcome.UNCHANGED: f"{run} was known to be {execution.status}",
        Outcome.REPORTED: f"{run} is said to be {event.state}; Bitbucket is asked",
        Outcome.LATE: f"{run} is {execution.status} already; {event.state} is older",
        Outcome.REFUSED: f"{run} is {execution.status}; {event.state} may not follow",
    }[outcome]
