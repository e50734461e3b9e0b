"""Questions about the steps of executions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import steps


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of a run. `raw_bytes` of Bitbucket's log are behind the `log_bytes` that are stored, masked."""

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
    log_bytes: int
    log_complete: bool


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


async def of_execution(connection: AsyncConnection, execution_id: int) -> list[StepRow]:
    question = select(steps).where(steps.c.execution_id == execution_id).order_by(steps.c.position)
    return [StepRow(**{name: row[name] for name in StepRow.__slots__}) for row in await _rows(connection, question)]


async def put(connection: AsyncConnection, execution_id: int, seen: Sequence[Seen]) -> None:
    """Writes what was seen; a step that ran once more begins its log anew."""
    known = {step.uuid: step for step in await of_execution(connection, execution_id)}
    names = unique([step.name for step in seen])
    for position, (step, name) in enumerate(zip(seen, names, strict=True)):
        values: dict[str, Any] = {name: getattr(step, name) for name in Seen.__slots__ if name != "uuid"}
        values |= {"name": name, "position": position}
        before = known.get(step.uuid)
        if before is None:
            counts = {"raw_bytes": 0, "log_bytes": 0, "log_complete": False}
            row = {"execution_id": execution_id, "uuid": step.uuid, **values, **counts}
            await connection.execute(insert(steps).values(row))
        elif any(getattr(before, key) != value for key, value in values.items()):
            await connection.execute(update(steps).where(steps.c.id == before.id).values(values))


def unique(names: Sequence[str]) -> list[str]:
    """The names as they are told apart: a second `Test` is `Test (2)`, one without a name is `Step` and its place."""
    given = [name or f"Step {place}" for place, name in enumerate(names, 1)]
    seen: Counter[str] = Counter()
    told: list[str] = []
    for name in given:
        seen[name] += 1
        new = name if seen[name] == 1 else f"{name} ({seen[name]})"
        while new in told or (new != name and new in given):
            seen[name] += 1
            new = f"{name} ({seen[name]})"
        told.append(new)
    return told


async def _rows(connection: AsyncConnection, question: Any) -> list[Any]:
    return [row._mapping for row in await connection.execute(question)]
