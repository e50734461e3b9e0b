"""A push: the branch that deploys gets an execution, before Bitbucket has said a word of its run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlers.desk import NO_PIPELINE, Desk, Handlers, Verdict, Word
from service.changes import LOOKED_INTO, note_change
from service.events import BranchPushed, NothingPushed, RefDeleted, TagPushed
from service.history import Opening, note_push, open_execution
from service.sightings import environment_for
from service.store import executions, heads, holds
from service.store.executions import Execution
from service.store.pipelines import Pipeline

router = Handlers()

# https://support.atlassian.com/bitbucket-cloud/docs/limitations-of-bitbucket-pipelines/
MOST_REFS_THAT_START_RUNS = 5

# https://support.atlassian.com/bitbucket-cloud/docs/pipeline-start-conditions/
SKIP_MARKS = ("[skip ci]", "[ci skip]")


@router.on(BranchPushed)
async def expect_a_run(event: BranchPushed, desk: Desk) -> Verdict:
    pipeline = desk.pipeline
    branch = event.ref or ""
    await _note_where_it_is(event, desk)
    if pipeline is None:
        return Verdict(Word.IGNORED, NO_PIPELINE, event.ref)
    await _look_into(event, desk, pipeline)
    known = await executions.of_commit(desk.record.connection, desk.repository.id, commit=event.commit, branch=branch)
    joined = await _join_a_faster_run(event, desk, known)
    if joined is not None:
        return joined
    environment = await environment_for(desk.record, pipeline.id, branch)
    if environment is None:
        return Verdict(Word.IGNORED, f"no environment deploys {branch}", branch)
    if silent := _why_no_run_will_come(event):
        return Verdict(Word.IGNORED, silent, branch)
    hold = await holds.open_on(desk.record.connection, pipeline.id, environment.name)
    if hold is not None and hold.commit == event.commit:
        reason = f"{environment.name} is held since execution {hold.execution_id}: {hold.reason}; its run is stopped"
        return Verdict(Word.HELD, reason, branch, hold.execution_id)
    repeated = _known_already(event, known)
    if repeated is not None:
        return repeated
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
    if event.kind == "branch" and event.ref:
        await heads.forget(desk.record.connection, desk.repository.id, [event.ref])
    return Verdict(Word.IGNORED, f"the {event.kind} was deleted: there is nothing to deploy", event.ref)


@router.on(NothingPushed)
async def note_an_empty_push(event: NothingPushed, desk: Desk) -> Verdict:
    return Verdict(Word.IGNORED, "the push names no changed ref")


async def _note_where_it_is(event: BranchPushed, desk: Desk) -> None:
    """So that whoever looks knows which heads were told; nobody looks without a credential."""
    if desk.repository.credential_id is None or desk.delivery_id is None:
        return
    told = {"commit": event.commit, "told_by": heads.ToldBy.PUSH, "at": desk.record.now}
    await heads.put(desk.record.connection, desk.repository.id, event.ref or "", **told)


async def _look_into(event: BranchPushed, desk: Desk, pipeline: Pipeline) -> None:
    """The pipeline's files may have to follow what was pushed, whether or not it deploys."""
    found = await note_change(
        desk.record,
        desk.repository,
        pipeline,
        branch=event.ref or "",
        commit=event.commit,
        previous=event.previous,
        whole=event.forced or event.created or event.previous is None,
        delivery_id=desk.delivery_id,
    )
    if found is not None:
        word = Word.REGENERATING if found == LOOKED_INTO else Word.UNCHANGED
        desk.further.append(Verdict(word, found, event.ref))


async def _join_a_faster_run(event: BranchPushed, desk: Desk, known: Sequence[Execution]) -> Verdict | None:
    """The run's status came before the push: the push tells what only it knows."""
    faster = next((one for one in known if not one.pushed and one.trigger_type == "webhook"), None)
    if faster is None:
        return None
    await executions.change(desk.record.connection, faster.id, branch=event.ref, **_told(event))
    await note_push(desk.record, faster, desk.delivery_id)
    reason = f"Bitbucket's run #{faster.bitbucket_build_number} was here first"
    return Verdict(Word.JOINED, reason, event.ref, faster.id)


def _known_already(event: BranchPushed, known: Sequence[Execution]) -> Verdict | None:
    """A push says no time of its own: sent again by whoever captured it, or by a person's replay, it looks as new as
    the first. So it expects nothing twice; where Bitbucket does run the commit once more, the run's status opens it.
    """
    mine = [one for one in known if one.branch == event.ref]
    waiting = next((one for one in mine if one.waits_for_a_run), None)
    if waiting is not None:
        return Verdict(Word.UNCHANGED, "an execution of this commit waits for its run already", event.ref, waiting.id)
    before = next((one for one in reversed(mine) if one.pushed), None)
    if before is not None:
        return Verdict(Word.UNCHANGED, "this commit was pushed to the branch before", event.ref, before.id)
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
