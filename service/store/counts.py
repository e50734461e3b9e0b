"""Questions about how many of a thing somebody has."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import credentials, domains, environments, grants, repositories, routes, variables


async def repositories_owned(connection: AsyncConnection, user_id: int) -> int:
    """The connected ones of which the account is an owner."""
    connected = select(repositories.c.id).where(repositories.c.disconnected_at.is_(None))
    return await _count(
        connection, grants.c.user_id == user_id, grants.c.role == "owner", grants.c.repository_id.in_(connected)
    )


async def credentials_of(connection: AsyncConnection, user_id: int) -> int:
    return await _count(connection, credentials.c.user_id == user_id)


async def routes_of(connection: AsyncConnection, user_id: int) -> int:
    return await _count(connection, routes.c.user_id == user_id)


async def domains_of(connection: AsyncConnection, user_id: int) -> int:
    return await _count(connection, domains.c.user_id == user_id)


async def environments_of(connection: AsyncConnection, pipeline_id: int) -> int:
    return await _count(connection, environments.c.pipeline_id == pipeline_id)


async def variables_of(connection: AsyncConnection, pipeline_id: int) -> int:
    """The pipeline's own and its environments'."""
    return await _count(connection, variables.c.pipeline_id == pipeline_id)


async def _count(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> int:
    return int((await connection.execute(select(func.count()).where(*conditions))).scalar_one())
