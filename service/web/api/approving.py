"""Deciding about an execution that waits for an approval."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.approving import Decided, Decision, NotWaiting, decide
from service.launching import Busy, Held
from service.store import executions, repositories
from service.store.audit import Actor
from service.store.executions import Execution
from service.web.api.shapes import ExecutionShape, execution_shape
from service.web.call import actor_of, answer, house_of, id_in, optional_body_of, viewer_of
from service.web.gates import gate_problem
from service.web.house import House
from service.web.operation import Operation, Right
from service.web.ownership import require_operator
from service.web.problems import Problem, not_found
from service.web.words import PRINTABLE

Comment = Annotated[str, msgspec.Meta(max_length=1000, pattern=PRINTABLE)]


class Deciding(msgspec.Struct, forbid_unknown_fields=True):
    """Yes or no, and why."""

    decision: Decision = "approve"
    comment: Comment | None = None


async def approve(request: Request) -> Response:
    viewer, house, execution_id = await viewer_of(request), house_of(request), id_in(request, "execution")
    async with house.database.read() as connection:
        seen = await executions.seen_by(connection, viewer, execution_id)
        if seen is None:
            raise not_found("execution")
        await require_operator(connection, viewer, seen.repository_id)
    wanted = await optional_body_of(request, Deciding)
    said = Decided(decision=wanted.decision, actor=actor_of(request, viewer), comment=wanted.comment or None)
    return answer(execution_shape(await decided(house, execution_id, said)))


async def decided(house: House, execution_id: int, said: Decided) -> Execution:
    """The execution as it goes on. Raises a 409 where nobody has to decide, or the environment is held or busy."""
    async with house.recorder.record() as record:
        found = await executions.by_id(record.connection, execution_id)
        if found is None:
            raise not_found("execution")
        repository = await repositories.by_id(record.connection, found.repository_id, lock=True)
        execution = await executions.by_id(record.connection, execution_id) or found
        if repository is None or repository.disconnected_at:
            raise Problem(409, "the repository is no longer connected: nothing can be started")
        try:
            return await decide(record, execution, said, house.patience)
        except NotWaiting as error:
            raise Problem(409, str(error)) from None
        except (Held, Busy) as error:
            raise await gate_problem(record.connection, execution.pipeline_id, error) from None


def by_link(address: str | None) -> Actor:
    """Who decides by a notification's link is known by that alone."""
    return Actor("an approval link", None, address)


operations = [
    Operation(
        method="POST",
        path="/api/executions/{id}/approve",
        handler=approve,
        right=Right.OPERATE,
        summary="Approve or refuse an execution that waits for it",
        body=Deciding,
        optional=True,
        answer=ExecutionShape,
        also=(409,),
        once=True,
    ),
]
