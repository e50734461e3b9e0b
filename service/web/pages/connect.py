"""The page on which a repository is connected; the API does it, and shows the hook's secret once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.web.call import house_of, viewer_or_none
from service.web.pages.rendering import page, to_sign_in

# What a token may have to do, by the names that Bitbucket has for it in the answer to a call that lacks one, with where
# its form for an access token has them. Everything that Penstock asks for is covered by these.
SCOPES = (
    ("repository:write", "Repositories"),
    ("pullrequest:write", "Pull requests"),
    ("pipeline:variable", "Pipelines"),
    ("webhook", "Webhooks"),
)


async def show_connect(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    return page(request, "connect.html", viewer=viewer, public_url=house_of(request).public_url, scopes=SCOPES)
