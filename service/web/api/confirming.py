"""Confirming a revision that was only proposed: a new kind of project, or new parts, found with little confidence."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.store import revisions
from service.web.api.revision_shapes import RegeneratedShape, revision_detail
from service.web.api.shapes import extended
from service.web.call import answer, house_of, id_in, viewer_of
from service.web.configuring import Change, Standing, configure, etag
from service.web.operation import Operation, Right
from service.web.ownership import owned_pipeline
from service.web.problems import Problem, not_found


async def confirm(request: Request) -> Response:
    viewer, house, pipeline_id = await viewer_of(request), house_of(request), id_in(request, "pipeline")
    number = id_in(request, "revision", "number")
    async with house.database.read() as connection:
        await owned_pipeline(connection, viewer, pipeline_id)

    async def plan(connection: Any, now: Standing) -> Change:
        proposed = await revisions.numbered(connection, pipeline_id, number)
        if proposed is None:
            raise not_found("revision")
        if proposed.wanted:
            raise Problem(409, f"revision {number} does not wait for anybody's confirmation")
        if proposed.delivered != "none" or proposed.detection is None:
            raise Problem(409, f"revision {number} is out of date: something was found since; look at the newest one")
        return Change(
            action="pipeline.confirmed",
            values={"detection": proposed.detection, "project_type": proposed.detection["type"]},
            environments=now.environments,
            variables=now.variables,
            commit=proposed.commit,
            details={"revision": number},
        )

    changed = await configure(request, pipeline_id, plan)
    assert changed.revision is not None
    shape = extended(RegeneratedShape, revision_detail(changed.revision), changed=changed.is_new)
    return answer(shape, 200, {"ETag": etag(changed.version)})


operations = [
    Operation(
        method="POST",
        path="/api/pipelines/{id}/revisions/{number}/confirm",
        handler=confirm,
        right=Right.OWN,
        summary="Take over what a revision proposes that waits for confirmation, and bring its files",
        answer=RegeneratedShape,
        also=(409, 422),
        once=True,
        matches=True,
    ),
]
