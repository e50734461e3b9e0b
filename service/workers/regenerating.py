"""Looks into a repository whose branch has moved, and makes its pipeline's files follow what is there now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from service.changes import own
from service.client import BitbucketError, Client, Clients, NoCredential
from service.configs import Generated, InvalidValue
from service.configs.telling import Cause
from service.drift import look_for_it
from service.generation import bring, columns, rendered, write_revision
from service.grounds import branch_of, ground_of, with_detection
from service.projects.detector import detect
from service.projects.model import Detection
from service.recorder import Record, Recorder
from service.remote import NothingThere, Snapshot, read_repository
from service.store import deliveries, looks, own_commits, pipelines, repositories, revisions
from service.store.looks import Push
from service.store.revisions import Revision
from service.store.work import Work
from service.workers.differing import Difference, Task, difference_of, listed, named
from service.workers.following import later
from service.workers.tasks import Later, Writing
from service.workers.weighing import weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the repository holds now, and the files that follow from it; None where none can, with the reason."""

    snapshot: Snapshot
    found: Detection
    values: dict[str, Any]
    generated: Generated | None
    impossible: str | None = None


class Regenerator:
    """The task of kind `regenerate`, one row a pipeline. `confirm_below`: a kind of project, or its parts, found with
    less confidence than that are proposed and not taken over.
    """

    def __init__(self, recorder: Recorder, clients: Clients, *, confirm_below: float) -> None:
        self._recorder = recorder
        self._clients = clients
        self._confirm_below = confirm_below

    async def __call__(self, piece: Work) -> Writing:
        pipeline_id = int(piece.payload["pipeline_id"])
        task = await self._task(pipeline_id)
        if task is None:
            return _over(pipeline_id)
        whole = bool(piece.payload.get("whole"))
        asides: dict[int, str] = {}
        try:
            client = await self._clients.for_repository(task.repository)
            assert client is not None
            asides = await weighed(client, task)
            if not task.pushes and not whole:
                return self._settled(task, None, None, asides)
            difference = await difference_of(client, task, whole=whole)
            if difference.paths is not None and not difference.matter:
                return self._settled(task, difference, None, asides)
            finding = await self._look(client, task)
        except NothingThere as error:
            return self._settled(task, None, None, asides, why=str(error))
        except NoCredential:
            return _over(pipeline_id)
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None
        return self._settled(task, difference, finding, asides)

    async def _task(self, pipeline_id: int) -> Task | None:
        async with self._recorder.database.read() as connection:
            pipeline = await pipelines.by_id(connection, pipeline_id)
            if pipeline is None or not pipeline.is_active or pipeline.generated_at is None:
                return None
            repository = await repositories.by_id(connection, pipeline.repository_id)
            if repository is None or repository.disconnected_at or repository.credential_id is None:
                return None
            ground = await ground_of(connection, pipeline)
            branch = branch_of(ground.environments) or repository.main_branch
            waiting = await looks.pushes_of(connection, pipeline_id)
            pushes = [push for push in waiting if branch is None or push.branch == branch]
            commits = [push.commit for push in pushes]
            ours = await own_commits.among(connection, pipeline_id, pushes[0].branch, commits) if pushes else {}
            return Task(
                repository=repository,
                ground=ground,
                branch=branch,
                known=await revisions.standing(connection, pipeline_id),
                arrived=await revisions.arrived(connection, pipeline_id),
                look=await looks.of_pipeline(connection, pipeline_id),
                ours={commit: made.revision for commit, made in ours.items()},
                pushes=tuple(pushes),
                asides=tuple(push for push in waiting if push not in pushes),
            )

    async def _look(self, client: Client, task: Task) -> Finding:
        snapshot = await read_repository(client, task.repository.address, task.branch, without=task.wrote)
        found = await asyncio.to_thread(detect, snapshot.of_others, snapshot.files)
        values = with_detection(task.ground.pipeline, found)
        if _alike(values["detection"], task.ground.pipeline.detection):
            values["detection"] = task.ground.pipeline.detection
        ground = replace(task.ground, pipeline=replace(task.ground.pipeline, **values))
        try:
            generated = await rendered(ground)
        except InvalidValue as error:
            why = f"{error.field}: {error.message}"
            return Finding(snapshot=snapshot, found=found, values=values, generated=None, impossible=why)
        return Finding(snapshot=snapshot, found=found, values=values, generated=generated)

    def _settled(
        self,
        task: Task,
        difference: Difference | None,
        finding: Finding | None,
        asides: Mapping[int, str],
        *,
        why: str | None = None,
    ) -> Writing:
        async def write_down(record: Record) -> float | None:
            verdict, reason = await self._write_down(record, task, difference, finding)
            for push in task.pushes:
                mine = task.ours.get(push.commit)
                told = ("unchanged", own(mine)) if mine is not None else (verdict, why or reason)
                await _amend(record, push, *told)
            for push in task.asides:
                await _amend(record, push, "unchanged", asides[push.id])
            await looks.forget_pushes(record.connection, [push.id for push in (*task.pushes, *task.asides)])
            return None

        return write_down

    async def _write_down(
        self, record: Record, task: Task, difference: Difference | None, finding: Finding | None
    ) -> tuple[str, str]:
        """The verdict on what was pushed, with its reason."""
        pipeline = task.ground.pipeline
        await repositories.by_id(record.connection, task.repository.id, lock=True)
        if finding is None:
            return await self._pass_over(record, task, difference)
        snapshot = finding.snapshot
        await looks.put(
            record.connection, pipeline.id, branch=snapshot.branch, commit=snapshot.commit, paths=snapshot.paths
        )
        if finding.generated is None:
            return "unchanged", f"its files stay as they are: what was found cannot go into them ({finding.impossible})"
        paths = frozenset(difference.matter) if difference and difference.paths is not None else frozenset()
        cause = Cause(paths=paths, commit=snapshot.commit)
        to_confirm = self._doubtful(task, finding)
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
        await _look_after(record, task, revision)
        if not is_new:
            return "unchanged", f"{named(difference)}, and the files made from it are the same"
        if not to_confirm:
            told = {"pipeline_id": pipeline.id, "version": pipeline.version + 1, "action": "pipeline.regenerated"}
            record.log("pipeline.updated", told, repository_id=pipeline.repository_id, pipeline_id=pipeline.id)
            return "regenerating", f"{named(difference)}: revision {revision.number} follows"
        doubt = f"found with a confidence of {finding.found.confidence:g} only"
        return "regenerating", f"{named(difference)}: revision {revision.number} waits for a person ({doubt})"

    async def _pass_over(self, record: Record, task: Task, difference: Difference | None) -> tuple[str, str]:
        """Nothing that detection or generation reads has changed: the look that is known is brought up to date."""
        pipeline = task.ground.pipeline
        if difference is None or difference.paths is None or not task.pushes:
            return "unchanged", "there was nothing to look into"
        last = task.pushes[-1]
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

    def _doubtful(self, task: Task, finding: Finding) -> bool:
        before = task.ground.pipeline.detection
        if before is None or finding.found.confidence >= self._confirm_below:
            return False
        found = msgspec.to_builtins(finding.found)
        followed = before.get("type") == task.ground.pipeline.project_type
        return followed and (before.get("type") != found["type"] or _parts(before) != _parts(found))


