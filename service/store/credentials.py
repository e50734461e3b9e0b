"""Questions about credentials: whose they are, what uses them, whether they work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer
from service.store.tables import credentials, repositories


@dataclass(frozen=True, slots=True)
class Credential:
    """What Penstock may act with at Bitbucket. `secret` is sealed, bound to `place`; `broken` says why it fails."""

    id: int
    user_id: int
    name: str
    kind: str
    account: str | None
    place: str
    secret: bytes = field(repr=False)
    created_at: datetime
    broken: str | None = None
    broken_at: datetime | None = None


class InUse(ValueError):
    """Repositories work with the credential: give them another one, or disconnect them."""

    def __init__(self, name: str, repositories: Sequence[str]) -> None:
        super().__init__(f"the credential {name!r} is used by {', '.join(repositories)}")
        self.repositories = tuple(repositories)


_COLUMNS = (
    credentials.c.id,
    credentials.c.user_id,
    credentials.c.name,
    credentials.c.kind,
    credentials.c.account,
    credentials.c.place,
    credentials.c.secret,
    credentials.c.created_at,
    credentials.c.broken,
    credentials.c.broken_at,
)


async def add(
    connection: AsyncConnection,
    *,
    user_id: int,
    name: str,
    kind: str,
    account: str | None,
    place: str,
    secret: bytes,
    per_hour: int,
    now: datetime,
) -> Credential:
    """`secret` is sealed for `place`. Its bucket starts full."""
    row = {"user_id": user_id, "name": name, "kind": kind, "account": account, "place": place, "secret": secret}
    bucket = {"calls_left": float(per_hour), "counted_at": now}
    statement = insert(credentials).values(row | bucket | {"created_at": now}).returning(*_COLUMNS)
    return Credential(**(await connection.execute(statement)).one()._mapping)


async def by_id(connection: AsyncConnection, credential_id: int) -> Credential | None:
    return await _one(connection, select(*_COLUMNS).where(credentials.c.id == credential_id))


async def of_repository(connection: AsyncConnection, repository_id: int) -> Credential | None:
    """The one that the repository works with."""
    chosen = select(repositories.c.credential_id).where(repositories.c.id == repository_id).scalar_subquery()
    return await _one(connection, select(*_COLUMNS).where(credentials.c.id == chosen))


def trouble(repository_id: int, credential: Credential | None) -> str | None:
    """What keeps Penstock from asking Bitbucket about the repository, and the next step; None where nothing does."""
    if credential is None:
        return (
            "Without a credential Penstock takes webhooks at their word, sees no steps and no logs, and starts, stops"
            " and rolls back nothing. An owner of the repository gives it one: `POST /api/credentials` keeps it,"
            f" `PUT /api/repositories/{repository_id}` has it used"
        )
    return f"Bitbucket cannot be asked: {credential.broken}" if credential.broken else None


async def seen_by(connection: AsyncConnection, viewer: Viewer, credential_id: int) -> Credential | None:
    return await _one(connection, select(*_COLUMNS).where(credentials.c.id == credential_id, _belongs_to(viewer)))


async def page(connection: AsyncConnection, viewer: Viewer, *, after: int, limit: int) -> list[Credential]:
    """The viewer's own with ids above `after`, in order; an admin's are everybody's."""
    question = select(*_COLUMNS).where(credentials.c.id > after, _belongs_to(viewer))
    rows = await connection.execute(question.order_by(credentials.c.id).limit(limit))
    return [Credential(**row._mapping) for row in rows]


async def remove(connection: AsyncConnection, credential: Credential) -> None:
    """Raises InUse. Repositories that are no longer connected forget it."""
    using = repositories.c.credential_id == credential.id
    connected = select(repositories.c.workspace, repositories.c.slug).where(
        using, repositories.c.disconnected_at.is_(None)
    )
    names = [f"{row.workspace}/{row.slug}" for row in await connection.execute(connected)]
    if names:
        raise InUse(credential.name, names)
    await connection.execute(update(repositories).where(using).values(credential_id=None))
    await connection.execute(delete(credentials).where(credentials.c.id == credential.id))


async def mark_broken(connection: AsyncConnection, credential_id: int, why: str, now: datetime) -> bool:
    """Whether that is news: it worked until now."""
    statement = update(credentials).where(credentials.c.id == credential_id, credentials.c.broken.is_(None))
    return bool((await connection.execute(statement.values(broken=why, broken_at=now))).rowcount)


async def mark_working(connection: AsyncConnection, credential_id: int) -> bool:
    """Whether that is news: it was broken until now."""
    statement = update(credentials).where(credentials.c.id == credential_id, credentials.c.broken.is_not(None))
    return bool((await connection.execute(statement.values(broken=None, broken_at=None))).rowcount)


def _belongs_to(viewer: Viewer) -> ColumnElement[bool]:
    return true() if viewer.is_admin else credentials.c.user_id == viewer.user_id


async def _one(connection: AsyncConnection, question: Select[Any]) -> Credential | None:
    row = (await connection.execute(question)).one_or_none()
    return Credential(**row._mapping) if row else None
