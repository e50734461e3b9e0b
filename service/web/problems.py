"""Errors as RFC 9457 problems: what is wrong, with what, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

Thing = TypeVar("Thing")


class Problem(Exception):
    """Ends a call with an `application/problem+json` answer. `errors` names fields, for a 422."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.more = more

    def response(self) -> Response:
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        if self.errors or self.status == 422:
            content["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        body = msgspec.json.encode(content)
        return Response(body, self.status, dict(self.headers or {}), media_type="application/problem+json")


def not_found(what: str) -> Problem:
    """Also the answer for what exists and is somebody else's: the two must look alike."""
    return Problem(404, f"there is no such {what}, or it is not yours to see")


def found(thing: Thing | None, what: str) -> Thing:
    """The thing. Raises a 404 where a question that carries the viewer's rights has found none."""
    if thing is None:
        raise not_found(what)
    return thing


async def answer_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


async def answer_http_error(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: no such path, no such method."""
    status = getattr(error, "status_code", 500)
    detail = "there is nothing at this address" if status == 404 else getattr(error, "detail", "")
    return Problem(status, detail, headers=getattr(error, "headers", None)).response()


async def answer_crash(request: Request, error: Exception) -> Response:
    """Our fault; the log has the traceback, the caller gets none of it."""
    return Problem(500, "something went wrong here; it has been logged").response()
