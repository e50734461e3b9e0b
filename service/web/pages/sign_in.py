"""The sign-in page, and the one-time link that spares it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service.store import accounts
from service.web.api.session import begin_session
from service.web.call import address_of, house_of, viewer_or_none
from service.web.pages.rendering import NOT_STORED, POLICY, page

USED = "This link has been used already, or has expired. It works once, for a short time."


async def show_sign_in(request: Request) -> Response:
    ticket = request.query_params.get("ticket")
    if await viewer_or_none(request) is not None:
        return _to_dashboard()
    house = house_of(request)
    bitbucket = house.sign_in is not None
    if ticket is None or _only_looks(request):
        return page(request, "sign_in.html", viewer=None, message=None, bitbucket=bitbucket)
    async with house.recorder.record() as record:
        user_id = await accounts.use_ticket(record.connection, ticket, record.now)
    if user_id is None:
        return page(request, "sign_in.html", viewer=None, status=410, message=USED, bitbucket=bitbucket)
    return await begin_session(house, user_id, _to_dashboard(), by="link", address=address_of(request))


def _only_looks(request: Request) -> bool:
    """A browser that loads pages ahead, or a check whether the link is alive, must not use the link up."""
    return request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", "")


def _to_dashboard() -> Response:
    return RedirectResponse("/", 303, {**POLICY, **NOT_STORED})
