"""Going back to a release: the plan, and the rollback."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.client import BitbucketError
from service.launching import Busy
from service.reverting import NotEligible, plan_for, roll_back
from service.rollback import Plan, Undone, Values, warning_of_migrations
from service.store import environments, executions, pipelines, releases, repositories
from service.store.pipelines import Environment
from service.store.releases import Release
from service.store.repositories import Repository
from service.web.api.shapes import ExecutionShape, execution_shape
from service.web.call import (
    actor_of,
    answer,
    body_of,
    house_of,
    id_in,
    limit_of,
    numbered_cursor_of,
    page,
    text_of,
    viewer_of,
)
from service.web.gates import gate_problem
from service.web.house import House
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.ownership import operated_pipeline, require_active
from service.web.problems import Problem, not_found
from service.web.words import PRINTABLE, Id, Name

# How many of the undone commits a plan names, and how long Bitbucket may take to tell them, in seconds.
MOST_COMMITS = 100
BITBUCKET = 10.0

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=PRINTABLE)]


class RollingBack(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where, to which execution's release (else the newest that can be gone back to), and why.

    Without `environment_variables` the settings are those of the release and the secrets those of now.
    """

    environment: Name
    reason: Reason | None = None
    to_execution_id: Id | None = None
    environment_variables: Values | None = None
    dry_run: bool = False


class CandidateShape(msgspec.Struct, frozen=True, kw_only=True):
    """A release of the environment; one that is not eligible says why."""

    execution_id: int
    build_number: int | None
    commit: str | None
    completed_at: datetime
    eligible: bool
    because: str | None


