"""Where a notification's link leads: one execution that waits for an approval, and the two answers.

The link's token is the right to decide, about this execution and once; looking at the page decides nothing.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service.approving import Decided, Decision, is_valid
from service.store import approvals, environments, executions, repositories
from service.store.executions import Execution
from service.web.api.approving import by_link, decided
from service.web.call import address_of, house_of, id_in, raw_body, viewer_or_none
from service.web.pages.rendering import NOT_STORED, POLICY, missing, page, to_sign_in
from service.web.problems import Problem

EXPIRED = "This link has expired, or is not whole. Sign in to decide, or ask for the link of a newer message."
MOST_COMMENT = 1000


async def show_approval(request: Request) -> Response:
    if "token" not in request.query_params:
        return await _to_its_page(request)
    return await _show(request, request.query_params["token"])


async def decide_by_link(request: Request) -> Response:
    fields = _fields(await raw_body(request))
    token, decision, comment = (fields.get(name, [""])[0] for name in ("token", "decision", "comment"))
    comment = "".join(letter for letter in comment if letter.isprintable()).strip()[:MOST_COMMENT]
    execution_id = _number(request)
    if execution_id is None or not _valid(request, execution_id, token) or decision not in ("approve", "refuse"):
        return page(request, "approval.html", viewer=None, status=403, execution=None, message=EXPIRED)
    said = Decided(
        decision=cast(Decision, decision), actor=by_link(address_of(request) or None), comment=comment or None
    )
    try:
        await decided(house_of(request), execution_id, said)
    except Problem as problem:
        return await _show(request, token, status=problem.status, message=problem.detail)
    return await _show(request, token)


async def _show(request: Request, token: str, *, status: int = 200, message: str | None = None) -> Response:
    execution_id = _number(request)
    if execution_id is None or not _valid(request, execution_id, token):
        return page(request, "approval.html", viewer=None, status=403, execution=None, message=EXPIRED)
    async with house_of(request).database.read() as connection:
        execution = await executions.by_id(connection, execution_id)
        assert execution is not None  # the token was made for it
        repository = await repositories.by_id(connection, execution.repository_id)
        said = await approvals.of_execution(connection, execution_id)
        known = await environments.named(connection, execution.pipeline_id, execution.environment or "")
    return page(
        request,
        "approval.html",
        viewer=None,
        status=status,
        execution=execution,
        name=repository.full_name if repository else "",
        kind=known.kind if known else None,
        said=said,
        token=token,
        message=message,
    )


async def _to_its_page(request: Request) -> Response:
    """Whoever is signed in decides on its page."""
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    execution: Execution | None = None
    if (number := _number(request)) is not None:
        async with house_of(request).database.read() as connection:
            execution = await executions.seen_by(connection, viewer, number)
    if execution is None:
        return missing(request, "execution", viewer)
    return RedirectResponse(f"/executions/{execution.id}", 303, {**POLICY, **NOT_STORED})


def _fields(raw: bytes) -> dict[str, list[str]]:
    """Of a form as the page has it; of one with ever more fields none."""
    try:
        return parse_qs(raw.decode(errors="replace"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}


def _number(request: Request) -> int | None:
    try:
        return id_in(request, "execution")
    except Problem:
        return None


def _valid(request: Request, execution_id: int, token: str) -> bool:
    house = house_of(request)
    return is_valid(house.vault, execution_id, token, house.recorder.now())
