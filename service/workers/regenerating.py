"""Looks into a repository whose branch has moved, and makes its pipeline's files follow what is there now."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec

from service.client import BitbucketError, Client, Clients, NoCredential
from service.configs import InvalidValue
from service.generation import rendered
from service.grounds import branch_of, ground_of, with_detection
from service.projects.detector import detect
from service.projects.model import Detection
from service.recorder import Recorder
from service.remote import NothingThere, read_repository
from service.store import looks, own_commits, pipelines, repositories, revisions
from service.store.work import Work
from service.workers.concluding import Finding, over, settled
from service.workers.differing import Task, difference_of
from service.workers.following import later
from service.workers.tasks import Writing
from service.workers.weighing import weighed


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
            return over(pipeline_id)
        whole = bool(piece.payload.get("whole"))
        asides: dict[int, str] = {}
        try:
            client = await self._clients.for_repository(task.repository)
            assert client is not None
            asides = await weighed(client, task)
            if not task.pushes and not whole:
                return settled(task, None, None, asides)
            difference = await difference_of(client, task, whole=whole)
            if difference.paths is not None and not difference.matter:
                return settled(task, difference, None, asides)
            finding = await self._look(client, task)
        except NothingThere as error:
            return settled(task, None, None, asides, why=str(error))
        except NoCredential:
            return over(pipeline_id)
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None
        return settled(task, difference, finding, asides)

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
            commits = [push.commit for push in pushes if not push.whole]
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
        generated, impossible = None, None
        try:
            generated = await rendered(ground)
        except InvalidValue as error:
            impossible = f"{error.field}: {error.message}"
        return Finding(
            snapshot=snapshot,
            found=found,
            values=values,
            doubtful=self._doubtful(task, found),
            generated=generated,
            impossible=impossible,
        )

    def _doubtful(self, task: Task, found: Detection) -> bool:
        before = task.ground.pipeline.detection
        if before is None or found.confidence >= self._confirm_below:
            return False
        now = msgspec.to_builtins(found)
        followed = before.get("type") == task.ground.pipeline.project_type
        return followed and (before.get("type") != now["type"] or _parts(before) != _parts(now))


def _alike(found: dict[str, Any], known: dict[str, Any] | None) -> bool:
    """How long it took to find out is no difference."""
    return known is not None and {**found, "analysis_ms": 0} == {**known, "analysis_ms": 0}


def _parts(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["root"], one["type"]) for one in found.get("components", ())}
