"""Writes down what a survey has found: pushes that no webhook has told, and what is deployed where."""

from __future__ import annotations

from collections.abc import Mapping

import handlers
from handlers.desk import Desk, Verdict, Word
from service.bitbucket.answers import Branch, Deployment
from service.clock import written
from service.drift import Apart, note
from service.events import BranchPushed, Source
from service.history import Patience
from service.machine import State
from service.recorder import Record
from service.store import heads, pipelines, releases, surveyed
from service.store.executions import Execution
from service.store.heads import Head, ToldBy
from service.store.pipelines import Pipeline
from service.store.releases import Release
from service.store.repositories import Repository
from service.workers.surveying import Survey, untold

# What a push that was told already amounts to.
KNOWN = frozenset({Word.UNCHANGED})


async def take_heads(
    record: Record, repository: Repository, pipeline: Pipeline | None, survey: Survey, patience: Patience
) -> None:
    """The repository must be locked."""
    connection, here = record.connection, repository.id
    known = await heads.of_repository(connection, here)
    found = untold(known, survey.heads, repository, survey.began)
    await heads.put_first(connection, here, {one.name: one.target.hash for one in found.first}, record.now)
    for branch in found.doubts:
        await heads.doubt(connection, here, branch.name, branch.target.hash, survey.began)
    for name in found.trusted:
        await heads.trust(connection, here, name)
    if found.gone:
        await heads.forget(connection, here, list(found.gone))
    if not found.lost or await surveyed.any_delivery_waits(connection, here):  # the push may be among them
        return
    for branch in found.lost:
        head = known[branch.name[: heads.LONGEST_BRANCH]]
        await _take_push(record, repository, pipeline, branch, head, survey.silence, patience)
    # with the secret too: a delivery that is signed with another one is refused
    await record.work("hook", str(here), {"repository_id": here, "force": True})


async def _take_push(
    record: Record,
    repository: Repository,
    pipeline: Pipeline | None,
    branch: Branch,
    before: Head,
    silence: str | None,
    patience: Patience,
) -> None:
    """As if it had been delivered: the same handlers judge it."""
    author = branch.target.author.raw.partition("<")[0].strip() if branch.target.author else ""
    event = BranchPushed(
        repository.uuid,
        branch.name,
        commit=branch.target.hash,
        previous=before.commit or None,
        created=not before.commit,
        message=branch.target.message,
        author=author,
    )
    desk = Desk(record, repository, pipeline, None, patience)
    verdict: Verdict = await handlers.router.dispatch(event, desk)
    told = {"verdict": verdict.word, "reason": verdict.reason, "execution_id": verdict.execution_id}
    head = {"commit": branch.target.hash, "told_by": ToldBy.SURVEY, "at": record.now, "silence": silence, **told}
    if verdict.word in KNOWN:
        head = {"commit": branch.target.hash, "told_by": ToldBy.PUSH, "at": record.now}
    await heads.put(record.connection, repository.id, branch.name, **head)
    if verdict.word in KNOWN:
        return
    pipeline_id = pipeline.id if pipeline else None
    payload = {
        "repository_id": repository.id,
        "pipeline_id": pipeline_id,
        "branch": branch.name,
        "commit": branch.target.hash,
        "previous": before.commit or None,
        "source": Source.RECONCILE,
        "at": written(record.now),
        "silence": silence,
        **told,
    }
    record.log("push.found", payload, repository_id=repository.id, pipeline_id=pipeline_id)


async def take_deployments(
    record: Record, repository: Repository, pipeline: Pipeline, deployed: Mapping[str, Deployment], *, busy: bool
) -> None:
    """What is deployed where, set against what is known to be live. The repository must be locked.

    Where something is under way the two differ for a while; then they are not compared.
    """
    numbers = [one.release.build_number for one in deployed.values() if one.release.build_number is not None]
    known = await surveyed.by_build_numbers(record.connection, repository.id, numbers)
    for one in deployed.values():
        execution = known.get(one.release.build_number or 0)
        if execution is not None and _ran_again(execution, one):
            payload = {"execution_id": execution.id, "source": Source.RECONCILE}
            await record.work("follow", str(execution.id), payload)
            busy = True
    if busy:
        return
    apart = []
    for environment in await pipelines.environments_of(record.connection, pipeline.id):
        there = deployed.get(environment.name.casefold())
        execution = known.get(there.release.build_number or 0) if there else None
        if there is None or execution is None:
            continue
        live = await releases.live_on(record.connection, pipeline.id, environment.name)
        if told := _difference(environment.name, there, execution, live):
            apart.append(told)
    await note(record, pipeline, {"deployment"}, apart)


def _ran_again(execution: Execution, one: Deployment) -> bool:
    """Somebody has deployed an old run once more."""
    if not State(execution.status).final or execution.completed_at is None or one.state.ended is None:
        return False
    return one.state.ended > execution.completed_at


def _difference(environment: str, there: Deployment, execution: Execution, live: Release | None) -> Apart | None:
    if live is not None and live.execution_id == execution.id:
        return None
    if execution.environment == environment and execution.status == State.FAILED:
        return None  # it has failed here, by its health check or by a person's hand, and that was told
    commit = f" of {there.release.commit.hash[:12]}" if there.release.commit else ""
    known = f"run #{live.build_number} of {(live.commit or '')[:12]}" if live else "none"
    detail = (
        f"Bitbucket says that run #{execution.bitbucket_build_number}{commit} is what {environment} has; the live"
        f" release there that Penstock knows of is {known}. Trigger or roll back what should be there, or give the"
        " environment the branch that deploys to it."
    )
    found = f"{execution.bitbucket_build_number}"
    return Apart(kind="deployment", subject=environment, change="changed", detail=detail, found=found)
