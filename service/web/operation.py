"""One operation of the API, declared: its address, who may use it, what goes in and what comes out.

The route, the check of rights, and the OpenAPI document are all made from the declaration; a handler without one is
not reachable, and a declaration without a right does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.store.accounts import Viewer
from service.web.call import viewer_of
from service.web.idempotency import answered_once
from service.web.problems import Problem
from service.web.refused import refusals_noted

# How long a call may take. What it has not committed by then is undone.
SECONDS = 30.0

RETRY = {"Retry-After": "5"}


class Right(StrEnum):
    """Who may use an operation. From SEE on it is a role on the repository that the thing belongs to."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"
    SEE = "viewer"
    OPERATE = "operator"
    OWN = "owner"
    ADMINISTRATE = "administrator"


# What a token's scopes must hold, beside the rights of its account.
SCOPES = {
    Right.SIGNED_IN: "read",
    Right.SEE: "read",
    Right.OPERATE: "operate",
    Right.OWN: "admin",
    Right.ADMINISTRATE: "admin",
}


@dataclass(frozen=True, slots=True)
class Query:
    """One parameter of the query."""

    name: str
    kind: type = str
    meaning: str = ""
    words: tuple[str, ...] = ()


LIST = (Query("limit", int, "1 to 200, 50 by default"), Query("cursor", str, "`next_cursor` of the page before"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`handler` is a function of a request, or an ASGI application that answers by itself.

    `also` are the statuses it may answer beside `status` and those that follow from the rest of the declaration.
    `scope` is what a token needs where the right alone does not say it; `once` honours an Idempotency-Key, `matches`
    an If-Match.
    """

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]] | ASGIApp
    right: Right
    summary: str
    body: type | None = None
    optional: bool = False  # the body may be left out
    answer: Any = None
    status: int = 200
    query: tuple[Query, ...] = ()
    also: tuple[int, ...] = ()
    scope: str | None = None
    once: bool = False
    matches: bool = False  # honours If-Match
    plan: Any = None  # what a dry run answers, with 200, where that is something else
    media: str = "application/json"
    text: bool = False  # by Accept as text/plain as well, and of that by Range a part
    plain: bool = field(default=True)  # a function of a request, not an ASGI application

    def route(self) -> Route:
        endpoint = self._answered if self.plain else Guarded(self)
        return Route(self.path, endpoint, methods=[self.method], name=f"{self.method} {self.path}")

    async def admit(self, request: Request) -> Viewer | None:
        """The caller, if there must be one. Raises a 401 or a 403 before anything else is looked at."""
        if self.right is Right.ANYBODY:
            return None
        viewer = await viewer_of(request)
        scope = self.scope or SCOPES[self.right]
        if scope not in viewer.scopes:
            raise Problem(403, f"this token has the scopes {', '.join(viewer.scopes) or 'none'}; this needs {scope!r}")
        if self.right is Right.ADMINISTRATE and not viewer.is_admin:
            raise Problem(403, "only an administrator may do this")
        return viewer

    async def _answered(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(SECONDS) as patience:
                return await self._answer(request)
        except TimeoutError:
            if not patience.expired():
                raise
            raise Problem(503, f"this took longer than {SECONDS:.0f} s and was undone", headers=RETRY) from None

    async def _answer(self, request: Request) -> Response:
        async with refusals_noted(request):
            viewer = await self.admit(request)
            key = request.headers.get("idempotency-key")
            handler: Any = self.handler
            if self.once and viewer is not None and key is not None:
                return await answered_once(request, viewer, key, handler)
            answered: Response = await handler(request)
            return answered


class Guarded:
    """An ASGI application behind its operation's right."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        async with refusals_noted(request):
            await self._operation.admit(request)
        application: Any = self._operation.handler
        await application(scope, receive, send)
