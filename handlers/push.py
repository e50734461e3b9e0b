"""A push: the branch that deploys gets an execution, before Bitbucket has said a word of its run."""

from __future__ import annotations

from typing import Any

from handlers.desk import NO_PIPELINE, Desk, Handlers, Verdict, Word
from service.events import BranchPushed, NothingPushed, RefDeleted, TagPushed
from service.history import Opening, note_push, open_execution
from service.sightings import environment_for
from service.store import executions

router = Handlers()

# https://support.atlassian.com/bitbucket-cloud/docs/limitations-of-bitbucket-pipelines/
MOST_REFS_THAT_START_RUNS = 5

# https://support.atlassian.com/bitbucket-cloud/docs/pipeline-start-conditions/
SKIP_MARKS = ("[skip ci]", "[ci skip]")


@router.on(BranchPushed)
async def expect_a_run(event: BranchPushed, desk: Desk) -> Verdict:
    pipeline = await desk.pipeline()
    if pipeline is None:
        return Verdict(Word.IGNORED, NO_PIPELINE, event.ref)
    joined = await _join_a_faster_run(event, desk)
    if joined is not None:
        return joined
    branch = event.ref or ""
    environment = await environment_for(desk.record, pipeline.id, branch)
    if environment is None:
        return Verdict(Word.IGNORED, f"no environment deploys {branch}", branch)
    if silent := _why_no_run_will_come(event):
        return Verdict(Word.IGNORED, silent, branch)
    known = await _known_already(event, desk)
    if known is not None:
        return known
    opening = Opening(
        pipeline_id=pipeline.id,
        repository_id=desk.repository.id,
        environment=environment.name,
        branch=branch,
        commit=event.commit,
        **_told(event),
    )
    execution = await open_execution(desk.record, opening, desk.patience)
    await note_push(desk.record, execution, desk.delivery_id)
    return Verdict(Word.OPENED, f"{environment.name} deploys {branch}", branch, execution.id)


@router.on(TagPushed)
async def note_a_tag(event: TagPushed, desk: Desk) -> Verdict:
    return Verdict(
        Word.IGNORED, "a tag: no environment deploys tags; a run of it is recorded when it begins", event.ref
    )


@router.on(RefDeleted)
async def note_a_deletion(event: RefDeleted, desk: Desk) -> Verdict:
    return Verdict(Word.IGNORED, f"the {event.kind} was deleted: there is nothing to deploy", event.ref)


@router.on(NothingPushed)
async def note_an_empty_push(event: NothingPushed, desk: Desk) -> Verdict:
    return Verdict(Word.IGNORED, "the push names no changed ref")


async def _join_a_faster_run(event: BranchPushed, desk: Desk) -> Verdict | None:
    """The run's status came before the push: the push tells what only it knows."""
    connection, branch = desk.record.connection, event.ref or ""
    faster = await executions.unpushed(connection, desk.repository.id, commit=event.commit, branch=branch)
    if faster is None:
        return None
    await executions.change(connection, faster.id, branch=branch, **_told(event))
    await note_push(desk.record, faster, desk.delivery_id)
    return Verdict(Word.JOINED, f"Bitbucket's run #{faster.bitbucket_build_number} was here first", branch, faster.id)


async def _known_already(event: BranchPushed, desk: Desk) -> Verdict | None:
    """A push says no time of its own: sent again by whoever captured it, or by a person's replay, it looks as new as
    the first. So it expects nothing twice; where Bitbucket does run the commit once more, the run's status opens it.
    """
    connection, repository, branch = desk.record.connection, desk.repository.id, event.ref or ""
    waiting = await executions.expected(connection, repository, commit=event.commit, branch=branch)
    if waiting is not None:
        return Verdict(Word.UNCHANGED, "an execution of this commit waits for its run already", branch, waiting.id)
    before = await executions.pushed(connection, repository, commit=event.commit, branch=branch)
    if before is not None:
        return Verdict(Word.UNCHANGED, "this commit was pushed to the branch before", branch, before.id)
    return None


def _told(event: BranchPushed) -> dict[str, Any]:
    """What an execution knows by its push alone."""
    return {"pushed": True, "message": _title(event), "author": event.author or None}


def _why_no_run_will_come(event: BranchPushed) -> str | None:
    if event.refs_in_push > MOST_REFS_THAT_START_RUNS:
        return f"Bitbucket starts no pipelines for a push of {event.refs_in_push} refs, only for up to five"
    if any(mark in event.message.lower() for mark in SKIP_MARKS):
        return "the commit message asks Bitbucket to skip it ([skip ci])"
    return None


def _title(event: BranchPushed) -> str | None:
    return event.message.strip().partition("\n")[0][:200] or None
