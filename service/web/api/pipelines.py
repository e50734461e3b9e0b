"""Pipelines and their executions, to read."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.machine import State
from service.store import deliveries, executions, pipelines
from service.web.api.shapes import (
    ExecutionDetail,
    ExecutionShape,
    PipelineDetail,
    PipelineShape,
    delivery_shape,
    environment_shape,
    execution_shape,
    extended,
    pipeline_shape,
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
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.problems import not_found

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
    return page([pipeline_shape(listed) for listed in found], limit, [listed.pipeline.id for listed in found])


async def show_pipeline(request: Request) -> Response:
    viewer = await viewer_of(request)
    pipeline_id = id_in(request, "pipeline")
    async with house_of(request).database.read() as connection:
        listed = await pipelines.seen_by(connection, viewer, pipeline_id)
        if listed is None:
            raise not_found("pipeline")
        environments = await pipelines.environments_of(connection, pipeline_id)
        latest = await executions.page(connection, viewer, before=None, limit=LATEST, pipeline_id=pipeline_id)
    return answer(
        extended(
            PipelineDetail,
            pipeline_shape(listed),
            environments=[environment_shape(environment) for environment in environments],
            executions=[execution_shape(execution) for execution in latest],
        )
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
        history = await executions.transitions_of(connection, execution.id)
        causes = await deliveries.named(connection, await executions.deliveries_of(connection, execution.id))
    return answer(
        extended(
            ExecutionDetail,
            execution_shape(execution),
            steps=[],
            transitions=[transition_shape(transition) for transition in history],
            deliveries=[delivery_shape(delivery) for delivery in causes],
            config_revision=None,
        )
    )


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
        path="/api/executions/{id}",
        handler=show_execution,
        right=Right.SEE,
        summary="An execution with its history and the deliveries behind it",
        answer=ExecutionDetail,
    ),
]
