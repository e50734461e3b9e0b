"""Questions about domains: whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer
from service.store.tables import domains


@dataclass(frozen=True, slots=True)
class Domain:
    """A name that an account has registered, in ASCII form. `email` is where notices about its certificates go."""

    id: int
    user_id: int
    name: str
    email: str | None
    dns_provider: str | None
    created_at: datetime


class DomainTaken(ValueError):
    """The name is registered already."""


async def add(connection: AsyncConnection, **values: Any) -> Domain:
    """Raises DomainTaken; the transaction goes on, nothing having been written."""
    try:
        async with connection.begin_nested():
            statement = insert(domains).values(values).returning(*domains.c)
            return Domain(**(await connection.execute(statement)).one()._mapping)
    except IntegrityError:
        raise DomainTaken(f"{values['name']} is registered already") from None


async def change(connection: AsyncConnection, domain_id: int, **values: Any) -> Domain:
    """Raises DomainTaken."""
    try:
        async with connection.begin_nested():
            statement = update(domains).where(domains.c.id == domain_id).values(values).returning(*domains.c)
            return Domain(**(await connection.execute(statement)).one()._mapping)
    except IntegrityError:
        raise DomainTaken(f"{values['name']} is registered already") from None


async def remove(connection: AsyncConnection, domain_id: int) -> None:
    await connection.execute(delete(domains).where(domains.c.id == domain_id))


async def seen_by(connection: AsyncConnection, viewer: Viewer, domain_id: int) -> Domain | None:
    question = select(domains).where(domains.c.id == domain_id, _belongs_to(viewer))
    row = (await connection.execute(question)).one_or_none()
    return Domain(**row._mapping) if row else None


async def page(connection: AsyncConnection, viewer: Viewer, *, after: int, limit: int) -> list[Domain]:
    """The viewer's own with ids above `after`, in order; an admin's are everybody's."""
    question = select(domains).where(domains.c.id > after, _belongs_to(viewer))
    rows = await connection.execute(question.order_by(domains.c.id).limit(limit))
    return [Domain(**row._mapping) for row in rows]


async def covering(connection: AsyncConnection, name: str) -> Domain | None:
    """The registered domain that `name` is, or lies below: the nearest one."""
    labels = name.split(".")
    names = [".".join(labels[place:]) for place in range(len(labels))]
    question = select(domains).where(domains.c.name.in_(names)).order_by(func.length(domains.c.name).desc()).limit(1)
    row = (await connection.execute(question)).one_or_none()
    return Domain(**row._mapping) if row else None


def _belongs_to(viewer: Viewer) -> ColumnElement[bool]:
    return true() if viewer.is_admin else domains.c.user_id == viewer.user_id
