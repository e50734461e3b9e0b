"""One way to change what a pipeline's files are made from: look, plan, render, and write if nobody else has meanwhile.

Rendering takes tens of milliseconds, so it is done between two transactions and not inside one. The pipeline's version
is compared when the outcome is written: who was overtaken looks again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import Request

from service.configs import Generated, InvalidValue
from service.generation import Ground, columns, rendered, write_revision
from service.grounds import email_of, secured_by_key
from service.recorder import Record
from service.store import pipelines, variables
from service.store.accounts import Viewer
from service.store.pipelines import Environment, Pipeline
from service.store.revisions import Revision
from service.store.variables import Variable
from service.web import limits
from service.web.call import actor_of, house_of, viewer_of
from service.web.ownership import owned_pipeline, require_active
from service.web.problems import Problem
from service.web.refusals import OF_GENERATION, invalid_value_problem

TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A pipeline with all that belongs to it, in one moment."""

    pipeline: Pipeline
    environments: tuple[Environment, ...]
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to become of it. `values` are columns of the pipeline; `write` changes the rows around it."""

    action: str
    values: dict[str, Any] = field(default_factory=dict)
    environments: Sequence[Environment]
    variables: Sequence[Variable]
    write: Callable[[Record], Awaitable[None]] | None = None
    renders: bool = True
    commit: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The version it is at now; the revision with its files, where it has files, and whether that is a new one."""

    version: int
    revision: Revision | None = None
    is_new: bool = False


# Plans a change. `connection` is for questions; raises a Problem where the change is refused.
Plan = Callable[[Any, Standing], Awaitable[Change]]


async def configure(request: Request, pipeline_id: int, plan: Plan) -> Changed:
    """Raises a 404, 403, 409, 412 or 422, and what `plan` raises."""
    viewer, house = await viewer_of(request), house_of(request)
    for _ in range(TRIES):
        async with house.database.read() as connection:
            pipeline = await owned_pipeline(connection, viewer, pipeline_id)
            refuse_other_version(request, pipeline)
            require_active(pipeline)
            change = await plan(connection, await standing(connection, pipeline))
            if len(change.variables) > limits.VARIABLES.most:
                raise limits.exceeded(limits.VARIABLES)
            email = await email_of(connection, change.values.get("domain", pipeline.domain))
        generated = await _files(pipeline, change, email) if change.renders else None
        changed = await _write(request, viewer, pipeline, change, generated)
        if changed is not None:
            return changed
    raise Problem(409, "others keep changing this pipeline; try again in a moment")


async def standing(connection: Any, pipeline: Pipeline) -> Standing:
    environments = await pipelines.environments_of(connection, pipeline.id)
    found = await variables.of_pipeline(connection, pipeline.id)
    return Standing(pipeline=pipeline, environments=tuple(environments), variables=tuple(found))


def refuse_other_version(request: Request, pipeline: Pipeline) -> None:
    """Raises a 412 where If-Match names another version than the one that is there."""
    asked = request.headers.get("if-match")
    if asked is not None and asked.strip() != "*" and etag(pipeline.version) not in map(str.strip, asked.split(",")):
        raise Problem(412, f"this pipeline is at version {pipeline.version} now; look at it again, then change it")


def etag(version: int) -> str:
    return f'"{version}"'


async def _files(pipeline: Pipeline, change: Change, email: str | None) -> Generated:
    ground = Ground(
        pipeline=replace(pipeline, **change.values),
        environments=tuple(change.environments),
        secured=secured_by_key(change.variables),
        email=email,
    )
    try:
        return await rendered(ground)
    except InvalidValue as error:
        raise invalid_value_problem(error, OF_GENERATION) from None


async def _write(
    request: Request, viewer: Viewer, pipeline: Pipeline, change: Change, generated: Generated | None
) -> Changed | None:
    """None where somebody else has changed the pipeline since it was looked at; nothing is written then."""
    house, files = house_of(request), columns(generated) if generated else {}
    async with house.recorder.record() as record:
        values = {**change.values, **files}
        told = {"pipeline_id": pipeline.id, "version": pipeline.version + 1, "action": change.action, **change.details}
        mine = await pipelines.change(
            record.connection, pipeline.id, version=pipeline.version, now=record.now, **values
        )
        if not mine:
            return None
        if change.write is not None:
            await change.write(record)
        record.log("pipeline.updated", told, repository_id=pipeline.repository_id, pipeline_id=pipeline.id)
        record.audit(actor_of(request, viewer), change.action, f"pipeline {pipeline.id}", **change.details)
        if generated is None:
            return Changed(version=pipeline.version + 1)
        after = replace(pipeline, **values)
        revision, is_new = await write_revision(record, after, generated, commit=change.commit)
    return Changed(version=pipeline.version + 1, revision=revision, is_new=is_new)
