"""The holds of a pipeline's environments: to look at, and to end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service import holding
from service.store import environments, holds, pipelines, repositories
from service.store.holds import Hold
from service.web.call import actor_of, answer, body_of, house_of, id_in, limit_of, numbered_cursor_of, page, viewer_of
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Right
from service.web.ownership import operated_pipeline
from service.web.problems import Problem, not_found
from service.web.words import PRINTABLE, Name

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=PRINTABLE)]


class HoldShape(msgspec.Struct, frozen=True, kw_only=True):
    """A hold; one that has ended says by whom and why."""

    environment: str
    since: datetime
    by_execution_id: int
    commit: str | None
    reason: str
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


class Releasing(msgspec.Struct, forbid_unknown_fields=True):
    """Which environment's hold ends, and why."""

    environment: Name
    reason: Reason | None = None


async def list_holds(request: Request) -> Response:
    viewer, pipeline_id, limit = await viewer_of(request), id_in(request, "pipeline"), limit_of(request)
    async with house_of(request).database.read() as connection:
        if await pipelines.seen_by(connection, viewer, pipeline_id) is None:
            raise not_found("pipeline")
        before = numbered_cursor_of(request)
        found = await holds.of_pipeline(connection, pipeline_id, before=before, limit=limit + 1)
    return page([_shape(one) for one in found], limit, [one.id for one in found])


async def release(request: Request) -> Response:
    viewer, house, pipeline_id = await viewer_of(request), house_of(request), id_in(request, "pipeline")
    async with house.database.read() as connection:
        await operated_pipeline(connection, viewer, pipeline_id)
    wanted = await body_of(request, Releasing)
    async with house.recorder.record() as record:
        pipeline = await operated_pipeline(record.connection, viewer, pipeline_id)
        await repositories.by_id(record.connection, pipeline.repository_id, lock=True)
        environment = await environments.named(record.connection, pipeline_id, wanted.environment)
        if environment is None:
            told = [("environment", "one of the pipeline's environments")]
            raise Problem(422, f"the pipeline has no environment {wanted.environment!r}", errors=told)
        actor = actor_of(request, viewer)
        ended = await holding.release(record, environment, by=viewer.name, reason=wanted.reason, actor=actor)
        if ended is None:
            raise Problem(409, f"{environment.name} is not held: there is nothing to release")
        released = await holds.by_id(record.connection, ended.id)
    return answer(_shape(released or ended))


operations = [
    Operation(
        method="GET",
        path="/api/pipelines/{id}/holds",
        handler=list_holds,
        right=Right.SEE,
        summary="What is held and what was held, the newest first",
        answer=ListOf(HoldShape),
        query=LIST,
    ),
    Operation(
        method="POST",
        path="/api/pipelines/{id}/release-hold",
        handler=release,
        right=Right.OPERATE,
        summary="End the hold that a rollback leaves: its commit may be deployed again",
        body=Releasing,
        answer=HoldShape,
        also=(409,),
        once=True,
    ),
]


def _shape(hold: Hold) -> HoldShape:
    same = {name: getattr(hold, name) for name in HoldShape.__struct_fields__ if name != "by_execution_id"}
    return HoldShape(by_execution_id=hold.execution_id, **same)
