"""Signing in by an account at Bitbucket: there, and back.

What has to be remembered meanwhile travels in a sealed cookie, so that whatever process the browser comes back to knows
it, and nobody else's browser can finish what this one has begun.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service.client.signing_in import NotLetIn, Person
from service.store import accounts, identities
from service.vault import CannotOpen
from service.web.api.session import begin_session
from service.web.call import address_of, house_of
from service.web.house import House
from service.web.pages.rendering import NOT_STORED, POLICY, missing_for_all, page

COOKIE = "signing_in"
PATH = "/sign-in/bitbucket"
PATIENCE = timedelta(minutes=10)

ANEW = "Signing in with Bitbucket took too long, or began in another browser; begin again."
NOBODY_YET = "The first account is made by the link that Penstock has printed when it started; use that one first."


class Remembered(msgspec.Struct, frozen=True):
    """What the cookie holds. `state` has to come back, `verifier` proves to Bitbucket that it was we who began."""

    state: str
    verifier: str
    at: datetime


async def go(request: Request) -> Response:
    house = house_of(request)
    if house.sign_in is None:
        return missing_for_all(request)
    begun = house.sign_in.begin()
    remembered = Remembered(begun.state, begun.verifier, house.recorder.now())
    response = RedirectResponse(begun.url, 303, {**POLICY, **NOT_STORED})
    response.set_cookie(
        COOKIE,
        _sealed(house, remembered),
        max_age=int(PATIENCE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=house.public_url.startswith("https:"),
        path=PATH,
    )
    return response


async def come_back(request: Request) -> Response:
    house = house_of(request)
    if house.sign_in is None:
        return missing_for_all(request)
    remembered = _opened(house, request.cookies.get(COOKIE, ""))
    state = request.query_params.get("state", "")
    if remembered is None or not hmac.compare_digest(remembered.state.encode(), state.encode()):
        return _refused(request, ANEW)
    try:
        if "code" not in request.query_params:
            raise NotLetIn("Bitbucket was not allowed to say who you are; sign in by another way, or begin again.")
        person = await house.sign_in.finish(request.query_params["code"][:2000], remembered.verifier)
        user_id = await _user_of(house, person)
    except NotLetIn as error:
        return _refused(request, str(error))
    response = RedirectResponse("/", 303, {**POLICY, **NOT_STORED})
    response.delete_cookie(COOKIE, path=PATH)
    return await begin_session(house, user_id, response, by="bitbucket", address=address_of(request))


async def _user_of(house: House, person: Person) -> int:
    async with house.recorder.record() as record:
        if not await accounts.anybody(record.connection):
            raise NotLetIn(NOBODY_YET)
        known = await identities.user_of(record.connection, person.uuid)
        if known is None:
            known = await identities.join(record.connection, person.uuid, person.nickname, record.now)
        await identities.note_use(record.connection, person.uuid, person.nickname, record.now)
    return known


def _refused(request: Request, message: str) -> Response:
    response = page(request, "sign_in.html", viewer=None, status=403, message=message, bitbucket=True)
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _sealed(house: House, remembered: Remembered) -> str:
    sealed = house.vault.seal(msgspec.json.encode(remembered), table="cookies", column=COOKIE, row="")
    return base64.urlsafe_b64encode(sealed).decode()


def _opened(house: House, text: str) -> Remembered | None:
    """None for what we have not sealed, or too long ago."""
    try:
        raw = house.vault.open(base64.urlsafe_b64decode(text.encode()), table="cookies", column=COOKIE, row="")
        remembered = msgspec.json.decode(raw, type=Remembered)
    except (CannotOpen, binascii.Error, ValueError):
        return None
    return remembered if house.recorder.now() - remembered.at < PATIENCE else None
