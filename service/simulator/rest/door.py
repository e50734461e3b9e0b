"""The way in: who calls, how often, with which rights, for which repository."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.credentials import Credential
from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, TooManyRequests, bad_uuid, not_found
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
            credential = self._bitbucket.credentials.find(request.headers.get("authorization"))
            try:
                answer = await handler(request, self._admit(request, credential, scope))
            except ApiError as error:
                answer = error.response()
            return self._with_headers(request, answer, credential, scope)

        return endpoint

    def _admit(self, request: Request, credential: Credential | None, scope: str) -> Repository:
        if credential is None:
            raise ApiError(401, "Token is invalid, expired, or not supported for this endpoint.")
        if not self._bitbucket.rate_limit.take(credential.header):
            raise TooManyRequests
        if not credential.grants(scope):
            message = "Your credentials lack one or more required privilege scopes."
            raise ApiError(403, message, {"required": [scope], "granted": sorted(credential.scopes)})
        return self._repository(request.path_params["workspace"], request.path_params["repo_slug"])

    def _with_headers(self, request: Request, answer: Response, credential: Credential | None, scope: str) -> Response:
        """Scopes, asked and held; an access token is also told of its limit, but never what is left of it."""
        if credential is None:
            return answer
        answer.headers["X-Accepted-OAuth-Scopes"] = scope
        answer.headers["X-OAuth-Scopes"] = ", ".join(sorted(credential.scopes))
        if request.headers.get("authorization", "").startswith("Bearer "):
            limit = self._bitbucket.rate_limit
            answer.headers["X-RateLimit-Limit"] = str(limit.limit)
            answer.headers["X-RateLimit-NearLimit"] = str(limit.is_near(credential.header)).lower()
        return answer

    def _repository(self, workspace: str, slug: str) -> Repository:
        """By slugs or by uuids, the latter with their braces."""
        for repository in self._bitbucket.repositories:
            owned = workspace in {"{}", repository.workspace, repository.owner.uuid}
            if owned and slug in {repository.slug, repository.uuid} and not repository.deleted:
                return repository
        raise not_found(f"Repository {workspace}/{slug} not found")


def run_of(request: Request, repository: Repository) -> Run:
    """The run of the path, by uuid or by build number (which is undocumented, and works)."""
    name = request.path_params["pipeline"]
    if not name.isdecimal() and not is_uuid(name):
        raise bad_uuid()
    for run in repository.runs:
        if name in {run.uuid, str(run.build_number)}:
            return run
    raise not_found("Not found", f"Pipeline {name} does not exist.")


def is_uuid(text: str) -> bool:
    return text.startswith("{") and text.endswith("}")
