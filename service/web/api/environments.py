"""Environments of a pipeline: where it deploys to, by which branch, with what of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service import holding
from service.recorder import Record
from service.store import environments, holds, locks, pipelines, releases, variables
from service.store.environments import NameTaken
from service.store.pipelines import Environment, Pipeline
from service.web import limits
from service.web.api.environment_bodies import EnvironmentChange, NewEnvironment, values_of
from service.web.api.shapes import EnvironmentShape, environment_shape
from service.web.call import answer, body_of, house_of, id_in, limit_of, numbered_cursor_of, page, viewer_of
from service.web.configuring import Change, Standing, configure, etag
from service.web.gates import hold_shape
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Right
from service.web.ownership import owned_pipeline, refuse_others_domain
from service.web.problems import Problem, not_found
from service.web.variables import checked, shapes

NONE: Mapping[str, str] = MappingProxyType({})


async def list_environments(request: Request) -> Response:
    limit, after = limit_of(request), numbered_cursor_of(request) or 0
    _, known = await _visible(request)
    found = [one for one in known if one.id > after][: limit + 1]
    return page(list(await _shapes(request, found)), limit, [one.id for one in found])


async def show(request: Request) -> Response:
    pipeline, known = await _visible(request)
    return await _answer(request, _named(known, request.path_params["name"]), pipeline.version)


async def add(request: Request) -> Response:
    pipeline_id = id_in(request, "pipeline")
    await _own(request, pipeline_id)
    wanted = await body_of(request, NewEnvironment)
    values = _values(request, wanted)

    async def plan(connection: Any, standing: Standing) -> Change:
        await limits.check(connection, limits.ENVIRONMENTS, pipeline_id)
        if wanted.name.lower() in (one.name.lower() for one in standing.environments):
            raise _taken(wanted.name)
        made = Environment(id=0, pipeline_id=pipeline_id, **values)
        await _refuse_domain(request, connection, made, None)
        own = checked(house_of(request).vault, wanted.environment_variables, [])

        async def write(record: Record) -> None:
            try:
                row = await environments.add(record.connection, pipeline_id, **_columns(made))
            except NameTaken:
                raise _taken(wanted.name) from None
            await variables.replace(record.connection, pipeline_id, row.id, own)

        return Change(
            action="environment.added",
            environments=[*standing.environments, made],
            variables=[*standing.variables, *own],
            write=write,
            renders=standing.pipeline.generated_at is not None,
            details={"environment": wanted.name},
        )

    changed = await configure(request, pipeline_id, plan)
    _, known = await _visible(request)
    where = {"Location": f"/api/pipelines/{pipeline_id}/environments/{wanted.name}"}
    return await _answer(request, _named(known, wanted.name), changed.version, 201, where)


async def change(request: Request) -> Response:
    pipeline_id, name = id_in(request, "pipeline"), request.path_params["name"]
    await _own(request, pipeline_id, name)
    wanted = await body_of(request, EnvironmentChange)
    values = _values(request, wanted)

    async def plan(connection: Any, standing: Standing) -> Change:
        before = _named(standing.environments, name)
        made = replace(before, **values)
        await _refuse_domain(request, connection, made, before)
        others = [one for one in standing.variables if one.environment_id != before.id]
        own = [one for one in standing.variables if one.environment_id == before.id]
        if wanted.environment_variables is not msgspec.UNSET:
            own = checked(house_of(request).vault, wanted.environment_variables, own)

        async def write(record: Record) -> None:
            await environments.change(record.connection, before.id, **values)
            if wanted.environment_variables is not msgspec.UNSET:
                await variables.replace(record.connection, pipeline_id, before.id, own)

        return Change(
            action="environment.changed",
            environments=[made if one.id == before.id else one for one in standing.environments],
            variables=[*others, *own],
            write=write,
            renders=standing.pipeline.generated_at is not None,
            details={"environment": name, "fields": sorted(msgspec.to_builtins(wanted))},
        )

    changed = await configure(request, pipeline_id, plan)
    _, known = await _visible(request)
    return await _answer(request, _named(known, name), changed.version)


async def remove(request: Request) -> Response:
    pipeline_id, name = id_in(request, "pipeline"), request.path_params["name"]
    await _own(request, pipeline_id, name)

    async def plan(connection: Any, standing: Standing) -> Change:
        before = _named(standing.environments, name)
        if len(standing.environments) == 1:
            raise Problem(409, "a pipeline deploys somewhere: add another environment before the last one goes")
        if waiting := await locks.waiting_here(connection, pipeline_id, name):
            told = f"execution {waiting} waits to be started there: approve it, or stop it"
            raise Problem(409, f"{told}, before {name} is removed")

        async def write(record: Record) -> None:
            gone = f"{name} was removed"
            await holding.release(record, before, by=(await viewer_of(request)).name, reason=gone)
            await environments.remove(record.connection, before.id)

        return Change(
            action="environment.removed",
            environments=[one for one in standing.environments if one.id != before.id],
            variables=[one for one in standing.variables if one.environment_id != before.id],
            write=write,
            renders=standing.pipeline.generated_at is not None,
            details={"environment": name},
        )

    await configure(request, pipeline_id, plan)
    return Response(status_code=204)


operations = [
    Operation(
        method="GET",
        path="/api/pipelines/{id}/environments",
        handler=list_environments,
        right=Right.SEE,
        summary="Where a pipeline deploys to",
        answer=ListOf(EnvironmentShape),
        query=LIST,
    ),
    Operation(
        method="POST",
        path="/api/pipelines/{id}/environments",
        handler=add,
        right=Right.OWN,
        summary="Add an environment; the files are rendered anew",
        body=NewEnvironment,
        answer=EnvironmentShape,
        status=201,
        also=(409,),
        once=True,
        matches=True,
    ),
    Operation(
        method="GET",
        path="/api/pipelines/{id}/environments/{name}",
        handler=show,
        right=Right.SEE,
        summary="One environment, with what is live there",
        answer=EnvironmentShape,
    ),
    Operation(
        method="PUT",
        path="/api/pipelines/{id}/environments/{name}",
        handler=change,
        right=Right.OWN,
        summary="Change any of an environment's fields; the files are rendered anew",
        body=EnvironmentChange,
        answer=EnvironmentShape,
        also=(409,),
        matches=True,
    ),
    Operation(
        method="DELETE",
        path="/api/pipelines/{id}/environments/{name}",
        handler=remove,
        right=Right.OWN,
        summary="Remove an environment; its executions stay readable",
        status=204,
        also=(409, 422),
        matches=True,
    ),
]


def _values(request: Request, wanted: NewEnvironment | EnvironmentChange) -> dict[str, Any]:
    return values_of(wanted, allow_private=house_of(request).settings.allow_private_targets)


async def _refuse_domain(request: Request, connection: Any, made: Environment, before: Environment | None) -> None:
    if made.domain and made.domain != (before.domain if before else None):
        await refuse_others_domain(connection, await viewer_of(request), made.domain)


def _columns(made: Environment) -> dict[str, Any]:
    return {name: value for name, value in asdict(made).items() if name not in ("id", "pipeline_id")}


def _named(found: Any, name: str) -> Environment:
    for one in found:
        if one.name == name:
            environment: Environment = one
            return environment
    raise not_found("environment")


def _taken(name: str) -> Problem:
    return Problem(409, f"the pipeline has an environment named {name!r}; change that one, or choose another name")


async def _own(request: Request, pipeline_id: int, name: str | None = None) -> None:
    """Rights before the body: raises a 404 or a 403."""
    async with house_of(request).database.read() as connection:
        await owned_pipeline(connection, await viewer_of(request), pipeline_id)
        if name is not None:
            _named(await pipelines.environments_of(connection, pipeline_id), name)


async def _visible(request: Request) -> tuple[Pipeline, list[Environment]]:
    pipeline_id = id_in(request, "pipeline")
    async with house_of(request).database.read() as connection:
        listed = await pipelines.seen_by(connection, await viewer_of(request), pipeline_id)
        if listed is None:
            raise not_found("pipeline")
        return listed.pipeline, await pipelines.environments_of(connection, pipeline_id)


async def _answer(
    request: Request, one: Environment, version: int, status: int = 200, headers: Mapping[str, str] = NONE
) -> Response:
    """The environment, with its pipeline's version: what is at another one by then is not changed."""
    return answer((await _shapes(request, [one]))[0], status, {**headers, "ETag": etag(version)})


async def _shapes(request: Request, found: list[Environment]) -> list[EnvironmentShape]:
    house, pipeline_id = house_of(request), id_in(request, "pipeline")
    async with house.database.read() as connection:
        return await environment_shapes(connection, house.vault, pipeline_id, found)


async def environment_shapes(
    connection: Any, vault: Any, pipeline_id: int, found: list[Environment]
) -> list[EnvironmentShape]:
    """With their own variables, what is live there, who deploys there, and what is held."""
    live = await releases.live_executions(connection, pipeline_id, [one.name for one in found])
    known = await variables.of_pipeline(connection, pipeline_id)
    held = await holds.open_of(connection, pipeline_id)
    locked = await locks.of_pipeline(connection, pipeline_id)
    return [
        environment_shape(
            one,
            shapes(vault, [each for each in known if each.environment_id == one.id]),
            live=live.get(one.name),
            hold=hold_shape(held.get(one.name)),
            lock=locked.get(one.name),
        )
        for one in found
    ]
