"""Writes down what a look into a repository has found: the revision that follows, and what each push has meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.changes import own
from service.configs import Generated
from service.configs.telling import Cause
from service.drift import look_for_it
from service.generation import bring, columns, write_revision
from service.projects.model import Detection
from service.recorder import Record
from service.remote import Snapshot
from service.store import deliveries, looks, pipelines, repositories
from service.store.looks import Push
from service.store.revisions import Revision
from service.workers.differing import Difference, Task, first_and_last, listed, named
from service.workers.tasks import Later, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the repository holds now, and the files that follow from it; None where none can, with the reason.

    `doubtful`: it is another kind of project, or other parts, than before, and not found with enough confidence.
    """

    snapshot: Snapshot
    found: Detection
    values: dict[str, Any]
    doubtful: bool
    generated: Generated | None
    impossible: str | None = None


def settled(
    task: Task,
    difference: Difference | None,
    finding: Finding | None,
    asides: Mapping[int, str],
    *,
    why: str | None = None,
) -> Writing:
    """What was found is written down, and every push told what it has meant; `why` says it where nothing was found."""

    async def write_down(record: Record) -> float | None:
        verdict, reason = await _write_down(record, task, difference, finding)
        for push in task.pushes:
            mine = task.ours.get(push.commit)
            told = ("unchanged", own(mine)) if mine is not None else (verdict, why or reason)
            await _amend(record, push, *told)
        for push in task.asides:
            await _amend(record, push, "unchanged", asides[push.id])
        await looks.forget_pushes(record.connection, [push.id for push in (*task.pushes, *task.asides)])
        return None

    return write_down


def over(pipeline_id: int) -> Writing:
    """The pipeline is no longer active, or has no credential any more: nobody looks."""

    async def write_down(record: Record) -> float | None:
        pushes = await looks.pushes_of(record.connection, pipeline_id)
        for push in pushes:
            why = "nobody can look into the repository: the pipeline has ended, or has no credential any more"
            await _amend(record, push, "ignored", why)
        await looks.forget_pushes(record.connection, [push.id for push in pushes])
        return None

    return write_down


async def _write_down(
    record: Record, task: Task, difference: Difference | None, finding: Finding | None
) -> tuple[str, str]:
    """The verdict on what was pushed, with its reason."""
    pipeline = task.ground.pipeline
    await repositories.by_id(record.connection, task.repository.id, lock=True)
    if finding is None:
        return await _pass_over(record, task, difference)
    snapshot = finding.snapshot
    await looks.put(
        record.connection, pipeline.id, branch=snapshot.branch, commit=snapshot.commit, paths=snapshot.paths
    )
    if finding.generated is None:
        return "unchanged", f"its files stay as they are: what was found cannot go into them ({finding.impossible})"
    paths = frozenset(difference.matter) if difference and difference.paths is not None else frozenset()
    cause = Cause(paths=paths, commit=snapshot.commit)
    to_confirm = finding.doubtful
    changed = {**finding.values, **columns(finding.generated)}
    after = replace(pipeline, **changed)
    moves = not to_confirm and after != pipeline
    if moves and not await pipelines.change(
        record.connection, pipeline.id, version=pipeline.version, now=record.now, **changed
    ):
        raise Later(1.0, "somebody has changed the pipeline meanwhile: it is looked at once more")
    revision, is_new = await write_revision(
        record, after, finding.generated, commit=snapshot.commit, cause=cause, to_confirm=to_confirm
    )
    await _look_after(record, task, difference, revision)
    if not is_new:
        return "unchanged", f"{named(difference)}, and the files made from it are the same"
    if not to_confirm:
        told = {"pipeline_id": pipeline.id, "version": pipeline.version + 1, "action": "pipeline.regenerated"}
        record.log("pipeline.updated", told, repository_id=pipeline.repository_id, pipeline_id=pipeline.id)
        return "regenerating", f"{named(difference)}: revision {revision.number} follows"
    doubt = f"found with a confidence of {finding.found.confidence:g} only"
    return "regenerating", f"{named(difference)}: revision {revision.number} waits for a person ({doubt})"


async def _pass_over(record: Record, task: Task, difference: Difference | None) -> tuple[str, str]:
    """Nothing that detection or generation reads has changed: the look that is known is brought up to date."""
    pipeline = task.ground.pipeline
    if difference is None or difference.paths is None or not task.pushes:
        return "unchanged", "there was nothing to look into"
    _, last = first_and_last(task.pushes)
    await looks.put(record.connection, pipeline.id, branch=last.branch, commit=last.commit, paths=difference.after)
    if difference.edited:
        names = listed(difference.edited)
        if task.known is not None and task.known.delivered != "delivered":
            await bring(record, pipeline.id, edited=True)
            told = f"what Penstock wrote has changed ({names}): it is compared with revision {task.known.number}"
            return "unchanged", told
        await look_for_it(record, pipeline.id)
        return "unchanged", f"somebody has edited what Penstock wrote ({names}): the edit stays, as drift"
    count = len(difference.paths)
    many = f"{count} {'file' if count == 1 else 'files'} changed" if count else "no file changed"
    return "unchanged", f"{many}, none that the kind of project or its configuration is read from"


async def _look_after(record: Record, task: Task, difference: Difference | None, revision: Revision) -> None:
    """What waits to be brought, or may have been edited, is compared with what the branch has now."""
    if revision.wanted and revision.delivered in ("waiting", "failed", "none"):
        await bring(record, task.ground.pipeline.id)
    elif task.pushes and difference is not None and (difference.paths is None or difference.edited):
        await look_for_it(record, task.ground.pipeline.id)


async def _amend(record: Record, push: Push, verdict: str, reason: str) -> None:
    if push.delivery_id is not None:
        await deliveries.amend(
            record.connection, push.delivery_id, "regenerating", ref=push.branch, verdict=verdict, reason=reason
        )
