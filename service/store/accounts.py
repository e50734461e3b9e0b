"""Questions about people: accounts, tokens, sessions, tickets, and what each may see."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import (
    credentials,
    domains,
    grants,
    identities,
    messages,
    pipelines,
    repositories,
    routes,
    sessions,
    tickets,
    tokens,
    users,
)

# What a token may be used for: to look; to trigger, stop, approve; to change what is configured.
SCOPES = ("read", "operate", "admin")

# How exactly it is known when a token was last used: a write for every call would cost more than it tells.
USE_NOTED_EVERY = timedelta(hours=1)

TOKEN_PREFIX = "pst_"  # what secret scanners look for  # noqa: S105


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who showed a valid token or session. `expires_at` is that proof's, None for never."""

    user_id: int
    name: str
    is_admin: bool
    expires_at: datetime | None = None
    by_cookie: bool = False
    scopes: tuple[str, ...] = ("read", "operate", "admin")
    token_id: int | None = None
    token_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in; without a password, by ticket only."""

    id: int
    name: str
    is_admin: bool
    created_at: datetime
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token once it has been shown."""

    id: int
    user: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


# Whoever may open the database may see all of it: commands beside the service ask as this one.
OPERATOR = Viewer(0, "operator", is_admin=True)


class NameTaken(ValueError):
    """An account of that name exists."""


def hashed(secret: str) -> str:
    """What is stored of a token: its SHA-256. It is 256 random bits; no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


_ACCOUNT = (users.c.id, users.c.name, users.c.is_admin, users.c.created_at, users.c.password_hash)


async def add_user(
    connection: AsyncConnection, name: str, password_hash: str | None, *, is_admin: bool, now: datetime
) -> int:
    """The new account's id. Raises NameTaken."""
    row = {"name": name, "password_hash": password_hash, "is_admin": is_admin, "created_at": now}
    try:
        return int((await connection.execute(insert(users).values(row).returning(users.c.id))).scalar_one())
    except IntegrityError:
        raise NameTaken(f"there is an account named {name!r} already") from None


async def list_users(connection: AsyncConnection) -> list[Account]:
    rows = await connection.execute(select(*_ACCOUNT).order_by(users.c.name))
    return [Account(**row._mapping) for row in rows]


async def remove_user(connection: AsyncConnection, name: str) -> bool:
    """Ends the account with all that is its own; whether there was one.

    Repositories that work with a credential of the account go on without one, until somebody gives them another.
    """
    user = (await connection.execute(select(users.c.id).where(users.c.name == name))).scalar()
    if user is None:
        return False
    own = select(credentials.c.id).where(credentials.c.user_id == user)
    using = update(repositories).where(repositories.c.credential_id.in_(own))
    await connection.execute(using.values(credential_id=None))
    told = select(routes.c.id).where(routes.c.user_id == user)
    await connection.execute(delete(messages).where(messages.c.route_id.in_(told)))
    for table in (tokens, sessions, grants, tickets, identities, domains, credentials, routes):
        await connection.execute(delete(table).where(table.c.user_id == user))
    await connection.execute(delete(users).where(users.c.id == user))
    return True


async def user_named(connection: AsyncConnection, name: str) -> Account | None:
    row = (await connection.execute(select(*_ACCOUNT).where(users.c.name == name))).one_or_none()
    return Account(**row._mapping) if row else None


async def name_of(connection: AsyncConnection, user_id: int) -> str:
    return str((await connection.execute(select(users.c.name).where(users.c.id == user_id))).scalar_one())


async def anybody(connection: AsyncConnection) -> bool:
    return bool((await connection.execute(select(exists().select_from(users)))).scalar())


