"""The long-term storage that finished logs move to, an origin of its own."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from service.simulator.logbytes import ranged
from service.simulator.repository import Repository


class Storage:
    """Serves `/logs/{run}/{step}`. A presigned request that also carries `Authorization` is refused, as stores do."""

    def __init__(self, repositories: Sequence[Repository]) -> None:
        self._repositories = repositories
        self.authorizations: list[str] = []
        """Every `Authorization` header that a client has leaked here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await self._answer(request)(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if leaked := request.headers.get("authorization"):
            self.authorizations.append(leaked)
            return PlainTextResponse("Only one auth mechanism allowed", 400)
        for repository in self._repositories:
            for run in repository.runs:
                for step in run.steps:
                    if request.url.path == f"/logs/{run.uuid}/{step.uuid}":
                        return ranged(step.log, request.headers, name=step.log_name)
        return PlainTextResponse("NoSuchKey", 404)
