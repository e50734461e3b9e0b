"""Questions about variables: what a pipeline's runs get, and what one environment's get beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`value` is sealed, bound to `place`. Without an environment it is the whole pipeline's."""

    key: str
    secured: bool
    place: str
    value: bytes = field(repr=False)
    environment_id: int | None = None
    synced: str | None = None


async def of_pipelines(connection: AsyncConnection, pipeline_ids: Iterable[int]) -> dict[int, list[Variable]]:
    """pipeline → its variables and its environments', by key."""
    question = select(variables).where(variables.c.pipeline_id.in_(list(pipeline_ids))).order_by(variables.c.key)
    found: dict[int, list[Variable]] = {}
    for row in await connection.execute(question):
        one = {name: getattr(row, name) for name in Variable.__dataclass_fields__}
        found.setdefault(row.pipeline_id, []).append(Variable(**one))
    return found


async def of_pipeline(connection: AsyncConnection, pipeline_id: int) -> list[Variable]:
    return (await of_pipelines(connection, [pipeline_id])).get(pipeline_id, [])


async def replace(
    connection: AsyncConnection, pipeline_id: int, environment_id: int | None, wanted: Sequence[Variable]
) -> None:
    """These and no others are the variables of the pipeline, or of its environment, from now on."""
    mine = (variables.c.pipeline_id == pipeline_id, variables.c.environment_id.is_not_distinct_from(environment_id))
    await connection.execute(delete(variables).where(*mine))
    rows = [
        {
            "pipeline_id": pipeline_id,
            "environment_id": environment_id,
            "key": one.key,
            "secured": one.secured,
            "place": one.place,
            "value": one.value,
            "synced": one.synced,
        }
        for one in wanted
    ]
    if rows:
        await connection.execute(insert(variables), rows)


async def mark_synced(connection: AsyncConnection, pipeline_id: int, sent: Variable) -> None:
    """Bitbucket has this value by now; one that was changed meanwhile stays unmarked."""
    mine = (variables.c.pipeline_id == pipeline_id, variables.c.place == sent.place)
    await connection.execute(update(variables).where(*mine).values(synced=sent.synced))
