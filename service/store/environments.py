"""Questions about environments: where a pipeline deploys to, and what is live there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.pipelines import USUAL, Environment
from service.store.tables import environments, variables


class NameTaken(ValueError):
    """The pipeline has an environment of that name."""


async def add(connection: AsyncConnection, pipeline_id: int, **values: Any) -> Environment:
    """Raises NameTaken; the transaction goes on, nothing having been written."""
    try:
        async with connection.begin_nested():
            row = {**USUAL, **values, "pipeline_id": pipeline_id}
            statement = insert(environments).values(row).returning(*environments.c)
            return Environment(**(await connection.execute(statement)).one()._mapping)
    except IntegrityError:
        raise NameTaken(f"the pipeline has an environment named {values['name']!r}") from None


async def change(connection: AsyncConnection, environment_id: int, **values: Any) -> None:
    if values:
        await connection.execute(update(environments).where(environments.c.id == environment_id).values(values))


async def remove(connection: AsyncConnection, environment_id: int) -> None:
    """With its variables; its executions stay readable under its name."""
    await connection.execute(delete(variables).where(variables.c.environment_id == environment_id))
    await connection.execute(delete(environments).where(environments.c.id == environment_id))


async def named(connection: AsyncConnection, pipeline_id: int, name: str) -> Environment | None:
    question = select(environments).where(environments.c.pipeline_id == pipeline_id, environments.c.name == name)
    row = (await connection.execute(question)).one_or_none()
    return Environment(**row._mapping) if row else None