async def _look_after(record: Record, task: Task, revision: Revision | None) -> None:
    """What waits to be brought, or was edited, is compared with what the branch has now."""
    if revision is not None and revision.wanted and revision.delivered in ("waiting", "failed", "none"):
        await bring(record, task.ground.pipeline.id)


def _alike(found: dict[str, Any], known: dict[str, Any] | None) -> bool:
    """How long it took to find out is no difference."""
    return known is not None and {**found, "analysis_ms": 0} == {**known, "analysis_ms": 0}


def _parts(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["root"], one["type"]) for one in found.get("components", ())}


def _over(pipeline_id: int) -> Writing:
    """The pipeline is no longer active, or has no credential any more: nobody looks."""

    async def write_down(record: Record) -> float | None:
        pushes = await looks.pushes_of(record.connection, pipeline_id)
        for push in pushes:
            why = "nobody can look into the repository: the pipeline has ended, or has no credential any more"
            await _amend(record, push, "ignored", why)
        await looks.forget_pushes(record.connection, [push.id for push in pushes])
        return None

    return write_down


async def _amend(record: Record, push: Push, verdict: str, reason: str) -> None:
    if push.delivery_id is not None:
        await deliveries.amend(
            record.connection, push.delivery_id, "regenerating", ref=push.branch, verdict=verdict, reason=reason
        )
