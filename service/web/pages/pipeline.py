"""The page of one pipeline: its environments, its executions, and how each of them moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from service.machine import State
from service.promotion import offers
from service.store import (
    accounts,
    credentials,
    drifts,
    executions,
    holds,
    log,
    overview,
    pipelines,
    releases,
    revisions,
)
from service.store.executions import Execution, Transition
from service.web.call import house_of, id_in, viewer_or_none
from service.web.pages.rendering import missing, page, to_sign_in
from service.web.problems import Problem

MOST_EXECUTIONS = 25
MOST_REVISIONS = 5


@dataclass(frozen=True, slots=True)
class Told:
    """An execution with its history. `stage` is how far it got along the track."""

    execution: Execution
    transitions: Sequence[Transition]

    @property
    def stage(self) -> str:
        if self.execution.status != State.FAILED:
            return self.execution.status
        applied = [step.from_ for step in self.transitions if step.outcome == "applied" and step.to == State.FAILED]
        return applied[-1] if applied and applied[-1] != State.FAILED else State.PLANNED


async def show_pipeline(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    try:
        pipeline_id = id_in(request, "pipeline")
    except Problem:
        return missing(request, "pipeline", viewer)
    async with house_of(request).database.read() as connection:
        _, cursor = await log.bounds(connection)
        listed = await pipelines.seen_by(connection, viewer, pipeline_id)
        if listed is None:
            return missing(request, "pipeline", viewer)
        environments = await pipelines.environments_of(connection, pipeline_id)
        live = await releases.live(connection, pipeline_id, [one.name for one in environments])
        held = await holds.open_of(connection, pipeline_id)
        repository_id = listed.pipeline.repository_id
        credential = await credentials.of_repository(connection, repository_id)
        role = await accounts.role_on(connection, viewer, repository_id)
        found = await executions.page(connection, viewer, before=None, limit=MOST_EXECUTIONS, pipeline_id=pipeline_id)
        made = await revisions.latest(connection, pipeline_id, limit=MOST_REVISIONS)
        drifted = await drifts.count_of(connection, pipeline_id)
        moved = await overview.histories(connection, [execution.id for execution in found])
    return page(
        request,
        "pipeline.html",
        viewer=viewer,
        cursor=cursor,
        listed=listed,
        environments=environments,
        live=live,
        promotions=offers(environments, live),
        holds=list(held.values()),
        trouble=credentials.trouble(repository_id, credential) if listed.pipeline.is_active else None,
        refused=credential is not None,
        may_act=role in ("owner", "operator"),
        revisions=made,
        drifted=drifted,
        executions=[Told(execution, moved[execution.id]) for execution in found],
        most=MOST_EXECUTIONS,
    )
