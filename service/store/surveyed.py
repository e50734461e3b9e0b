"""Questions that a look at a repository's branches and deployments asks."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.executions import Execution
from service.store.tables import deliveries, executions


async def by_build_numbers(
    connection: AsyncConnection, repository_id: int, numbers: Iterable[int]
) -> dict[int, Execution]:
    """build number → its execution, of those that are known."""
    wanted = executions.c.bitbucket_build_number.in_(list(numbers))
    question = select(executions).where(executions.c.repository_id == repository_id, wanted)
    found = [Execution(**row._mapping) for row in await connection.execute(question)]
    return {one.bitbucket_build_number: one for one in found if one.bitbucket_build_number is not None}


async def any_delivery_waits(connection: AsyncConnection, repository_id: int) -> bool:
    """Whether something that was delivered about the repository is not processed yet."""
    mine = (deliveries.c.repository_id == repository_id, deliveries.c.status.in_(("accepted", "failed")))
    return (await connection.execute(select(deliveries.c.id).where(*mine).limit(1))).scalar() is not None
