"""Questions about answers that were given to calls with an Idempotency-Key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import answers

# Longer than any call takes: one that is being answered for so long was cut off together with its process.
ABANDONED = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Answer:
    """`digest` is that of the call; `status` is 0 while it is being answered. `body` is sealed.

    `headers` are those that the call was answered with, as far as they were kept.
    """

    digest: str
    status: int
    body: bytes
    headers: Mapping[str, str] | None


async def begin(connection: AsyncConnection, *, user_id: int, key: str, digest: str, now: datetime) -> Answer | None:
    """None for the first call with this key, which is from now on being answered; else what is known of it."""
    row = {"user_id": user_id, "key": key, "digest": digest, "status": 0, "body": b"", "created_at": now}
    try:
        async with connection.begin_nested():
            await connection.execute(insert(answers).values(row))
    except IntegrityError:
        abandoned = (answers.c.user_id == user_id, answers.c.key == key, answers.c.status == 0)
        ours = update(answers).where(*abandoned, answers.c.created_at < now - ABANDONED)
        if (await connection.execute(ours.values(digest=digest, created_at=now))).rowcount:
            return None
        known = select(answers.c.digest, answers.c.status, answers.c.body, answers.c.headers)
        found = await connection.execute(known.where(answers.c.user_id == user_id, answers.c.key == key))
        return Answer(*found.one())
    return None


async def finish(connection: AsyncConnection, *, user_id: int, key: str, answer: Answer) -> None:
    told = {"status": answer.status, "body": answer.body, "headers": answer.headers}
    await connection.execute(update(answers).where(answers.c.user_id == user_id, answers.c.key == key).values(told))


async def forget(connection: AsyncConnection, *, user_id: int, key: str) -> None:
    """The call came to nothing: the same key may be tried again."""
    await connection.execute(delete(answers).where(answers.c.user_id == user_id, answers.c.key == key))


async def prune(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(delete(answers).where(answers.c.created_at < before))
