"""The page of the webhook inbox: what Bitbucket said, and what became of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.store import deliveries, log, overview
from service.web.api.deliveries import ID
from service.web.call import house_of, viewer_or_none
from service.web.pages.rendering import page, to_sign_in

MOST = 50


async def show_deliveries(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    before = request.query_params.get("before")
    before = before if before is not None and ID.match(before) else None
    async with house_of(request).database.read() as connection:
        _, cursor = await log.bounds(connection)
        came = await deliveries.page(connection, viewer, before=before, limit=MOST + 1)
        names = await overview.names_of(connection, {delivery.repository_id for delivery in came})
    shown = came[:MOST]
    return page(
        request,
        "deliveries.html",
        viewer=viewer,
        cursor=cursor,
        before=before,
        deliveries=shown,
        following=shown[-1].id if len(came) > MOST else None,
        names=names,
    )
