"""What the REST side answers with: JSON, pages, errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from service.simulator.rest.fields import partial
from service.simulator.shapes.people import Json

MAX_PAGELEN = 100

T = TypeVar("T")


class ApiError(Exception):
    """An answer that is an error. `detail` is text, or the required and granted scopes of a 403."""

    def __init__(
        self, status: int, message: str, detail: str | Json | None = None, fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail
        self.fields = fields

    def response(self) -> Response:
        error: Json = {"message": self.message}
        if self.detail is not None:
            error["detail"] = self.detail
        if self.fields is not None:
            error["fields"] = self.fields
        return JSONResponse({"type": "error", "error": error}, self.status)


class TooManyRequests(ApiError):
    """The one error that is plain text."""

    def __init__(self) -> None:
        super().__init__(429, "Rate limit for this resource has been exceeded")

    def response(self) -> Response:
        return PlainTextResponse(self.message, self.status)


def not_found(message: str = "Resource not found", detail: str | None = None) -> ApiError:
    return ApiError(404, message, detail)


def bad_uuid() -> ApiError:
    """What a uuid without its braces gets: the braces belong to it and are sent, encoded."""
    return not_found("Not found", "The value provided is not a valid uuid.")


def answer(request: Request, shape: Json, status: int = 200, *, location: str | None = None) -> JSONResponse:
    """`shape`, cut down to what `fields=` asks for."""
    headers = {"Location": location} if location else {}
    return JSONResponse(partial(shape, request.query_params.get("fields")), status, headers)


def page(request: Request, rows: Sequence[T], shape: Callable[[T], Json]) -> JSONResponse:
    """The page that `page` and `pagelen` (10 by default) ask for; `next` is absent on the last one."""
    number = number_of(request, "page", 1)
    length = number_of(request, "pagelen", 10, most=MAX_PAGELEN)
    start = (number - 1) * length
    found: Json = {
        "page": number,
        "pagelen": length,
        "size": len(rows),
        "values": [shape(row) for row in rows[start : start + length]],
    }
    if start + length < len(rows):
        found["next"] = _page_url(request, number + 1)
    if number > 1:
        found["previous"] = _page_url(request, number - 1)
    return answer(request, found)


def in_order(request: Request, rows: Sequence[T], fields: Mapping[str, Callable[[T], Any]]) -> list[T]:
    """As `sort` asks, by one of these fields, the other way round behind a `-`; as they are where it asks nothing.

    Raises ApiError 400 for another field.
    """
    asked = request.query_params.get("sort")
    if asked is None:
        return list(rows)
    field = asked.removeprefix("-")
    if field not in fields:
        raise ApiError(400, "Bad request", f"Invalid sort field: {field}")
    return sorted(rows, key=fields[field], reverse=asked.startswith("-"))


async def body_of(request: Request) -> Json:
    """The JSON object that was sent. Raises ApiError 400 for anything else."""
    try:
        sent = json.loads(await request.body())
    except ValueError as error:
        raise ApiError(400, "Bad request", f"The body is not JSON: {error}") from error
    if not isinstance(sent, dict):
        raise ApiError(400, "Bad request", "The body must be a JSON object.")
    return sent


def require(sent: Json, names: Iterable[str]) -> None:
    """Raises ApiError 400 naming the fields that are not there."""
    if missing := {name: "required key not provided" for name in names if not sent.get(name)}:
        raise ApiError(400, "Bad request", fields=missing)


def text_at(sent: Json, path: str) -> str:
    """The text at a path such as `source.branch.name`, empty where anything on the way is not there."""
    value: Any = sent
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def number_of(request: Request, name: str, default: int, *, most: int | None = None) -> int:
    """A query parameter that is a number from 1 on. Raises ApiError 400 for any other."""
    given: Any = request.query_params.get(name, default)
    try:
        number = int(given)
    except ValueError:
        number = 0
    if number < 1 or (most is not None and number > most):
        raise ApiError(400, f"Invalid {name}")
    return number


def _page_url(request: Request, number: int) -> str:
    return str(request.url.include_query_params(page=number))
