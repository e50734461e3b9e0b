"""Drift: what is not as Penstock last left it, and a look on demand."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.drift import look_for_it
from service.store import drifts, repositories
from service.store.drifts import KINDS, Listed
from service.web.call import (
    actor_of,
    answer,
    house_of,
    id_in,
    limit_of,
    number_of,
    numbered_cursor_of,
    page,
    viewer_of,
    word_of,
)
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.ownership import operated_pipeline, require_active
from service.web.problems import Problem


class DriftShape(msgspec.Struct, frozen=True, kw_only=True):
    """One place that has come apart. `kind` is file, variable, webhook or nginx; `subject` the path, the variable (with
    its environment before it), the hook's address, the host; `change` changed, missing, unmanaged or inactive.
    """

    id: int
    pipeline_id: int
    repository: str
    kind: str
    subject: str
    change: str
    detail: str
    found_at: datetime
    seen_at: datetime


class LookShape(msgspec.Struct, frozen=True, kw_only=True):
    """A look for drift that begins now; what it finds is in `GET /api/drift`, and told as `config.drifted`."""

    pipeline_id: int
    asked_at: datetime


async def list_drift(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, after = limit_of(request), numbered_cursor_of(request) or 0
    async with house_of(request).database.read() as connection:
        found = await drifts.page(
            connection,
            viewer,
            after=after,
            limit=limit + 1,
            pipeline_id=number_of(request, "pipeline_id"),
            kind=word_of(request, "kind", frozenset(KINDS)),
        )
    return page([_shape(one) for one in found], limit, [one.drift.id for one in found])


async def look(request: Request) -> Response:
    viewer, house, pipeline_id = await viewer_of(request), house_of(request), id_in(request, "pipeline")
    async with house.recorder.record() as record:
        pipeline = await operated_pipeline(record.connection, viewer, pipeline_id)
        require_active(pipeline)
        repository = await repositories.by_id(record.connection, pipeline.repository_id)
        if repository is None or repository.credential_id is None:
            raise Problem(409, "the repository has no credential: nobody can look what is there by now")
        await look_for_it(record, pipeline_id)
        record.audit(actor_of(request, viewer), "drift.asked", f"pipeline {pipeline_id}")
        return answer(LookShape(pipeline_id=pipeline_id, asked_at=record.now), 202)


operations = [
    Operation(
        method="GET",
        path="/api/drift",
        handler=list_drift,
        right=Right.SIGNED_IN,
        summary="What is not as Penstock last left it: files, variables, webhooks, nginx, deployments",
        answer=ListOf(DriftShape),
        query=(*LIST, Query("pipeline_id", int), Query("kind", words=KINDS)),
    ),
    Operation(
        method="POST",
        path="/api/pipelines/{id}/look-for-drift",
        handler=look,
        right=Right.OPERATE,
        summary="Compare a pipeline with what is really there, now",
        answer=LookShape,
        status=202,
        also=(409,),
        once=True,
    ),
]


def _shape(one: Listed) -> DriftShape:
    drift = one.drift
    return DriftShape(
        id=drift.id,
        pipeline_id=drift.pipeline_id,
        repository=one.full_name,
        kind=drift.kind,
        subject=drift.subject,
        change=drift.change,
        detail=drift.detail,
        found_at=drift.found_at,
        seen_at=drift.seen_at,
    )
