"""Writes down what somebody tried and was not allowed to: who, what, from where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from service.store import refusals
from service.store.accounts import Viewer
from service.store.database import away
from service.web.call import actor_of, house_of
from service.web.problems import Problem


@asynccontextmanager
async def refusals_noted(request: Request) -> AsyncIterator[None]:
    """Every 403 that ends the block goes into the audit log, unless the account has filled its share of it."""
    try:
        yield
    except Problem as problem:
        if problem.status == 403:
            await _note(request, problem)
        raise


async def _note(request: Request, problem: Problem) -> None:
    """A database that is busy leaves the line out; the answer is the same."""
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    if viewer is None:
        return
    house = house_of(request)
    what = f"{request.method} {request.url.path}".replace("\x00", "\N{REPLACEMENT CHARACTER}")[:200]
    try:
        async with house.database.read() as connection:  # first: whoever asks in a loop shall not write in one
            if await refusals.quiet(connection, viewer.user_id, house.recorder.now()):
                return
        async with house.recorder.record() as record:
            place = await refusals.count(record.connection, viewer.user_id, what, record.now)
            if place:
                last = {"last_of_the_hour": True} if place == refusals.MOST else {}
                by = {} if viewer.token_id is None else {"token_id": viewer.token_id}
                record.audit(actor_of(request, viewer), "refused", what, why=problem.detail, **by, **last)
    except Exception as error:
        if not away(error):
            raise
