"""Signing in and out by name and password; the browser keeps a cookie."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service import passwords
from service.store import accounts
from service.web.call import COOKIE, body_of, house_of, refuse_other_sites, viewer_of
from service.web.house import House
from service.web.operation import Operation, Right
from service.web.problems import Problem

SESSION = timedelta(days=7)

# Each takes 64 MB while it hashes.
_at_once = asyncio.Semaphore(4)


class SigningIn(msgspec.Struct, forbid_unknown_fields=True):
    """An account's name and password."""

    username: str
    password: str = msgspec.field()


async def sign_in(request: Request) -> Response:
    refuse_other_sites(request)
    house = house_of(request)
    wanted = await body_of(request, SigningIn)
    async with house.database.read() as connection:
        account = await accounts.user_named(connection, wanted.username[:100])
    async with _at_once:
        right = await passwords.matches(account.password_hash if account else None, wanted.password[:1024])
    if account is None or not right:
        raise Problem(401, "unknown name or wrong password")
    return await begin_session(house, account.id, Response(status_code=204))


async def sign_out(request: Request) -> Response:
    await viewer_of(request)
    house = house_of(request)
    async with house.recorder.record() as record:
        await accounts.end_session(record.connection, request.cookies.get(COOKIE, ""))
        record.rights_changed()
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


async def begin_session(house: House, user_id: int, response: Response) -> Response:
    """The response, with the cookie of a new session of the account."""
    async with house.recorder.record() as record:
        ends = record.now + SESSION
        session = await accounts.add_session(record.connection, user_id, now=record.now, expires_at=ends)
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=house.public_url.startswith("https:"),
        path="/",
    )
    return response


operations = [
    Operation(
        method="POST",
        path="/api/session",
        handler=sign_in,
        right=Right.ANYBODY,
        summary="Sign in by name and password; the answer sets the cookie `session`",
        body=SigningIn,
        status=204,
        also=(401, 403),
    ),
    Operation(
        method="DELETE",
        path="/api/session",
        handler=sign_out,
        right=Right.SIGNED_IN,
        summary="Sign out",
        status=204,
    ),
]
