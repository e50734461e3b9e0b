"""Questions about when steps ran, by the traces of their run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.events import StepSpan
from service.store.tables import executions, spans, steps


async def execution_of(
    connection: AsyncConnection,
    repository_id: int,
    *,
    build_number: int | None,
    pipeline_uuid: str | None,
    step_uuids: Sequence[str],
) -> int | None:
    """The execution that the spans are of: by the run's number or uuid, else by the steps that are known of it."""
    mine = executions.c.repository_id == repository_id
    question = select(executions.c.id).where(mine)
    if build_number is not None:
        question = question.where(executions.c.bitbucket_build_number == build_number)
    elif pipeline_uuid is not None:
        question = question.where(executions.c.bitbucket_pipeline_uuid == pipeline_uuid)
    else:
        question = question.join(steps).where(steps.c.uuid.in_(step_uuids))
    number: int | None = (await connection.execute(question.order_by(executions.c.id.desc()).limit(1))).scalar()
    return number


async def put(connection: AsyncConnection, execution_id: int, told: Sequence[StepSpan]) -> int:
    """How many of them were not known. A step that was run again is another one for each run."""
    known = (steps.c.execution_id == execution_id, steps.c.started_at.is_not(None))
    begun = select(steps.c.uuid, steps.c.run_number, steps.c.started_at).where(*known)
    times: dict[str, dict[int, datetime]] = {}
    for row in await connection.execute(begun):
        times.setdefault(row.uuid, {})[row.run_number] = row.started_at
    rows = {}
    for span in told:
        number = span.run_number or _nearest(span, times.get(span.step_uuid, {}))
        place = {"execution_id": execution_id, "step_uuid": span.step_uuid, "run_number": number}
        rows[span.step_uuid, number] = {**place, "started_at": span.started_at, "completed_at": span.completed_at}
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(spans).values(list(rows.values())).on_conflict_do_nothing()
    return len((await connection.execute(statement.returning(spans.c.id))).all())


def _nearest(span: StepSpan, begun: Mapping[int, datetime]) -> int:
    """Which run of a step a span is of that does not say so: the one that began at about that time."""
    return min(begun, key=lambda number: abs(begun[number] - span.started_at), default=1)
