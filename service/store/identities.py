"""Questions about accounts at Bitbucket: which account here each of them is."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import accounts
from service.store.tables import identities, users

NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._@+-]+")


class Linked(ValueError):
    """The account at Bitbucket is another account here."""


async def user_of(connection: AsyncConnection, uuid: str) -> int | None:
    question = select(identities.c.user_id).where(identities.c.uuid == uuid)
    return (await connection.execute(question)).scalar()


async def note_use(connection: AsyncConnection, uuid: str, nickname: str, now: datetime) -> None:
    """That it came in, and how it is called by now."""
    values = {"nickname": nickname, "used_at": now}
    await connection.execute(update(identities).where(identities.c.uuid == uuid).values(values))


async def link(connection: AsyncConnection, user_id: int, uuid: str, *, nickname: str, now: datetime) -> None:
    """From now on the account at Bitbucket is this one here, in the place of another that was. Raises Linked."""
    await connection.execute(delete(identities).where(identities.c.user_id == user_id))
    row = {"user_id": user_id, "uuid": uuid, "nickname": nickname, "linked_at": now}
    try:
        async with connection.begin_nested():
            await connection.execute(insert(identities).values(row))
    except IntegrityError:
        raise Linked(f"the Bitbucket account {uuid} is linked with another account here") from None


async def join(connection: AsyncConnection, uuid: str, nickname: str, now: datetime) -> int:
    """The account here of whoever comes in for the first time: a new one, without any rights.

    A name here that is the same as one there says nothing about who somebody is: the newcomer gets another. Of two that
    come at once with the same uuid the second gets the first's.
    """
    name = await _free_name(connection, uuid, nickname)
    try:
        async with connection.begin_nested():
            user_id = await accounts.add_user(connection, name, None, is_admin=False, now=now)
            await connection.execute(
                insert(identities).values(user_id=user_id, uuid=uuid, nickname=nickname, linked_at=now)
            )
            return user_id
    except (IntegrityError, accounts.NameTaken):
        known = await user_of(connection, uuid)
        if known is None:
            raise
        return known


async def _free_name(connection: AsyncConnection, uuid: str, nickname: str) -> str:
    plain = NOT_IN_A_NAME.sub("-", nickname).strip("-._@+")[:80] or "bitbucket"
    taken = select(users.c.id).where(users.c.name == plain)
    if (await connection.execute(taken)).first() is None:
        return plain
    return f"{plain}-{uuid.strip('{}')[:13]}"
