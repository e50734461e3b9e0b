"""The page of notifications: who is told what, whether it arrives, and a form for one more."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.notifications.words import USUAL, Event, Kind
from service.store import log, outbox, routes
from service.web.call import house_of, viewer_or_none
from service.web.pages.rendering import page, to_sign_in

MOST = 200  # an account has no more
NEWEST = 5  # messages of each


async def show_notifications(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    async with house_of(request).database.read() as connection:
        _, cursor = await log.bounds(connection)
        found = await routes.page(connection, viewer, after=0, limit=MOST)
        numbers = [one.id for one in found]
        counted = await outbox.counts(connection, numbers)
        newest = await outbox.newest(connection, numbers, each=NEWEST)
    return page(
        request,
        "notifications.html",
        viewer=viewer,
        cursor=cursor,
        routes=[(one, counted[one.id], newest.get(one.id, [])) for one in found],
        events=list(Event),
        usual=USUAL,
        kinds=list(Kind),
    )
