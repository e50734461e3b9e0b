"""Pipelines and their executions, to read."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.machine import State
from service.store import deliveries, executions, holds, pipelines, probes, revisions, steps, variables
from service.store.variables import Variable
from service.web.api.environments import environment_shapes
from service.web.api.revision_shapes import RevisionDetail, revision_detail, revision_shape
from service.web.api.shapes import (
    ExecutionDetail,
    ExecutionShape,
    PipelineDetail,
    PipelineShape,
    delivery_shape,
    execution_shape,
    extended,
    pipeline_shape,
    probe_shape,
    step_shape,
    transition_shape,
)
from service.web.call import (
    answer,
    house_of,
    id_in,
    limit_of,
    number_of,
    numbered_cursor_of,
    page,
    text_of,
    viewer_of,
    word_of,
)
from service.web.configuring import etag
from service.web.gates import pipeline_hold_shape
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.problems import not_found
from service.web.variables import VariableShape, shapes

STATES = frozenset(State)

# How many executions come along with a pipeline.
LATEST = 10


async def list_pipelines(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit = limit_of(request)
    async with house_of(request).database.read() as connection:
        found = await pipelines.page(
            connection,
            viewer,
            after=numbered_cursor_of(request) or 0,
            limit=limit + 1,
            status=word_of(request, "status", STATES),
            repository_id=number_of(request, "repository_id"),
            project_type=text_of(request, "project_type"),
        )
        numbers = [listed.pipeline.id for listed in found]
        known = await variables.of_pipelines(connection, numbers)
        held = await holds.newest_of(connection, numbers)
    listed_shapes: list[object] = [
        pipeline_shape(one, _own(request, known.get(number, [])), pipeline_hold_shape(held.get(number)))
        for number, one in zip(numbers, found, strict=True)
    ]
    return page(listed_shapes, limit, numbers)


async def show_pipeline(request: Request) -> Response:
    viewer = await viewer_of(request)
    pipeline_id = id_in(request, "pipeline")
    async with house_of(request).database.read() as connection:
        listed = await pipelines.seen_by(connection, viewer, pipeline_id)
        if listed is None:
            raise not_found("pipeline")
        found = await pipelines.environments_of(connection, pipeline_id)
        environments = await environment_shapes(connection, house_of(request).vault, pipeline_id, found)
        latest = await executions.page(connection, viewer, before=None, limit=LATEST, pipeline_id=pipeline_id)
        known = await variables.of_pipeline(connection, pipeline_id)
        made = await revisions.latest(connection, pipeline_id, limit=LATEST)
        held = await holds.newest_of(connection, [pipeline_id])
    return answer(
        extended(
            PipelineDetail,
            pipeline_shape(listed, _own(request, known), pipeline_hold_shape(held.get(pipeline_id))),
            version=listed.pipeline.version,
            config_delivery=listed.pipeline.config_delivery,
            config_skip_ci=listed.pipeline.config_skip_ci,
            environments=environments,
            executions=[execution_shape(execution) for execution in latest],
            config_revisions=[revision_shape(revision) for revision in made],
        ),
        headers={"ETag": etag(listed.pipeline.version)},
    )


async def list_executions(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, pipeline_id = limit_of(request), id_in(request, "pipeline")
    async with house_of(request).database.read() as connection:
        if await pipelines.seen_by(connection, viewer, pipeline_id) is None:
            raise not_found("pipeline")
        found = await executions.page(
            connection, viewer, before=numbered_cursor_of(request), limit=limit + 1, pipeline_id=pipeline_id
        )
    return page([execution_shape(execution) for execution in found], limit, [execution.id for execution in found])


async def show_execution(request: Request) -> Response:
    viewer = await viewer_of(request)
    async with house_of(request).database.read() as connection:
        execution = await executions.seen_by(connection, viewer, id_in(request, "execution"))
        if execution is None:
            raise not_found("execution")
        known_steps = await steps.of_execution(connection, execution.id)
        history = await executions.transitions_of(connection, execution.id)
        known = execution.config_revision_id
        revision = await revisions.by_id(connection, known) if known is not None else None
        causes = await deliveries.named(connection, await executions.deliveries_of(connection, execution.id))
        probe = (await probes.latest(connection, [execution.id])).get(execution.id)
    return answer(
        extended(
            ExecutionDetail,
            execution_shape(execution),
            steps=[step_shape(step) for step in known_steps],
            transitions=[transition_shape(transition) for transition in history],
            health_check=probe_shape(probe) if probe else None,
            deliveries=[delivery_shape(delivery) for delivery in causes],
            config_revision=msgspec.to_builtins(revision_shape(revision)) if revision else None,
        )
    )


async def show_revision(request: Request) -> Response:
    """By its number, which counts from 1."""
    viewer, pipeline_id = await viewer_of(request), id_in(request, "pipeline")
    async with house_of(request).database.read() as connection:
        if await pipelines.seen_by(connection, viewer, pipeline_id) is None:
            raise not_found("pipeline")
        revision = await revisions.numbered(connection, pipeline_id, id_in(request, "revision", "number"))
    if revision is None:
        raise not_found("revision")
    return answer(revision_detail(revision))


def _own(request: Request, known: list[Variable]) -> list[VariableShape]:
    """The pipeline's own variables: an environment's are shown with the environment."""
    return shapes(house_of(request).vault, [one for one in known if one.environment_id is None])


operations = [
    Operation(
        method="GET",
        path="/api/pipelines",
        handler=list_pipelines,
        right=Right.SIGNED_IN,
        summary="The pipelines that the caller may see",
        answer=ListOf(PipelineShape),
        query=(*LIST, Query("status", words=tuple(STATES)), Query("repository_id", int), Query("project_type")),
    ),
    Operation(
        method="GET",
        path="/api/pipelines/{id}",
        handler=show_pipeline,
        right=Right.SEE,
        summary="A pipeline with its environments and latest executions",
        answer=PipelineDetail,
    ),
    Operation(
        method="GET",
        path="/api/pipelines/{id}/executions",
        handler=list_executions,
        right=Right.SEE,
        summary="A pipeline's executions, the newest first",
        answer=ListOf(ExecutionShape),
        query=LIST,
    ),
    Operation(
        method="GET",
        path="/api/pipelines/{id}/revisions/{number}",
        handler=show_revision,
        right=Right.SEE,
        summary="A config revision with its files, its diff, and a reason for each choice",
        answer=RevisionDetail,
    ),
    Operation(
        method="GET",
        path="/api/executions/{id}",
        handler=show_execution,
        right=Right.SEE,
        summary="An execution with its history and the deliveries behind it",
        answer=ExecutionDetail,
    ),
]
