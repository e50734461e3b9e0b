"""The page on which a repository is connected; the API does it, and shows the hook's secret once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.web.call import house_of, viewer_or_none
from service.web.pages.rendering import page, to_sign_in


async def show_connect(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    return page(request, "connect.html", viewer=viewer, public_url=house_of(request).public_url)
