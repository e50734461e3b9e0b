"""Generating: from a repository, or from settings alone, to the files that build, test and deploy it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.client import BitbucketError, NoCredential
from service.configs import Generated, InvalidValue
from service.generation import Ground, columns, rendered, write_revision
from service.projects.detector import detect
from service.projects.model import Detection
from service.recorder import Record
from service.remote import NothingThere, Snapshot, read_repository
from service.store import environments, pipelines, repositories, variables
from service.store.accounts import Viewer
from service.store.pipelines import Environment, Pipeline
from service.store.repositories import AlreadyConnected, Repository
from service.store.variables import Variable
from service.web.api.shapes import (
    GeneratedShape,
    RegeneratedShape,
    WebhookShape,
    extended,
    pipeline_shape,
    revision_detail,
)
from service.web.call import actor_of, answer, body_of, house_of, id_in, viewer_of
from service.web.configuring import TRIES, Change, Standing, configure, email_of, etag, standing
from service.web.connecting import (
    USUAL_BRANCHES,
    Connected,
    check_name,
    connect_repository,
    require_credential,
    taken,
)
from service.web.house import House
from service.web.operation import Operation, Right
from service.web.ownership import owned_pipeline, owned_repository, refuse_others_domain, require_active, require_owner
from service.web.places import checked_place
from service.web.problems import Problem
from service.web.refusals import OF_GENERATION, bitbucket_problem, invalid_value_problem
from service.web.variables import VariableBody, checked, secured_by_key, shapes
from service.web.words import Id, Port, Text

AUTO = "auto"

GENERATED_ALREADY = "this repository has an active pipeline already"
OPTIONS = (
    "look at it: GET /api/pipelines/{id}",
    "change it: PUT /api/pipelines/{id}",
    "render it anew: POST /api/pipelines/{id}/regenerate",
    "replace it: DELETE /api/pipelines/{id}, then generate again",
)


class NewPipeline(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Names a connected repository by its id, or any by workspace and slug: then it is connected on the way.

    Without a credential nobody can look into the repository, so `project_type` says what it is.
    """

    repository_id: Id | None = None
    workspace: Text | None = None
    slug: Text | None = None
    credential_id: Id | None = None
    project_type: Text = AUTO
    branch: Text | None = None
    subdomain: Text | None = None
    domain: Text | None = None
    server_ip: Text | None = None
    port: Port | None = None
    ssl_enabled: bool = True
    config_delivery: Literal["pull_request", "commit", "manual"] = "pull_request"
    environment_variables: list[VariableBody] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is generated for. Without a `repository` it is to be connected first; without a `pipeline` one is made."""

    workspace: str
    slug: str
    credential_id: int | None
    repository: Repository | None
    pipeline: Pipeline | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A pipeline as it would be, rendered."""

    version: int
    values: dict[str, Any]
    branch: str
    variables: list[Variable]
    generated: Generated


async def generate(request: Request) -> Response:
    viewer, house = await viewer_of(request), house_of(request)
    wanted = await body_of(request, NewPipeline)
    settings = _settings(wanted)
    snapshot: Snapshot | None = None
    for _ in range(TRIES):
        async with house.database.read() as connection:
            target = await _target(connection, viewer, wanted)
            _refuse_generated(target.pipeline)
            if settings.get("domain"):
                await refuse_others_domain(connection, viewer, settings["domain"])
            now = await standing(connection, target.pipeline) if target.pipeline else None
            email = await email_of(connection, settings.get("domain"))
        if snapshot is None:
            snapshot = await _look(house, target, wanted)
        draft = await _draft(house, target, now, wanted, settings, snapshot, email)
        try:
            made = await _take_over(request, viewer, target, draft, snapshot)
        except AlreadyConnected:
            continue  # by somebody who was faster: look again whose it is
        if made is not None:
            return await _answer(request, viewer, *made)
    raise Problem(409, "others keep changing this pipeline; try again in a moment")


