"""Questions about notification routes: whose they are, and which of them have something to send."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer
from service.store.tables import grants, messages, routes, users


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where an account's messages go. `target` and the secrets are sealed; `shown` is what of the target may be read.

    `due_at` is when its next message may be tried, None where none waits.
    """

    id: int
    user_id: int
    name: str
    kind: str
    place: str
    target: bytes = field(repr=False)
    shown: str
    secret: bytes | None = field(repr=False)
    previous_secret: bytes | None = field(repr=False)
    previous_until: datetime | None
    filter: dict[str, Any]
    quiet_hours: dict[str, Any] | None
    digest_minutes: int | None
    paused: bool
    paused_reason: str | None
    failing_since: datetime | None
    last_error: str | None
    last_delivered_at: datetime | None
    due_at: datetime | None
    claim: str | None
    leased_until: datetime | None
    created_at: datetime
    updated_at: datetime


async def add(connection: AsyncConnection, **values: Any) -> Route:
    statement = insert(routes).values(values).returning(*routes.c)
    return Route(**(await connection.execute(statement)).one()._mapping)


async def change(connection: AsyncConnection, route_id: int, **values: Any) -> Route:
    statement = update(routes).where(routes.c.id == route_id).values(values).returning(*routes.c)
    return Route(**(await connection.execute(statement)).one()._mapping)


async def remove(connection: AsyncConnection, route_id: int) -> None:
    """With its messages."""
    await connection.execute(delete(messages).where(messages.c.route_id == route_id))
    await connection.execute(delete(routes).where(routes.c.id == route_id))


async def by_id(connection: AsyncConnection, route_id: int, *, lock: bool = False) -> Route | None:
    question = select(routes).where(routes.c.id == route_id)
    row = (await connection.execute(question.with_for_update() if lock else question)).one_or_none()
    return Route(**row._mapping) if row else None


async def seen_by(connection: AsyncConnection, viewer: Viewer, route_id: int) -> Route | None:
    question = select(routes).where(routes.c.id == route_id, _belongs_to(viewer))
    row = (await connection.execute(question)).one_or_none()
    return Route(**row._mapping) if row else None


async def page(connection: AsyncConnection, viewer: Viewer, *, after: int, limit: int) -> list[Route]:
    """The viewer's own with ids above `after`, in order; an admin's are everybody's."""
    question = select(routes).where(routes.c.id > after, _belongs_to(viewer)).order_by(routes.c.id).limit(limit)
    return [Route(**row._mapping) for row in await connection.execute(question)]


@dataclass(frozen=True, slots=True)
class Asking:
    """What a route asks for, and of what its owner may know: ids of repositories, None for all."""

    id: int
    filter: dict[str, Any]
    sees: frozenset[int] | None


async def asking(connection: AsyncConnection) -> list[Asking]:
    """Every route that is told things: also one that has paused by itself, for which they wait."""
    columns = (routes.c.id, routes.c.filter, routes.c.user_id, users.c.is_admin)
    told = or_(routes.c.paused.is_(False), routes.c.paused_reason.is_not(None))
    question = select(*columns).join(users, users.c.id == routes.c.user_id).where(told)
    rows = (await connection.execute(question.order_by(routes.c.id))).all()
    seen: dict[int, set[int]] = {}
    mine = select(grants.c.user_id, grants.c.repository_id).where(grants.c.user_id.in_({row.user_id for row in rows}))
    for user_id, repository_id in await connection.execute(mine):
        seen.setdefault(user_id, set()).add(repository_id)
    return [Asking(row.id, row.filter, None if row.is_admin else frozenset(seen.get(row.user_id, ()))) for row in rows]


async def owner_of(connection: AsyncConnection, route: Route) -> Viewer:
    """The account for which messages are made: they say what it may see, no more."""
    columns = (users.c.id, users.c.name, users.c.is_admin)
    row = (await connection.execute(select(*columns).where(users.c.id == route.user_id))).one()
    return Viewer(row.id, row.name, row.is_admin)


async def wake(connection: AsyncConnection, ids: Collection[int], *, due_at: datetime) -> None:
    """These have something to send by then. One that waits for its target to come back goes on waiting."""
    sooner = or_(routes.c.due_at.is_(None), routes.c.due_at > due_at)
    mine = (routes.c.id.in_(ids), sooner, routes.c.failing_since.is_(None))
    await connection.execute(update(routes).where(*mine).values(due_at=due_at))
    # one that failed and has nothing left to try would never look again
    idle = (routes.c.id.in_(ids), routes.c.due_at.is_(None))
    await connection.execute(update(routes).where(*idle).values(due_at=due_at))


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(routes.c.leased_until.is_(None), routes.c.leased_until < now)
    return routes.c.due_at.is_not(None), routes.c.due_at <= now, routes.c.paused.is_(False), free


async def due(connection: AsyncConnection, *, now: datetime, besides: Collection[int], limit: int) -> list[int]:
    """The routes whose messages may be sent now, longest due first."""
    question = select(routes.c.id).where(*_due(now), routes.c.id.not_in(besides)).order_by(routes.c.due_at).limit(limit)
    return [int(number) for number in (await connection.execute(question)).scalars()]


async def lease(connection: AsyncConnection, route_id: int, *, now: datetime, seconds: float) -> Route | None:
    """The route, ours to send for so many seconds; None where somebody else has it, or nothing is due."""
    values = {"claim": secrets.token_hex(16), "leased_until": now + timedelta(seconds=seconds)}
    statement = update(routes).where(routes.c.id == route_id, *_due(now)).values(values).returning(*routes.c)
    row = (await connection.execute(statement)).one_or_none()
    return Route(**row._mapping) if row else None


async def held(connection: AsyncConnection, route: Route, *, now: datetime, seconds: float) -> Route | None:
    """The route as it is now, where the lease is still ours: it is made longer, and the row is locked.

    None where it is not: then nothing may be written.
    """
    mine = (routes.c.id == route.id, routes.c.claim == route.claim)
    longer = update(routes).where(*mine).values(leased_until=now + timedelta(seconds=seconds)).returning(*routes.c)
    row = (await connection.execute(longer)).one_or_none()
    return Route(**row._mapping) if row else None


async def release(connection: AsyncConnection, route: Route, *, due_at: datetime | None, **values: Any) -> None:
    """Gives the lease back; when to look again. The row must be locked."""
    back = {"claim": None, "leased_until": None, "due_at": due_at, **values}
    await connection.execute(update(routes).where(routes.c.id == route.id).values(back))


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When the next route is due that is not paused."""
    question = select(func.min(routes.c.due_at)).where(routes.c.paused.is_(False))
    found: datetime | None = (await connection.execute(question)).scalar()
    return found


def _belongs_to(viewer: Viewer) -> ColumnElement[bool]:
    return true() if viewer.is_admin else routes.c.user_id == viewer.user_id
