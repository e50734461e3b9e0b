"""Changing a pipeline's settings, and ending it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.configs.kinds import AS_IMAGE, KINDS
from service.recorder import Record
from service.store import holds, pipelines, repositories, variables
from service.web.api.generating_bodies import AUTO
from service.web.api.shapes import PipelineShape, pipeline_shape
from service.web.call import actor_of, answer, body_of, flag_of, house_of, id_in, viewer_of
from service.web.configuring import TRIES, Change, Standing, configure, etag, refuse_other_version
from service.web.gates import pipeline_hold_shape
from service.web.operation import Operation, Query, Right
from service.web.ownership import owned_pipeline, refuse_others_domain, require_active
from service.web.places import checked_place
from service.web.problems import Problem
from service.web.variables import VariableBody, checked, shapes
from service.web.words import Port, Text


class PipelineChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Any of a pipeline's settings; null takes one away. `environment_variables` replaces the whole list."""

    project_type: Text | msgspec.UnsetType = msgspec.UNSET
    server_ip: Text | msgspec.UnsetType | None = msgspec.UNSET
    subdomain: Text | msgspec.UnsetType | None = msgspec.UNSET
    domain: Text | msgspec.UnsetType | None = msgspec.UNSET
    port: Port | msgspec.UnsetType | None = msgspec.UNSET
    ssl_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    config_delivery: Literal["pull_request", "commit", "manual"] | msgspec.UnsetType = msgspec.UNSET
    config_skip_ci: bool | msgspec.UnsetType = msgspec.UNSET
    environment_variables: list[VariableBody] | msgspec.UnsetType = msgspec.UNSET


async def change(request: Request) -> Response:
    viewer, house, pipeline_id = await viewer_of(request), house_of(request), id_in(request, "pipeline")
    async with house.database.read() as connection:
        await owned_pipeline(connection, viewer, pipeline_id)
    wanted = await body_of(request, PipelineChange)
    values = checked_place(_given(wanted))

    async def plan(connection: Any, now: Standing) -> Change:
        settled = {**values, **_project_type(values, now)}
        domain = settled.get("domain")
        if domain is not None and domain != now.pipeline.domain:
            await refuse_others_domain(connection, viewer, domain)
        own = [one for one in now.variables if one.environment_id is None]
        others = [one for one in now.variables if one.environment_id is not None]
        if wanted.environment_variables is not msgspec.UNSET:
            own = checked(house.vault, wanted.environment_variables, own)

        async def write(record: Record) -> None:
            await variables.replace(record.connection, pipeline_id, None, own)

        return Change(
            action="pipeline.changed",
            values=settled,
            environments=now.environments,
            variables=[*own, *others],
            write=write if wanted.environment_variables is not msgspec.UNSET else None,
            renders=now.pipeline.generated_at is not None,
            details={"fields": sorted(msgspec.to_builtins(wanted))},
        )

    changed = await configure(request, pipeline_id, plan)
    async with house.database.read() as connection:
        listed = await pipelines.seen_by(connection, viewer, pipeline_id)
        found = await variables.of_pipeline(connection, pipeline_id)
        held = await holds.newest_of(connection, [pipeline_id])
    assert listed is not None
    own = shapes(house.vault, [one for one in found if one.environment_id is None])
    shape = pipeline_shape(listed, own, pipeline_hold_shape(held.get(pipeline_id)))
    return answer(shape, 200, {"ETag": etag(changed.version)})


async def remove(request: Request) -> Response:
    viewer, house, pipeline_id = await viewer_of(request), house_of(request), id_in(request, "pipeline")
    remote = flag_of(request, "remote")
    for _ in range(TRIES):
        async with house.recorder.record() as record:
            pipeline = await owned_pipeline(record.connection, viewer, pipeline_id)
            refuse_other_version(request, pipeline)
            require_active(pipeline)
            repository = await repositories.by_id(record.connection, pipeline.repository_id)
            assert repository is not None
            if remote and repository.credential_id is None:
                raise Problem(409, NOTHING_REMOTE.format(repository.full_name))
            if not await pipelines.change(
                record.connection, pipeline_id, version=pipeline.version, now=record.now, is_active=False
            ):
                continue
            if remote:
                for part in CLEANED:
                    await record.work("cleanup", f"{pipeline_id} {part}", {"pipeline_id": pipeline_id, "part": part})
            told = {"pipeline_id": pipeline_id, "reason": f"{viewer.name} deleted it"}
            record.log("pipeline.deleted", told, repository_id=pipeline.repository_id, pipeline_id=pipeline_id)
            record.audit(actor_of(request, viewer), "pipeline.deleted", f"pipeline {pipeline_id}", remote=remote)
            return Response(status_code=204)
    raise Problem(409, "others keep changing this pipeline; try again in a moment")


# What was put into Bitbucket. A piece of work each: one that fails holds up no other.
CLEANED = ("webhook", "variables", "config")

NOTHING_REMOTE = (
    "Penstock has no credential for {}, so it has put nothing into Bitbucket and can remove nothing there: delete with"
    " remote=false, and remove the webhook in Repository settings > Webhooks"
)

operations = [
    Operation(
        method="PUT",
        path="/api/pipelines/{id}",
        handler=change,
        right=Right.OWN,
        summary="Change any of a pipeline's settings; the files that depend on them are rendered anew",
        body=PipelineChange,
        answer=PipelineShape,
        also=(409,),
        matches=True,
    ),
    Operation(
        method="DELETE",
        path="/api/pipelines/{id}",
        handler=remove,
        right=Right.OWN,
        summary="End a pipeline; its history stays readable",
        status=204,
        query=(Query("remote", bool, meaning="also remove what was put into Bitbucket"),),
        also=(409,),
        matches=True,
    ),
]


def _given(wanted: PipelineChange) -> dict[str, Any]:
    """The settings that are columns, as far as they are given."""
    names = (name for name in wanted.__struct_fields__ if name != "environment_variables")
    return {name: value for name in names if (value := getattr(wanted, name)) is not msgspec.UNSET}


def _project_type(values: dict[str, Any], now: Standing) -> dict[str, Any]:
    """`auto` is what was found in the repository. Raises a 422 for a kind that nothing is generated for."""
    asked = values.get("project_type")
    if asked is None:
        return {}
    if asked == AUTO:
        if now.pipeline.detection is None:
            told = "nobody has looked into the repository: name a kind of project"
            raise Problem(422, told, errors=[("project_type", told)])
        return {"project_type": now.pipeline.detection["type"]}
    if asked not in KINDS and asked not in AS_IMAGE:
        told = f"nothing is generated for it; choose one of {', '.join(sorted((*KINDS, *AS_IMAGE)))}"
        raise Problem(422, f"project_type: {told}", errors=[("project_type", told)])
    return {"project_type": asked}