async def add_token(
    connection: AsyncConnection,
    user_id: int,
    name: str,
    *,
    now: datetime,
    expires_at: datetime | None,
    scopes: tuple[str, ...] = SCOPES,
) -> str:
    """A new token of the account: this text is all there will ever be of it."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = {"user_id": user_id, "name": name, "scopes": scopes, "created_at": now, "expires_at": expires_at}
    await connection.execute(insert(tokens).values(**row, hash=hashed(token)))
    return token


async def list_tokens(connection: AsyncConnection) -> list[Token]:
    columns = (tokens.c.id, users.c.name.label("user"), tokens.c.name, tokens.c.scopes)
    times = (tokens.c.created_at, tokens.c.expires_at, tokens.c.used_at)
    question = select(*columns, *times).join(users, users.c.id == tokens.c.user_id).order_by(tokens.c.id)
    return [Token(*row[:3], tuple(row.scopes), *row[4:]) for row in await connection.execute(question)]


async def revoke_token(connection: AsyncConnection, token_id: int) -> bool:
    return bool((await connection.execute(delete(tokens).where(tokens.c.id == token_id))).rowcount)


async def viewer_by_token(connection: AsyncConnection, token: str, now: datetime) -> Viewer | None:
    question = (
        select(users.c.id, users.c.name, users.c.is_admin, tokens.c.expires_at, tokens.c.scopes)
        .add_columns(tokens.c.id.label("token_id"), tokens.c.used_at)
        .join(tokens, tokens.c.user_id == users.c.id)
        .where(tokens.c.hash == hashed(token), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now))
    )
    row = (await connection.execute(question)).one_or_none()
    if row is None:
        return None
    proof = {"expires_at": row.expires_at, "token_id": row.token_id, "token_used_at": row.used_at}
    return Viewer(row.id, row.name, row.is_admin, scopes=tuple(row.scopes), **proof)


def used_long_ago(viewer: Viewer, now: datetime) -> bool:
    """Whether the use of the viewer's token is worth noting."""
    return viewer.token_used_at is None or viewer.token_used_at < now - USE_NOTED_EVERY


async def note_use(connection: AsyncConnection, token_id: int, now: datetime) -> None:
    await connection.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=now))


async def add_session(connection: AsyncConnection, user_id: int, *, now: datetime, expires_at: datetime) -> str:
    """The cookie's value."""
    session = secrets.token_urlsafe(32)
    row = {"user_id": user_id, "hash": hashed(session), "created_at": now, "expires_at": expires_at}
    await connection.execute(insert(sessions).values(row))
    return session


async def end_session(connection: AsyncConnection, session: str) -> None:
    await connection.execute(delete(sessions).where(sessions.c.hash == hashed(session)))


async def viewer_by_session(connection: AsyncConnection, session: str, now: datetime) -> Viewer | None:
    question = (
        select(users.c.id, users.c.name, users.c.is_admin, sessions.c.expires_at)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.hash == hashed(session), sessions.c.expires_at > now)
    )
    row = (await connection.execute(question)).one_or_none()
    return Viewer(row.id, row.name, row.is_admin, row.expires_at, by_cookie=True) if row else None


async def add_ticket(connection: AsyncConnection, *, user_id: int | None, expires_at: datetime) -> str:
    """A one-time way in; without a user it will make the first account."""
    ticket = secrets.token_urlsafe(24)
    await connection.execute(insert(tickets).values(user_id=user_id, hash=hashed(ticket), expires_at=expires_at))
    return ticket


async def use_ticket(connection: AsyncConnection, ticket: str, now: datetime) -> int | None:
    """The account that the ticket lets in, once: of two that come together the second gets None."""
    claim = (
        update(tickets)
        .where(tickets.c.hash == hashed(ticket), tickets.c.used_at.is_(None), tickets.c.expires_at > now)
        .values(used_at=now)
        .returning(tickets.c.user_id)
    )
    row = (await connection.execute(claim)).one_or_none()
    if row is None:
        return None
    if row.user_id is not None:
        return int(row.user_id)
    if await anybody(connection):
        return None
    return await add_user(connection, "admin", None, is_admin=True, now=now)


async def grant(connection: AsyncConnection, repository_id: int, user_id: int, role: str) -> None:
    await connection.execute(insert(grants).values(repository_id=repository_id, user_id=user_id, role=role))


async def role_on(connection: AsyncConnection, viewer: Viewer, repository_id: int) -> str | None:
    """owner, operator or viewer; an admin is everybody's owner; None for who may not even see it."""
    if viewer.is_admin:
        return "owner"
    question = select(grants.c.role).where(grants.c.repository_id == repository_id, grants.c.user_id == viewer.user_id)
    return (await connection.execute(question)).scalar()


def may_see(viewer: Viewer, repository_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that every question about somebody's things carries."""
    if viewer.is_admin:
        return true()
    return exists().where(grants.c.repository_id == repository_id, grants.c.user_id == viewer.user_id)


async def visible_repositories(connection: AsyncConnection, viewer: Viewer) -> frozenset[int] | None:
    """The ids of the repositories that the viewer may see; None for all."""
    if viewer.is_admin:
        return None
    question = select(grants.c.repository_id).where(grants.c.user_id == viewer.user_id)
    return frozenset((await connection.execute(question)).scalars())


async def may_see_pipeline(connection: AsyncConnection, viewer: Viewer, pipeline_id: int) -> bool:
    question = select(pipelines.c.id).join(repositories, repositories.c.id == pipelines.c.repository_id)
    question = question.where(pipelines.c.id == pipeline_id, may_see(viewer, repositories.c.id))
    return (await connection.execute(question)).scalar() is not None
