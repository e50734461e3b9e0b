"""Signing in and out by name and password; the browser keeps a cookie."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from math import ceil

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service import passwords
from service.store import accounts, failed_tries
from service.store.audit import Actor
from service.web.call import COOKIE, actor_of, address_of, body_of, house_of, refuse_other_sites, viewer_of
from service.web.house import House
from service.web.operation import Operation, Right
from service.web.problems import Problem

SESSION = timedelta(days=7)

WRONG = "unknown name or wrong password"

# Each takes 64 MB while it hashes.
_at_once = asyncio.Semaphore(4)


class SigningIn(msgspec.Struct, forbid_unknown_fields=True):
    """An account's name and password."""

    username: str
    password: str = msgspec.field()

    def __repr__(self) -> str:
        return f"SigningIn({self.username!r})"


async def sign_in(request: Request) -> Response:
    refuse_other_sites(request)
    house = house_of(request)
    wanted = await body_of(request, SigningIn)
    name, address = wanted.username[:100].replace("\x00", ""), address_of(request)
    await _count_try(house, name, address)
    async with house.database.read() as connection:
        account = await accounts.user_named(connection, name)
    async with _at_once:
        right = await passwords.matches(account.password_hash if account else None, wanted.password[:1024])
    if account is None or not right:
        raise Problem(401, WRONG)
    async with house.recorder.record() as record:
        await failed_tries.forget(record.connection, name, address)
    return await begin_session(house, account.id, Response(status_code=204), by="password", address=address)


async def _count_try(house: House, name: str, address: str) -> None:
    """Raises a 429 with the text of a wrong password: whether it was the right one is not to be learnt by trying."""
    async with house.recorder.record() as record:
        again = await failed_tries.begin(record.connection, name, address, record.now)
        wait = 0 if again is None else max(1, ceil((again - record.now).total_seconds()))
        if again is None:
            await failed_tries.prune(record.connection, record.now)
    if wait:
        raise Problem(429, WRONG, headers={"Retry-After": str(wait)})


async def sign_out(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    async with house.recorder.record() as record:
        record.audit(actor_of(request, viewer), "session.ended", f"user {viewer.name}")
        await accounts.end_session(record.connection, request.cookies.get(COOKIE, ""))
        record.rights_changed()
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


async def begin_session(house: House, user_id: int, response: Response, *, by: str, address: str) -> Response:
    """The response, with the cookie of a new session of the account; `by` is what it showed: password or link."""
    async with house.recorder.record() as record:
        name = await accounts.name_of(record.connection, user_id)
        record.audit(Actor(name, user_id, address or None), "session.begun", f"user {name}", by=by)
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
        also=(401, 403, 429),
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
