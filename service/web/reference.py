"""The API's description: as a document for programs, and as a page for people."""

from __future__ import annotations

from functools import cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.web.api import OPERATIONS
from service.web.openapi import document
from service.web.pages.reference import show_reference


@cache
def encoded() -> bytes:
    """The OpenAPI document, with keys in a fixed order."""
    return msgspec.json.format(msgspec.json.encode(document(OPERATIONS)), indent=2)


async def openapi(request: Request) -> Response:
    return Response(encoded(), media_type="application/json")


routes = [
    *(operation.route() for operation in OPERATIONS),
    Route("/api/openapi.json", openapi, methods=["GET"]),
    Route("/api/docs", show_reference, methods=["GET"]),
]
