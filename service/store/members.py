"""Questions about the members of a repository: who has which role on it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import grants, users


@dataclass(frozen=True, slots=True)
class Member:
    """`role` is owner, operator or viewer."""

    user_id: int
    username: str
    role: str


async def of_repository(connection: AsyncConnection, repository_id: int, *, after: int, limit: int) -> list[Member]:
    """The members whose accounts' ids are above `after`, in order."""
    columns = (grants.c.user_id, users.c.name, grants.c.role)
    question = select(*columns).join(users, users.c.id == grants.c.user_id)
    question = question.where(grants.c.repository_id == repository_id, grants.c.user_id > after)
    return [Member(*row) for row in await connection.execute(question.order_by(grants.c.user_id).limit(limit))]


async def named(connection: AsyncConnection, repository_id: int, username: str) -> Member | None:
    question = select(grants.c.user_id, users.c.name, grants.c.role).join(users, users.c.id == grants.c.user_id)
    question = question.where(grants.c.repository_id == repository_id, users.c.name == username)
    row = (await connection.execute(question)).one_or_none()
    return Member(*row) if row else None


async def set_role(connection: AsyncConnection, repository_id: int, user_id: int, role: str) -> None:
    """Makes the account a member, or gives the member this role."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(grants).values(repository_id=repository_id, user_id=user_id, role=role)
    again = statement.on_conflict_do_update(index_elements=["repository_id", "user_id"], set_={"role": role})
    await connection.execute(again)


async def remove(connection: AsyncConnection, repository_id: int, user_id: int) -> None:
    mine = (grants.c.repository_id == repository_id, grants.c.user_id == user_id)
    await connection.execute(delete(grants).where(*mine))


async def owners(connection: AsyncConnection, repository_id: int) -> int:
    """How many owners it has, administrators apart."""
    question = select(func.count()).where(grants.c.repository_id == repository_id, grants.c.role == "owner")
    return int((await connection.execute(question)).scalar_one())
