"""The page of a rollback: what would be undone, which releases there are, and the form that goes back to one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.store import accounts, pipelines
from service.web.api.rolling_back import RollingBack, planned
from service.web.call import house_of, id_in, row_number, viewer_or_none
from service.web.pages.rendering import missing, page, to_sign_in
from service.web.problems import Problem


async def show_rollback(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    try:
        pipeline_id = id_in(request, "pipeline")
    except Problem:
        return missing(request, "pipeline", viewer)
    house = house_of(request)
    async with house.database.read() as connection:
        listed = await pipelines.seen_by(connection, viewer, pipeline_id)
        if listed is None:
            return missing(request, "pipeline", viewer)
        environments = await pipelines.environments_of(connection, pipeline_id)
        role = await accounts.role_on(connection, viewer, listed.pipeline.repository_id)
    asked = request.query_params.get("environment")
    chosen = next((one for one in environments if one.name == asked), environments[0])
    target = row_number(request.query_params.get("to", "")) or None
    wanted = RollingBack(environment=chosen.name, to_execution_id=target)
    may_act = role in ("owner", "operator") and listed.pipeline.is_active
    refused = None
    try:
        plan = await planned(house, pipeline_id, wanted, asks=may_act)
    except Problem as problem:  # that release cannot be gone back to: what can be is shown instead
        refused = problem.detail
        plan = await planned(house, pipeline_id, RollingBack(environment=chosen.name), asks=may_act)
    return page(
        request,
        "rollback.html",
        viewer=viewer,
        listed=listed,
        environments=environments,
        chosen=chosen,
        plan=plan,
        refused=refused,
        may_act=may_act,
    )
