"""Generating: from a repository, or from settings alone, to the files that build, test and deploy it."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.grounds import branch_of, email_of, with_detection
from service.recorder import Record
from service.remote import Snapshot
from service.store import holds, looks, pipelines, repositories, revisions, variables
from service.store.accounts import Viewer
from service.store.repositories import AlreadyConnected
from service.web.api.drafting import draft_of
from service.web.api.generating_bodies import AUTO, NewPipeline, settings_of
from service.web.api.generating_targets import Target, refuse_generated, target_of
from service.web.api.repositories import new_webhook
from service.web.api.revision_shapes import RegeneratedShape, revision_detail
from service.web.api.shapes import (
    GeneratedShape,
    extended,
    pipeline_shape,
)
from service.web.api.taking_over import take_over
from service.web.call import answer, body_of, house_of, id_in, viewer_of
from service.web.configuring import TRIES, Change, Standing, configure, etag, standing
from service.web.connecting import Connected
from service.web.gates import pipeline_hold_shape
from service.web.house import House
from service.web.looking import detected, snapshot_of
from service.web.operation import Operation, Right
from service.web.ownership import owned_pipeline, refuse_others_domain, require_active
from service.web.problems import Problem
from service.web.variables import shapes


async def generate(request: Request) -> Response:
    viewer, house = await viewer_of(request), house_of(request)
    wanted = await body_of(request, NewPipeline)
    settings = settings_of(wanted)
    snapshot: Snapshot | None = None
    for _ in range(TRIES):
        async with house.database.read() as connection:
            target = await target_of(connection, viewer, wanted)
            refuse_generated(target.pipeline)
            if settings.get("domain"):
                await refuse_others_domain(connection, viewer, settings["domain"])
            now = await standing(connection, target.pipeline) if target.pipeline else None
            email = await email_of(connection, settings.get("domain"))
        if snapshot is None:
            snapshot = await _seen(house, target, wanted)
        draft = await draft_of(house, target, now, wanted, settings, snapshot, email)
        try:
            made = await take_over(request, viewer, target, draft, snapshot)
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
        branch = branch_of(await pipelines.environments_of(connection, pipeline.id))
        arrived = await revisions.arrived(connection, pipeline_id)
    if pipeline.generated_at is None:
        raise Problem(409, "nothing was generated for this pipeline yet: POST /api/pipelines/generate does")
    assert repository is not None
    ours = frozenset(arrived.files if arrived else ())
    snapshot = await snapshot_of(house, repository.credential_id, repository.address, branch, without=ours)
    found = await detected(snapshot)

    async def write(record: Record) -> None:
        if snapshot is not None:
            await looks.put(
                record.connection, pipeline_id, branch=snapshot.branch, commit=snapshot.commit, paths=snapshot.paths
            )

    async def plan(connection: Any, now: Standing) -> Change:
        return Change(
            action="pipeline.regenerated",
            write=write,
            values=with_detection(now.pipeline, found),
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


async def _seen(house: House, target: Target, wanted: NewPipeline) -> Snapshot | None:
    if target.credential_id is None:
        if wanted.project_type == AUTO:
            told = "without a credential nobody can look into the repository: say what kind of project it is"
            raise Problem(422, told, errors=[("project_type", told)])
        return None
    name = target.repository.address if target.repository else f"{target.workspace}/{target.slug}"
    return await snapshot_of(house, target.credential_id, name, wanted.branch)


async def _answer(
    request: Request, viewer: Viewer, pipeline_id: int, version: int, connected: Connected | None
) -> Response:
    house = house_of(request)
    async with house.database.read() as connection:
        listed = await pipelines.seen_by(connection, viewer, pipeline_id)
        found = await variables.of_pipeline(connection, pipeline_id)
        held = await holds.newest_of(connection, [pipeline_id])
    assert listed is not None
    own = shapes(house.vault, [one for one in found if one.environment_id is None])
    webhook = new_webhook(house, connected) if connected else msgspec.UNSET
    shape = extended(
        GeneratedShape, pipeline_shape(listed, own, pipeline_hold_shape(held.get(pipeline_id))), webhook=webhook
    )
    headers = {"Location": f"/api/pipelines/{pipeline_id}", "ETag": etag(version)}
    return answer(shape, 201, headers)