class UndoneShape(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that goes out of service."""

    hash: str
    message: str
    author: str
    date: datetime | None


class ChangeShape(msgspec.Struct, frozen=True, kw_only=True):
    """How a variable differs since the release: changed, added, removed."""

    key: str
    change: str
    secured: bool


class PlanShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a rollback would do. Without a target `because` says why there is none."""

    environment: str
    current_execution_id: int | None
    target_execution_id: int | None
    method: str | None
    because: str | None
    commits: list[UndoneShape]
    config_diff: str
    variables: list[ChangeShape]
    warnings: list[str]
    candidates: list[CandidateShape]


class ReleaseShape(msgspec.Struct, frozen=True, kw_only=True):
    """What was live on an environment: the release of a successful attempt of an execution."""

    id: int
    environment: str
    execution_id: int
    attempt: int
    commit: str | None
    branch: str | None
    build_number: int | None
    artifact: str | None
    config_digest: str | None
    run_url: str | None
    by: str | None
    completed_at: datetime
    rolled_back_at: datetime | None
    live: bool


async def start_rollback(request: Request) -> Response:
    viewer, house, pipeline_id = await viewer_of(request), house_of(request), id_in(request, "pipeline")
    async with house.database.read() as connection:
        await operated_pipeline(connection, viewer, pipeline_id)
    wanted = await body_of(request, RollingBack)
    if wanted.dry_run:
        return answer(_shape(await planned(house, pipeline_id, wanted)))
    if wanted.reason is None:
        raise Problem(422, "a rollback needs a reason", errors=[("reason", "say why: it stays in the books")])
    async with house.recorder.record() as record:
        pipeline = await operated_pipeline(record.connection, viewer, pipeline_id)
        repository = await repositories.by_id(record.connection, pipeline.repository_id, lock=True)
        require_active(pipeline)
        if repository is None or repository.disconnected_at or repository.credential_id is None:
            raise Problem(409, "the repository has no credential: give it one, or roll back at Bitbucket")
        environment = await _environment(record.connection, pipeline_id, wanted.environment)
        try:
            execution = await roll_back(
                record,
                house.vault,
                pipeline,
                environment,
                reason=wanted.reason,
                by=viewer.name,
                patience=house.patience,
                to_execution_id=wanted.to_execution_id,
                values=wanted.environment_variables,
            )
        except NotEligible as error:
            raise _not_eligible(error.plan) from None
        except Busy as error:
            problem = await gate_problem(record.connection, pipeline.id, error)
            problem.more["because"] = str(error)
            raise problem from None
        deed = {"environment": environment.name, "to": execution.previous_execution_id, "reason": wanted.reason}
        record.audit(actor_of(request, viewer), "execution.rollback", f"execution {execution.id}", **deed)
    return answer(execution_shape(execution), 202, {"Location": f"/api/executions/{execution.id}"})


async def list_releases(request: Request) -> Response:
    viewer, pipeline_id, limit = await viewer_of(request), id_in(request, "pipeline"), limit_of(request)
    wanted = text_of(request, "environment")
    async with house_of(request).database.read() as connection:
        if await pipelines.seen_by(connection, viewer, pipeline_id) is None:
            raise not_found("pipeline")
        before = numbered_cursor_of(request)
        found = await releases.page(connection, pipeline_id, environment=wanted, before=before, limit=limit + 1)
        live = await releases.live(connection, pipeline_id, {one.environment for one in found})
    return page([_release(one, live.get(one.environment) == one) for one in found], limit, [one.id for one in found])


async def planned(house: House, pipeline_id: int, wanted: RollingBack, *, asks: bool = True) -> Plan:
    """With what Bitbucket knows, or a warning that it does not answer. Raises a 409 for what cannot be.

    Unless it `asks`, Bitbucket is left alone: who may only look makes Penstock call nobody.
    """
    async with house.database.read() as connection:
        pipeline = await pipelines.by_id(connection, pipeline_id)
        assert pipeline is not None
        repository = await repositories.by_id(connection, pipeline.repository_id)
        environment = await _environment(connection, pipeline_id, wanted.environment)
        _, plan = await plan_for(
            connection,
            pipeline,
            environment,
            to_execution_id=wanted.to_execution_id,
            values=wanted.environment_variables,
        )
        undone = await executions.by_id(connection, plan.current_execution_id or 0)
    if plan.because is not None and wanted.to_execution_id is not None:
        raise _not_eligible(plan)
    if not asks:
        return plan
    bad = undone.bitbucket_commit_hash if undone else None
    return await _with_commits(house, repository, plan, bad)


async def _with_commits(house: House, repository: Repository | None, plan: Plan, bad: str | None) -> Plan:
    good = plan.target.commit if plan.target else None
    if repository is None or good is None or bad is None or bad == good:
        return plan
    client = await house.clients.for_repository(repository, urgent=True)
    if client is None:
        return _warned(plan, "the repository has no credential: which commits would be undone is not known")
    try:
        async with asyncio.timeout(BITBUCKET):
            found = await client.commits(repository.address, include=bad, exclude=good, limit=MOST_COMMITS)
            changed = await client.diffstat(repository.address, bad, good)
    except (BitbucketError, TimeoutError) as error:
        why = str(error) or "it took too long"
        return _warned(plan, f"Bitbucket does not say which commits would be undone: {why}")
    undone = tuple(
        Undone(
            hash=one.hash,
            message=one.message.partition("\n")[0],
            author=one.author.raw if one.author else "",
            date=one.date,
        )
        for one in found
    )
    paths = {path for entry in changed for path in entry.paths}
    return _warned(replace(plan, commits=undone), warning_of_migrations(paths))


def _warned(plan: Plan, warning: str | None) -> Plan:
    return replace(plan, warnings=(*plan.warnings, warning)) if warning else plan


async def _environment(connection: Any, pipeline_id: int, name: str) -> Environment:
    environment = await environments.named(connection, pipeline_id, name)
    if environment is None:
        told = [("environment", "one of the pipeline's environments")]
        raise Problem(422, f"the pipeline has no environment {name!r}", errors=told)
    return environment


def _not_eligible(plan: Plan) -> Problem:
    candidates = [asdict(one) for one in plan.candidates]
    return Problem(
        409,
        f"{plan.environment} cannot be rolled back: {plan.because}",
        because=plan.because,
        environment=plan.environment,
        candidates=candidates,
    )


def _shape(plan: Plan) -> PlanShape:
    return msgspec.convert(
        {name: getattr(plan, name) for name in PlanShape.__struct_fields__}, PlanShape, from_attributes=True
    )


def _release(one: Release, live: bool) -> ReleaseShape:
    same = {name: getattr(one, name) for name in ReleaseShape.__struct_fields__ if name != "live"}
    return ReleaseShape(**same, live=live)


operations = [
    Operation(
        method="POST",
        path="/api/pipelines/{id}/rollback",
        handler=start_rollback,
        right=Right.OPERATE,
        summary="Go back to a release that works; with `dry_run` 200 and the plan",
        body=RollingBack,
        answer=ExecutionShape,
        status=202,
        also=(409,),
        plan=PlanShape,
        once=True,
    ),
    Operation(
        method="GET",
        path="/api/pipelines/{id}/releases",
        handler=list_releases,
        right=Right.SEE,
        summary="What was live where, the newest first",
        answer=ListOf(ReleaseShape),
        query=(*LIST, Query("environment", str, "of this one only")),
    ),
]
