"""The logs of executions: whole, in part, searched, and live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from service.store import executions, pipelines, steps
from service.store.database import Database
from service.store.steps import StepRow
from service.web.call import (
    answer,
    house_of,
    id_in,
    number_of,
    refuse_other_sites,
    text_of,
    viewer_of,
    viewer_or_none,
)
from service.web.log_text import StoredText, lines, one_range, whole_characters
from service.web.operation import Operation, Query, Right
from service.web.problems import Problem, not_found

# Of the JSON form; the text form has no limit unless one is given.
USUAL_LIMIT, LARGEST_LIMIT = 64 * 1024, 1024 * 1024
LONGEST_CHARACTER = 4
MOST_MATCHES = 1000

TEXT = "text/plain; charset=utf-8"

# Letters of a line that are told.
SHOWN = 2000


class StepLogShape(msgspec.Struct, frozen=True):
    """A step and how much of its log is stored."""

    name: str
    state: str
    result: str | None
    bytes: int
    complete: bool


class MatchShape(msgspec.Struct, frozen=True):
    """A line that holds what was looked for; `offset` is its first byte in the step's text."""

    step: str
    offset: int
    text: str


class LogShape(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a log. Without `step` the steps' texts count as one, in their order; `bytes` is its length by now."""

    execution_id: int
    status: str
    steps: list[StepLogShape]
    step: str | None
    offset: int
    text: str
    next_offset: int | None
    bytes: int
    matches: list[MatchShape] | None = None


async def show(request: Request) -> Response:
    viewer = await viewer_of(request)
    pipeline_id, asked = id_in(request, "pipeline"), number_of(request, "execution_id")
    async with house_of(request).database.read() as connection:
        if await pipelines.seen_by(connection, viewer, pipeline_id) is None:
            raise not_found("pipeline")
        if asked is None:
            latest = await executions.page(connection, viewer, before=None, limit=1, pipeline_id=pipeline_id)
            execution = latest[0] if latest else None
        else:
            execution = await executions.seen_by(connection, viewer, asked)
        if execution is None or execution.pipeline_id != pipeline_id:
            raise not_found("execution")
        known = await steps.of_execution(connection, execution.id)
    name = text_of(request, "step")
    wanted = StoredText([step for step in known if name is None or step.name == name])
    if name is not None and not wanted.steps:
        raise not_found("step")
    if "text/plain" in request.headers.get("accept", ""):
        query = text_of(request, "q")
        return _found_in_text(request, wanted, query) if query else _as_text(request, wanted)
    return answer(await _as_json(request, execution.id, execution.status, known, wanted))


def _as_text(request: Request, wanted: StoredText) -> Response:
    database = house_of(request).database
    begin = min(number_of(request, "offset") or 0, wanted.size)
    limit = number_of(request, "limit")
    end = wanted.size if limit is None else min(wanted.size, begin + limit)
    status, headers = 200, {"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"}
    if "range" in request.headers and (asked := one_range(request.headers["range"], wanted.size)) is not None:
        begin, end = asked
        if begin >= wanted.size:
            told = {"Content-Range": f"bytes */{wanted.size}"}
            raise Problem(416, f"the log has {wanted.size} bytes by now", headers=told)
        status, headers["Content-Range"] = 206, f"bytes {begin}-{end - 1}/{wanted.size}"
    headers["Content-Length"] = str(end - begin)
    return StreamingResponse(wanted.read(database, begin, end), status, headers, media_type=TEXT)


def _found_in_text(request: Request, wanted: StoredText, query: str) -> Response:
    """The lines that hold `query`, all of them, as they are read."""
    database = house_of(request).database

    async def found() -> AsyncIterator[bytes]:
        async for _, _, line in _holding(database, wanted, query):
            yield line + b"\n"

    return StreamingResponse(found(), 200, {"X-Content-Type-Options": "nosniff"}, media_type=TEXT)


async def _as_json(
    request: Request, execution_id: int, status: str, known: Sequence[StepRow], wanted: StoredText
) -> LogShape:
    database = house_of(request).database
    begin = number_of(request, "offset") or 0
    limit = number_of(request, "limit")
    limit = USUAL_LIMIT if limit is None else min(max(limit, LONGEST_CHARACTER), LARGEST_LIMIT)
    query = text_of(request, "q")
    raw = b"".join([piece async for piece in wanted.read(database, begin, begin + limit)])
    text, taken = whole_characters(raw, last=begin + len(raw) >= wanted.size)
    following = begin + taken
    return LogShape(
        execution_id=execution_id,
        status=status,
        steps=[StepLogShape(s.name, s.state, s.result, s.log_bytes, s.log_complete) for s in known],
        step=request.query_params.get("step"),
        offset=begin,
        text=text,
        next_offset=following if following < wanted.size else None,
        bytes=wanted.size,
        matches=await _search(database, wanted, query) if query else None,
    )


async def _search(database: Database, wanted: StoredText, query: str) -> list[MatchShape]:
    """The lines that hold `query`; the first of them, if there are very many."""
    found = list[MatchShape]()
    async for step, at, line in _holding(database, wanted, query):
        found.append(MatchShape(step, at, line.decode(errors="replace")[:SHOWN]))
        if len(found) == MOST_MATCHES:
            break
    return found


async def _holding(database: Database, wanted: StoredText, query: str) -> AsyncIterator[tuple[str, int, bytes]]:
    """(step, offset, line) of each line that holds `query`, whatever the case of letters."""
    needle = query.casefold()
    for step in wanted.steps:
        async for at, line in lines(StoredText([step]).read(database, 0, step.log_bytes)):
            if needle in line.decode(errors="replace").casefold():
                yield step.name, at, line


class Live:
    """An ASGI endpoint: who may listen is decided here, and asked again while he does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        viewer = await viewer_of(request)
        if viewer.by_cookie:
            refuse_other_sites(request)
        execution_id = id_in(request, "execution")
        house = house_of(request)

        async def may_see() -> bool:
            again = await viewer_or_none(request)
            if again is None:
                return False
            async with house.database.read() as connection:
                return await executions.seen_by(connection, again, execution_id) is not None

        judged = house.log_streams.rights()  # before the question: what changes during it, asks again
        if not await may_see():
            raise not_found("execution")
        await house.log_streams.serve(
            scope,
            receive,
            send,
            execution_id=execution_id,
            judge=may_see,
            judged=judged,
            expires_at=viewer.expires_at,
            owner=viewer.user_id,
        )


operations = [
    Operation(
        method="GET",
        path="/api/pipelines/{id}/logs",
        handler=show,
        right=Right.SEE,
        summary="The log of an execution (the latest, unless named), as JSON or, by Accept, as text with Range",
        answer=LogShape,
        query=(
            Query("execution_id", int),
            Query("step", meaning="a step's name"),
            Query("offset", int, "bytes"),
            Query("limit", int, "bytes"),
            Query("q", meaning="lines that hold this are listed in `matches`; the text is of them alone"),
        ),
        also=(416,),
        text=True,
    ),
    Operation(
        method="GET",
        path="/api/executions/{id}/logs/stream",
        handler=Live(),
        plain=False,
        right=Right.SEE,
        summary="An execution's log as it grows, as Server-Sent Events",
        query=(Query("after", meaning="the id of the last event that was read"),),
        media="text/event-stream",
        also=(503,),
    ),
]
