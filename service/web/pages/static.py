"""The pages' style sheet, scripts and pictures."""

from __future__ import annotations

from importlib.resources import files
from os import PathLike, stat_result

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from service.web.pages.rendering import POLICY


class Static(StaticFiles):
    """Asked for each time, and sent only when it has changed: pages and scripts of two versions never mix.

    Whole files only. They are small, and a header that names thousands of ranges costs nothing this way.
    """

    def __init__(self) -> None:
        super().__init__(directory=str(files("templates") / "static"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update({**POLICY, "Cache-Control": "no-cache", "Accept-Ranges": "none"})
        return response