async def regenerate(request: Request) -> Response:
    viewer, house, pipeline_id = await viewer_of(request), house_of(request), id_in(request, "pipeline")
    async with house.database.read() as connection:
        pipeline = await owned_pipeline(connection, viewer, pipeline_id)
        require_active(pipeline)
        repository = await repositories.by_id(connection, pipeline.repository_id)
        branch = await _main_branch(connection, pipeline)
    if pipeline.generated_at is None:
        raise Problem(409, "nothing was generated for this pipeline yet: POST /api/pipelines/generate does")
    assert repository is not None
    snapshot = await _snapshot(house, repository.credential_id, repository.full_name, branch)
    found = await _detected(snapshot)

    async def plan(connection: Any, now: Standing) -> Change:
        return Change(
            action="pipeline.regenerated",
            values=_with_detection(now.pipeline, found),
            environments=now.environments,
            variables=now.variables,
            commit=snapshot.commit if snapshot else None,
        )

    changed = await configure(request, pipeline_id, plan)
    assert changed.revision is not None
    shape = extended(RegeneratedShape, revision_detail(changed.revision), changed=changed.is_new)
    return answer(shape, 200, {"ETag": etag(changed.version)})


operations = [
    Operation(
        method="POST",
        path="/api/pipelines/generate",
        handler=generate,
        right=Right.OWN,
        summary="Generate the files of a repository's pipeline; connects the repository where it is not yet",
        body=NewPipeline,
        answer=GeneratedShape,
        status=201,
        also=(404, 409),
        once=True,
    ),
    Operation(
        method="POST",
        path="/api/pipelines/{id}/regenerate",
        handler=regenerate,
        right=Right.OWN,
        summary="Look into the repository again and render its files anew; the same bytes make no new revision",
        answer=RegeneratedShape,
        also=(409, 422),
        once=True,
        matches=True,
    ),
]


def _settings(wanted: NewPipeline) -> dict[str, Any]:
    names = ("subdomain", "domain", "server_ip", "port", "ssl_enabled", "config_delivery", "branch")
    return checked_place({name: getattr(wanted, name) for name in names})


async def _target(connection: Any, viewer: Viewer, wanted: NewPipeline) -> Target:
    """Raises a 404, a 403, a 409 for somebody else's, a 422 for what names no repository."""
    named = wanted.workspace is not None and wanted.slug is not None
    if named == (wanted.repository_id is not None):
        told = "name the repository by `repository_id`, or by `workspace` and `slug`"
        raise Problem(422, told, errors=[("repository_id", told)])
    if wanted.repository_id is not None:
        repository: Repository | None = await owned_repository(connection, viewer, wanted.repository_id)
    else:
        repository = await _by_name(connection, viewer, wanted.workspace or "", wanted.slug or "")
    if repository is None:
        await require_credential(connection, viewer, wanted.credential_id)
        return Target(
            workspace=(wanted.workspace or "").lower(),
            slug=(wanted.slug or "").lower(),
            credential_id=wanted.credential_id,
            repository=None,
            pipeline=None,
        )
    if wanted.credential_id not in (None, repository.credential_id):
        told = "the repository is connected with another credential; disconnect it and connect it with this one"
        raise Problem(422, told, errors=[("credential_id", told)])
    return Target(
        workspace=repository.workspace,
        slug=repository.slug,
        credential_id=repository.credential_id,
        repository=repository,
        pipeline=await pipelines.active_of(connection, repository.id),
    )


async def _by_name(connection: Any, viewer: Viewer, workspace: str, slug: str) -> Repository | None:
    check_name(workspace, slug)
    known = await repositories.named(connection, workspace.lower(), slug.lower())
    if known is None:
        return None
    if await repositories.seen_by(connection, viewer, known.id) is None:
        raise await taken(connection, viewer, AlreadyConnected(known.id, known.full_name))
    await require_owner(connection, viewer, known.id)
    return known


