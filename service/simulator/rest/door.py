"""The way in: who calls, how often, with which rights, for which repository."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError
from service.simulator.runs import Run

if TYPE_CHECKING:
    from service.simulator.simulator import Simulator

Handler = Callable[[Request, Repository], Awaitable[Response]]


class Door:
    """Lets a request through to its handler, or answers for it."""

    def __init__(self, bitbucket: Simulator) -> None:
        self._bitbucket = bitbucket

    def guard(self, handler: Handler, scope: str) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                answer = await handler(request, self._admit(request, scope))
                return self._with_limits(request, answer)
            except _TooMany:
                return PlainTextResponse("Rate limit for this resource has been exceeded", 429)
            except ApiError as error:
                return JSONResponse(error.body(), error.status)

        return endpoint

    def _admit(self, request: Request, scope: str) -> Repository:
        header = request.headers.get("authorization")
        credential = self._bitbucket.credentials.find(header)
        if credential is None:
            raise ApiError(401, "Token is invalid, expired, or not supported for this endpoint.")
        if not self._bitbucket.rate_limit.take(header or "anonymous"):
            raise _TooMany
        if not credential.grants(scope):
            granted = sorted(credential.scopes or ())
            message = "Your credentials lack one or more required privilege scopes."
            raise ApiError(403, message, {"required": [scope], "granted": granted})
        return self._repository(request.path_params["workspace"], request.path_params["repo_slug"])

    def _with_limits(self, request: Request, answer: Response) -> Response:
        """Only access tokens are told of their limit, and never what is left of it."""
        caller = request.headers.get("authorization", "")
        if caller.startswith("Bearer "):
            answer.headers["X-RateLimit-Limit"] = str(self._bitbucket.rate_limit.limit)
            answer.headers["X-RateLimit-NearLimit"] = str(self._bitbucket.rate_limit.is_near(caller)).lower()
        return answer

    def _repository(self, workspace: str, slug: str) -> Repository:
        """By slugs or by uuids, the latter with their braces."""
        for repository in self._bitbucket.repositories:
            owned = workspace in {repository.workspace, repository.owner.uuid}
            if owned and slug in {repository.slug, repository.uuid} and not repository.deleted:
                return repository
        raise ApiError(404, f"Repository {workspace}/{slug} not found")


def run_of(request: Request, repository: Repository) -> Run:
    """The run of the path, by uuid or by build number (which is undocumented, and works)."""
    name = request.path_params["pipeline"]
    if not name.isdecimal() and not is_uuid(name):
        raise ApiError(404, "Not found", "The value provided is not a valid uuid.")
    for run in repository.runs:
        if name in {run.uuid, str(run.build_number)}:
            return run
    raise ApiError(404, "Not found", f"Pipeline {name} does not exist.")


def is_uuid(text: str) -> bool:
    return text.startswith("{") and text.endswith("}")


class _TooMany(Exception):
    pass
