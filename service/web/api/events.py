"""`GET /api/events`: everything the caller may see, as it happens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from service.feed import Audience
from service.store import accounts
from service.store.accounts import Viewer
from service.web.call import house_of, number_of, refuse_other_sites, viewer_of, viewer_or_none
from service.web.house import House
from service.web.operation import Operation, Query, Right
from service.web.problems import not_found


class Events:
    """An ASGI endpoint, because a stream writes to its connection itself. Who may listen is decided here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        viewer = await viewer_of(request)
        if viewer.by_cookie:
            refuse_other_sites(request)
        house, pipeline_id = house_of(request), number_of(request, "pipeline_id")
        judged = house.streams.cursor  # before the question: what changes during it, asks again
        audience = await _audience(house, viewer, pipeline_id)
        if audience is None:
            raise not_found("pipeline")

        async def judge() -> Audience | None:
            """What the caller may see by now: None when his token, his session or he himself is gone."""
            again = await viewer_or_none(request)
            return None if again is None else await _audience(house, again, pipeline_id)

        await house.streams.serve(
            scope,
            receive,
            send,
            audience=audience,
            judge=judge,
            expires_at=viewer.expires_at,
            owner=viewer.user_id,
            judged=judged,
        )


async def _audience(house: House, viewer: Viewer, pipeline_id: int | None) -> Audience | None:
    """None for a pipeline that the viewer may not see."""
    async with house.database.read() as connection:
        if pipeline_id is not None and not await accounts.may_see_pipeline(connection, viewer, pipeline_id):
            return None
        return Audience(await accounts.visible_repositories(connection, viewer), pipeline_id)


operations = [
    Operation(
        method="GET",
        path="/api/events",
        handler=Events(),
        plain=False,
        right=Right.SIGNED_IN,
        summary="Everything the caller may see, live, as Server-Sent Events",
        query=(
            Query("pipeline_id", int, "only what is about this pipeline"),
            Query("after", meaning="the cursor to go on from; 0 is the beginning"),
        ),
        media="text/event-stream",
        also=(404, 503),
    )
]