def _refuse_generated(pipeline: Pipeline | None) -> None:
    if pipeline is not None and pipeline.generated_at is not None:
        options = [option.format(id=pipeline.id) for option in OPTIONS]
        raise Problem(409, GENERATED_ALREADY, existing_pipeline_id=pipeline.id, options=options)


async def _look(house: House, target: Target, wanted: NewPipeline) -> Snapshot | None:
    if target.credential_id is None:
        if wanted.project_type == AUTO:
            told = "without a credential nobody can look into the repository: say what kind of project it is"
            raise Problem(422, told, errors=[("project_type", told)])
        return None
    return await _snapshot(house, target.credential_id, f"{target.workspace}/{target.slug}", wanted.branch)


async def _snapshot(house: House, credential_id: int | None, name: str, branch: str | None) -> Snapshot | None:
    """Raises a 409, 422 or 503 that says what Bitbucket said."""
    if credential_id is None:
        return None
    try:
        return await read_repository(await house.clients.of(credential_id, urgent=True), name, branch)
    except NothingThere as error:
        raise Problem(422, f"{error}; push first", errors=[("branch", str(error))]) from None
    except (BitbucketError, NoCredential) as error:
        raise bitbucket_problem(error) from None


async def _detected(snapshot: Snapshot | None) -> Detection | None:
    return None if snapshot is None else await asyncio.to_thread(detect, snapshot.paths, snapshot.files)


def _with_detection(pipeline: Pipeline, found: Detection | None) -> dict[str, Any]:
    """A kind that a person chose against what was found stays; otherwise it follows the repository."""
    if found is None:
        return {}
    followed = pipeline.detection is not None and pipeline.detection.get("type") == pipeline.project_type
    return {"detection": msgspec.to_builtins(found), **({"project_type": found.type} if followed else {})}


async def _draft(
    house: House,
    target: Target,
    now: Standing | None,
    wanted: NewPipeline,
    settings: dict[str, Any],
    snapshot: Snapshot | None,
    email: str | None,
) -> Draft:
    found = await _detected(snapshot)
    values = {name: value for name, value in settings.items() if name != "branch"}
    values["detection"] = msgspec.to_builtins(found) if found else None
    values["project_type"] = found.type if found and wanted.project_type == AUTO else wanted.project_type
    known = list(now.variables) if now else []
    own = checked(house.vault, wanted.environment_variables, [one for one in known if one.environment_id is None])
    every = [*own, *(one for one in known if one.environment_id is not None)]
    places = list(now.environments) if now else [_production()]
    branch = settings["branch"] or _known_branch(places, target, snapshot)
    main = main_of(places)
    ground = Ground(
        pipeline=replace(now.pipeline if now else _nothing_yet(), **values),
        environments=tuple(replace(one, branch_pattern=branch) if one is main else one for one in places),
        secured=secured_by_key(every),
        email=email,
    )
    try:
        generated = await rendered(ground)
    except InvalidValue as error:
        raise invalid_value_problem(error, OF_GENERATION) from None
    version = now.pipeline.version if now else 1
    return Draft(version=version, values=values, branch=branch, variables=own, generated=generated)


def main_of(places: list[Environment]) -> Environment:
    """The one that the default branch deploys to."""
    return next((one for one in places if one.kind == "production"), places[0])


def _known_branch(places: list[Environment], target: Target, snapshot: Snapshot | None) -> str:
    chosen = main_of(places).branch_pattern
    if chosen != USUAL_BRANCHES:
        return chosen
    known = target.repository.main_branch if target.repository else None
    return snapshot.branch if snapshot else known or "main"


async def _main_branch(connection: Any, pipeline: Pipeline) -> str | None:
    """The branch to look at; a pattern names none, so there it is the repository's main branch."""
    pattern = main_of(await pipelines.environments_of(connection, pipeline.id)).branch_pattern
    return None if set(pattern) & set("*?{") else pattern


def _production() -> Environment:
    return Environment(id=0, pipeline_id=0, name="production", kind="production", branch_pattern=USUAL_BRANCHES)


