"""The page at `/`: every pipeline, what runs now, and what Bitbucket said last."""

from __future__ import annotations

from dataclasses import dataclass, fields

from starlette.requests import Request
from starlette.responses import Response

from service.store import deliveries, log, overview, pipelines
from service.store.executions import Execution
from service.store.pipelines import Listed
from service.web.call import house_of, row_number, viewer_or_none
from service.web.pages.rendering import page, to_sign_in

MOST_PIPELINES = 100
MOST_RUNNING = 60
MOST_DELIVERIES = 12

# What the script fills in when an execution begins: a card like the others, with nothing on it yet.
BLANK = dict.fromkeys([field.name for field in fields(Execution)])


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    listed: Listed
    latest: Execution | None

    @property
    def place(self) -> tuple[bool, str, str]:
        """By name, so that lines keep their places while they change; those of disconnected repositories last."""
        return not self.listed.pipeline.is_active, self.listed.workspace, self.listed.slug


async def show_dashboard(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    async with house_of(request).database.read() as connection:
        # before everything else: an entry that is committed meanwhile comes by the stream, twice rather than never
        _, cursor = await log.bounds(connection)
        after = row_number(request.query_params.get("after", "")) or 0
        listed = await pipelines.page(connection, viewer, after=after, limit=MOST_PIPELINES + 1)
        running = await overview.running(connection, viewer, limit=MOST_RUNNING)
        came = await deliveries.page(connection, viewer, before=None, limit=MOST_DELIVERIES)
        latest = await overview.executions_named(
            connection, [one.pipeline.latest_execution_id for one in listed if one.pipeline.latest_execution_id]
        )
        repositories = {one.repository_id for one in running} | {one.repository_id for one in came}
        names = await overview.names_of(connection, repositories)
    shown = listed[:MOST_PIPELINES]
    rows = [Row(one, latest.get(one.pipeline.latest_execution_id or 0)) for one in shown]
    return page(
        request,
        "dashboard.html",
        viewer=viewer,
        cursor=cursor,
        rows=sorted(rows, key=lambda row: row.place),
        after=after,
        following=shown[-1].pipeline.id if len(listed) > MOST_PIPELINES else None,
        running=running,
        blank=BLANK,
        deliveries=came,
        most_deliveries=MOST_DELIVERIES,
        names=names,
    )
