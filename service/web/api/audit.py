"""The audit log: who did what to what, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.store import audit
from service.store.audit import Line
from service.web.call import answer, house_of, limit_of, numbered_cursor_of, page
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Right


class AuditShape(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `hash` covers it and the line before; without an account it was somebody at the server's console."""

    id: int
    at: datetime
    user_id: int | None
    actor: str
    action: str
    object: str
    details: dict[str, Any]
    address: str | None
    hash: str


class ChainShape(msgspec.Struct, frozen=True, kw_only=True):
    """Whether every line follows from the one before it. `broken_at` is the first that does not."""

    valid: bool
    lines: int
    last_hash: str
    broken_at: int | None


async def list_lines(request: Request) -> Response:
    limit, before = limit_of(request), numbered_cursor_of(request)
    async with house_of(request).database.read() as connection:
        found = await audit.page(connection, before=before, limit=limit + 1)
    return page([_shape(line) for line in found], limit, [line.id for line in found])


async def verify(request: Request) -> Response:
    async with house_of(request).database.read() as connection:
        found = await audit.verify(connection)
    valid = found.broken_at is None
    return answer(ChainShape(valid=valid, lines=found.lines, last_hash=found.last_hash, broken_at=found.broken_at))


operations = [
    Operation(
        method="GET",
        path="/api/audit",
        handler=list_lines,
        right=Right.ADMINISTRATE,
        summary="The audit log, the newest first",
        answer=ListOf(AuditShape),
        query=LIST,
    ),
    Operation(
        method="GET",
        path="/api/audit/verify",
        handler=verify,
        right=Right.ADMINISTRATE,
        summary="Compute the audit log's chain anew",
        answer=ChainShape,
    ),
]


def _shape(line: Line) -> AuditShape:
    deed = line.deed
    return AuditShape(
        id=line.id,
        at=deed.at,
        user_id=deed.actor.user_id,
        actor=deed.actor.name,
        action=deed.action,
        object=deed.object,
        details=dict(deed.details),
        address=deed.actor.address,
        hash=line.hash,
    )
