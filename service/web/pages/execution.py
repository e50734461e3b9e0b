"""The page of one execution: how far it is, what waits for a person, its log as it grows, and how it moved."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.machine import State
from service.store import accounts, deliveries, executions, log, overview, probes
from service.web.call import house_of, id_in, viewer_or_none
from service.web.pages.pipeline import Told
from service.web.pages.rendering import missing, page, to_sign_in
from service.web.problems import Problem


async def show_execution(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    try:
        execution_id = id_in(request, "execution")
    except Problem:
        return missing(request, "execution", viewer)
    async with house_of(request).database.read() as connection:
        _, cursor = await log.bounds(connection)
        execution = await executions.seen_by(connection, viewer, execution_id)
        if execution is None:
            return missing(request, "execution", viewer)
        role = await accounts.role_on(connection, viewer, execution.repository_id)
        names = await overview.names_of(connection, [execution.repository_id])
        moved = await executions.transitions_of(connection, execution.id)
        came = await deliveries.named(connection, await executions.deliveries_of(connection, execution.id))
        probe = (await probes.latest(connection, [execution.id])).get(execution.id)
    return page(
        request,
        "execution.html",
        viewer=viewer,
        cursor=cursor,
        told=Told(execution, moved),
        name=names[execution.repository_id],
        deliveries=came,
        probe=probe,
        may_act=role in ("owner", "operator"),
        ended=State(execution.status).final,
    )
