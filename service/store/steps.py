"""Questions about the steps of executions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import spans, steps


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of a run. `raw_bytes` of Bitbucket's log are behind the `log_bytes` that are stored, masked.

    `deployment` is where it deploys to: empty where that is nowhere, None where nobody has asked. `timed_from` and
    `timed_until` are what the run's trace says of it, of a step that the API knows to be over.
    """

    id: int
    execution_id: int
    uuid: str
    position: int
    name: str
    deployment: str | None
    state: str
    result: str | None
    run_number: int
    started_at: datetime | None
    completed_at: datetime | None
    raw_bytes: int
    mask_state: int
    log_bytes: int
    log_complete: bool
    timed_from: datetime | None
    timed_until: datetime | None

    @property
    def began_at(self) -> datetime | None:
        """To the point, where the run's trace has come; else as the API told it."""
        return self.timed_from or self.started_at

    @property
    def ended_at(self) -> datetime | None:
        return self.timed_until or self.completed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A step as Bitbucket told it just now; in the order of the run."""

    uuid: str
    name: str
    state: str
    result: str | None
    run_number: int
    started_at: datetime | None
    completed_at: datetime | None
    deployment: str | None = None


async def of_execution(connection: AsyncConnection, execution_id: int) -> list[StepRow]:
    timed = and_(
        spans.c.execution_id == steps.c.execution_id,
        spans.c.step_uuid == steps.c.uuid,
        spans.c.run_number == steps.c.run_number,
        steps.c.completed_at.is_not(None),
    )
    columns = (steps, spans.c.started_at.label("timed_from"), spans.c.completed_at.label("timed_until"))
    question = select(*columns).select_from(steps.outerjoin(spans, timed))
    question = question.where(steps.c.execution_id == execution_id).order_by(steps.c.position)
    return [StepRow(**{name: row[name] for name in StepRow.__slots__}) for row in await _rows(connection, question)]


async def put(connection: AsyncConnection, execution_id: int, seen: Sequence[Seen]) -> None:
    """Writes what was seen. A step that runs once more is another row, with a log of its own; the first one stays."""
    known = {(step.uuid, step.run_number): step for step in await of_execution(connection, execution_id)}
    taken = [step.name for step in known.values()]
    for place, step in enumerate(seen, 1):
        before = known.get((step.uuid, step.run_number))
        told = {name: getattr(step, name) for name in ("state", "result", "started_at", "completed_at", "deployment")}
        if before is None:
            name = unique(step.name or f"Step {place}", taken)
            taken.append(name)
            row = {"uuid": step.uuid, "name": name, "run_number": step.run_number, "position": len(taken), **told}
            await connection.execute(insert(steps).values(execution_id=execution_id, **row, **NO_LOG))
        elif any(getattr(before, name) != value for name, value in told.items()):
            await connection.execute(update(steps).where(steps.c.id == before.id).values(told))


# Of a step's log nothing is stored yet, and no masked run is open.
NO_LOG: dict[str, Any] = {"raw_bytes": 0, "mask_state": -1, "log_bytes": 0, "log_complete": False}


def unique(name: str, taken: Sequence[str]) -> str:
    """The name by which the step is told from the others: a second `Test` is `Test (2)`."""
    told, number = name[:240], 1
    while told in taken:
        number += 1
        told = f"{name[:240]} ({number})"
    return told


async def _rows(connection: AsyncConnection, question: Any) -> list[Any]:
    return [row._mapping for row in await connection.execute(question)]
