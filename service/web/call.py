"""One API call: who makes it, what he may do, and what he sent. Rights first, the body last."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.store import accounts
from service.store.accounts import Viewer
from service.store.audit import Actor
from service.store.database import away
from service.web.house import House
from service.web.problems import Problem, not_found

COOKIE = "session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST_ID = 2**63 - 1
LARGEST_LIMIT = 200
FLAGS = {"true": True, "1": True, "false": False, "0": False}

UNAUTHENTICATED = "sign in, or send `Authorization: Bearer <token>`; `penstock token create` makes one"

Body = TypeVar("Body")


def house_of(request: Request) -> House:
    house: House = request.app.state.house
    return house


def address_of(request: Request) -> str:
    """Where a call comes from, as far as the server could see."""
    return request.client.host if request.client else ""


def actor_of(request: Request, viewer: Viewer) -> Actor:
    """The caller, as the audit log names him."""
    return Actor(viewer.name, viewer.user_id, address_of(request) or None)


async def viewer_or_none(request: Request) -> Viewer | None:
    """Who shows a valid token or session. A token that is not valid is not saved by a cookie beside it."""
    viewer = await _viewer(request)
    if viewer is not None and viewer.token_id is not None and accounts.used_long_ago(viewer, _now(request)):
        await _note_use(request, viewer.token_id)
    return viewer


async def _note_use(request: Request, token_id: int) -> None:
    """Once an hour at most. A database that is busy elsewhere is no reason to turn the caller away."""
    try:
        async with house_of(request).recorder.record() as record:
            await accounts.note_use(record.connection, token_id, record.now)
    except Exception as error:
        if not away(error):
            raise


def _now(request: Request) -> datetime:
    return house_of(request).recorder.now()


async def _viewer(request: Request) -> Viewer | None:
    house, now = house_of(request), _now(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    session = request.cookies.get(COOKIE)
    if not token and not session:
        return None
    async with house.database.read() as connection:
        if token:
            return await accounts.viewer_by_token(connection, token, now) if kind.lower() == "bearer" else None
        return await accounts.viewer_by_session(connection, session or "", now)


async def viewer_of(request: Request) -> Viewer:
    """Asked once a call. Raises a 401, or a 403 for a cookie that another site's page brought along."""
    known: Viewer | None = getattr(request.state, "viewer", None)
    if known is not None:
        return known
    viewer = await viewer_or_none(request)
    if viewer is None:
        raise Problem(401, UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    if viewer.by_cookie and request.method not in SAFE:
        refuse_other_sites(request)
    request.state.viewer = viewer
    return viewer


def refuse_other_sites(request: Request) -> None:
    """A browser says where a request comes from; curl says nothing and is let in."""
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin is not None and not _own(request, origin)):
        raise Problem(403, "this request comes from another site's page; make it from Penstock's own")


def _own(request: Request, origin: str) -> bool:
    host = urlsplit(origin).netloc.lower()
    return host in (request.headers.get("host", "").lower(), urlsplit(house_of(request).public_url).netloc.lower())


async def body_of(request: Request, kind: type[Body]) -> Body:
    """The JSON body as `kind`: 415, 413, 400 and 422 each say what is wrong."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Problem(415, f"send application/json, not {media or 'a body without Content-Type'}")
    return decode(await raw_body(request), kind)


async def optional_body_of(request: Request, kind: type[Body]) -> Body:
    """The same where every field may be left out: then so may the body."""
    return await body_of(request, kind) if await raw_body(request) else kind()


async def raw_body(request: Request) -> bytes:
    """The whole body, read once; a 413 as soon as it is too much."""
    known: bytes | None = getattr(request.state, "raw", None)
    if known is not None:
        return known
    limit = house_of(request).settings.max_body_bytes
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise Problem(413, f"the body is larger than {limit} bytes", headers={"Connection": "close"})
    request.state.raw = bytes(raw)
    return bytes(raw)


def decode(raw: bytes, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        if kind is object:  # a number that no double holds, such as 1e400
            raise Problem(400, f"the body is not JSON that can be read: {error}") from None
        decode(raw, object)  # a 400 where it is cut off after the wrong field: then it is no JSON at all
        message, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        if message.startswith(("Object contains unknown field", "Object missing required field")):
            field = f"{field}.{message.split('`')[1]}".lstrip(".")
        raise Problem(422, "the body is not what this call takes", errors=[(field, message)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Problem(400, f"the body is not JSON: {error}") from None


def id_in(request: Request, what: str, name: str = "id") -> int:
    """The number in the path; what can be no row's is a 404 like every other that is not there."""
    number = row_number(str(request.path_params[name]))
    if number is None:
        raise not_found(what)
    return number


def limit_of(request: Request) -> int:
    text = request.query_params.get("limit", "50")
    limit = row_number(text)
    if limit is None or not 1 <= limit <= LARGEST_LIMIT:
        told = f"a number from 1 to {LARGEST_LIMIT}"
        raise Problem(422, f"limit is {told}", errors=[("limit", told)])
    return limit


def number_of(request: Request, name: str) -> int | None:
    """A number in the query, where it is given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    number = row_number(text)
    if number is None:
        raise Problem(422, f"{name} is a number", errors=[(name, "a whole number, 0 or more")])
    return number


def text_of(request: Request, name: str) -> str | None:
    """A text in the query, where it is given. PostgreSQL has no place for a NUL, so nothing there has one."""
    text = request.query_params.get(name)
    return None if text is None else text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def word_of(request: Request, name: str, words: frozenset[str]) -> str | None:
    """A word of a closed list in the query, where it is given."""
    text = request.query_params.get(name)
    if text is not None and text not in words:
        told = ", ".join(sorted(words))
        raise Problem(422, f"{name} is one of {told}", errors=[(name, f"one of {told}")])
    return text


def flag_of(request: Request, name: str) -> bool:
    """A yes or no in the query; no where it is not given."""
    text = request.query_params.get(name, "false").lower()
    if text not in FLAGS:
        raise Problem(422, f"{name} is true or false", errors=[(name, "true or false")])
    return FLAGS[text]


def cursor_of(request: Request) -> str | None:
    """The place where the page before ended, as `next_cursor` gave it."""
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise bad_cursor() from None


def numbered_cursor_of(request: Request) -> int | None:
    place = cursor_of(request)
    if place is None:
        return None
    number = row_number(place)
    if number is None:
        raise bad_cursor()
    return number


def row_number(text: str) -> int | None:
    """A number that a column of ids can hold, else None.

    The length comes first: Python converts no 5,000 digits.
    """
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))
    return int(text) if plain and int(text) <= LARGEST_ID else None


def bad_cursor() -> Problem:
    return Problem(
        422, "cursor is not one that a list gave", errors=[("cursor", "take next_cursor of the page before")]
    )


def page(items: list[object], limit: int, places: list[int] | list[str]) -> Response:
    """A list's answer. One row more than `limit` was asked for: it says whether there is a next page."""
    following = None
    if len(items) > limit:
        following = base64.urlsafe_b64encode(str(places[limit - 1]).encode()).decode().rstrip("=")
    return answer({"items": items[:limit], "next_cursor": following})


def answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
