"""The page of drift: what is not as Penstock last left it, and what to do about it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.store import drifts, log
from service.store.drifts import KINDS
from service.web.call import house_of, row_number, viewer_or_none
from service.web.pages.rendering import page, to_sign_in

MOST = 50


async def show_drift(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    kind = request.query_params.get("kind")
    kind = kind if kind in KINDS else None
    pipeline_id = row_number(request.query_params.get("pipeline_id", ""))
    after = row_number(request.query_params.get("after", "")) or 0
    async with house_of(request).database.read() as connection:
        _, cursor = await log.bounds(connection)
        found = await drifts.page(connection, viewer, after=after, limit=MOST + 1, pipeline_id=pipeline_id, kind=kind)
        compared = await drifts.compared(connection, viewer)
    shown = found[:MOST]
    return page(
        request,
        "drift.html",
        viewer=viewer,
        cursor=cursor,
        drifts=shown,
        following=shown[-1].drift.id if len(found) > MOST else None,
        kind=kind,
        pipeline_id=pipeline_id,
        compared=compared,
    )
