"""Endless responses go past the router: each of a thousand waiting streams would hold all of its frames."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from service.web.api.events import operations
from service.web.operation import Guarded
from service.web.problems import Problem

logger = logging.getLogger(__name__)

(EVENTS,) = operations


class Endless:
    """`GET /api/events` with all that the router's path has, but the router: rights, and problems as answers.

    Whatever else is asked of that address is the router's to answer.
    """

    def __init__(self, doors: Starlette) -> None:
        self._doors = doors
        self._events = Guarded(EVENTS)

    def takes(self, scope: Scope) -> bool:
        return bool(scope["type"] == "http" and scope["path"] == EVENTS.path and scope["method"] == EVENTS.method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self._doors
        try:
            await self._events(scope, receive, send)
        except Problem as problem:
            await problem.response()(scope, receive, send)
        except Exception:  # before the stream began; what comes later it answers for itself
            logger.exception("stream.refused")
            await Problem(503, "the stream cannot begin now; try again in a moment").response()(scope, receive, send)