def _nothing_yet() -> Pipeline:
    """Stands in, while files are rendered, for the pipeline that is made when they can be."""
    nothing = dict.fromkeys(Pipeline.__dataclass_fields__)
    return Pipeline(**nothing)  # type: ignore[arg-type]  # what the files are made from is put over it


async def _take_over(
    request: Request, viewer: Viewer, target: Target, draft: Draft, snapshot: Snapshot | None
) -> tuple[int, int, Connected | None] | None:
    """(pipeline, version, the new connection); None where somebody else was faster, and then nothing is written."""
    house = house_of(request)
    async with house.recorder.record() as record:
        connected = await _connect(record, viewer, house, target) if target.repository is None else None
        repository = connected.repository if connected else target.repository
        assert repository is not None
        pipeline_id = target.pipeline.id if target.pipeline else await _adopted(record, repository.id)
        values = {**draft.values, **columns(draft.generated), "generated_at": record.now}
        if pipeline_id is None or not await pipelines.change(
            record.connection, pipeline_id, version=draft.version, now=record.now, **values
        ):
            return None
        await _write_rest(record, repository, pipeline_id, draft, snapshot)
        told = {"pipeline_id": pipeline_id, "version": draft.version + 1, "action": "pipeline.generated"}
        record.log("pipeline.updated", told, repository_id=repository.id, pipeline_id=pipeline_id)
        if connected:
            actor = actor_of(request, viewer)
            record.audit(actor, "repository.connected", repository.full_name, id=repository.id)
        made = draft.generated.project_type
        record.audit(actor_of(request, viewer), "pipeline.generated", f"pipeline {pipeline_id}", project_type=made)
    return pipeline_id, draft.version + 1, connected


async def _connect(record: Record, viewer: Viewer, house: House, target: Target) -> Connected:
    return await connect_repository(
        record,
        viewer,
        house.vault,
        workspace=target.workspace,
        slug=target.slug,
        credential_id=target.credential_id,
    )


async def _adopted(record: Record, repository_id: int) -> int | None:
    """The pipeline that came with the connection, or a new one after one that was deleted."""
    known = await pipelines.active_of(record.connection, repository_id)
    if known is not None:
        return known.id
    return await pipelines.adopt_unless_active(
        record.connection, repository_id, branch_pattern=USUAL_BRANCHES, now=record.now
    )


async def _write_rest(
    record: Record, repository: Repository, pipeline_id: int, draft: Draft, snapshot: Snapshot | None
) -> None:
    connection = record.connection
    main = main_of(await pipelines.environments_of(connection, pipeline_id))
    await environments.change(connection, main.id, branch_pattern=draft.branch)
    await variables.replace(connection, pipeline_id, None, draft.variables)
    if repository.credential_id is not None:  # after a pipeline that was deleted, its webhook may be gone
        await record.work("hook", str(repository.id), {"repository_id": repository.id})
    if snapshot is not None:
        await repositories.note_main_branch(connection, repository.id, snapshot.main_branch)
    made = await pipelines.active_of(connection, repository.id)
    assert made is not None
    await write_revision(record, made, draft.generated, commit=snapshot.commit if snapshot else None)


async def _answer(
    request: Request, viewer: Viewer, pipeline_id: int, version: int, connected: Connected | None
) -> Response:
    house = house_of(request)
    async with house.database.read() as connection:
        listed = await pipelines.seen_by(connection, viewer, pipeline_id)
        found = await variables.of_pipeline(connection, pipeline_id)
    assert listed is not None
    own = shapes(house.vault, [one for one in found if one.environment_id is None])
    webhook = (
        WebhookShape(url=house.webhook_url(connected.hook_id), secret=connected.secret) if connected else msgspec.UNSET
    )
    shape = extended(GeneratedShape, pipeline_shape(listed, own), webhook=webhook)
    headers = {"Location": f"/api/pipelines/{pipeline_id}", "ETag": etag(version)}
    return answer(shape, 201, headers)
