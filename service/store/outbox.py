"""Questions about the outbox: what is to be told to whom, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.machine import State
from service.notifications.words import DIGEST, TEST
from service.store.log import Entry
from service.store.tables import entries, executions, head, messages, notifier, transitions

WAITING, DELIVERED, DEAD, WITHHELD, DIGESTED = "waiting", "delivered", "dead", "withheld", "digested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to be told to one route, once. `entry` is what the log said; `body` what is sent, the same each time.

    `lane` names what it is about: of one lane a message waits for those before it.
    """

    id: int
    route_id: int
    key: str
    webhook_id: str
    event: str
    at: datetime
    entry: dict[str, Any]
    repository_id: int | None
    pipeline_id: int | None
    execution_id: int | None
    lane: str
    status: str
    due_at: datetime
    tries: int
    body: bytes | None = field(repr=False)
    error: str | None
    answer: int | None
    reference: str | None
    created_at: datetime
    tried_at: datetime | None
    delivered_at: datetime | None


# The reader of the log.


async def cursor(connection: AsyncConnection, *, lock: bool = False) -> int | None:
    """How far the log has been made messages of. With `lock`: None where somebody else is at it just now."""
    question = select(notifier.c.cursor)
    if lock:
        question = question.with_for_update(skip_locked=True)
    return (await connection.execute(question)).scalar()


async def move(connection: AsyncConnection, to: int, *, now: datetime) -> None:
    await connection.execute(update(notifier).values(cursor=to, moved_at=now))


async def entries_of(
    connection: AsyncConnection, after: int, kinds: Collection[str], *, limit: int
) -> tuple[list[Entry], int]:
    """The next entries of these kinds, and how far the log is read with them: to its end, or to the last of them."""
    end = int((await connection.execute(select(head.c.cursor))).scalar_one())
    question = (
        select(entries)
        .where(entries.c.cursor > after, entries.c.cursor <= end, entries.c.kind.in_(kinds))
        .order_by(entries.c.cursor)
        .limit(limit)
    )
    rows = (await connection.execute(question)).all()
    found = [
        Entry(row.kind, row.at, row.payload, row.repository_id, row.pipeline_id, row.execution_id, row.cursor)
        for row in rows
    ]
    return found, found[-1].cursor if len(found) == limit else end


async def outcome_before(
    connection: AsyncConnection,
    *,
    execution_id: int,
    attempt: int,
    pipeline_id: int,
    environment: str | None,
    branch: str | None,
) -> str | None:
    """How the run before this one ended, on the same environment and branch: SUCCESS, FAILED, or None: it is the first.

    An earlier attempt of the same run counts as the run before.
    """
    ends = (transitions.c.outcome == "applied", transitions.c.to.in_([state for state in State if state.final]))
    alike = (
        executions.c.pipeline_id == pipeline_id,
        executions.c.environment == environment,
        executions.c.branch == branch,
        tuple_(executions.c.id, transitions.c.attempt) < tuple_(execution_id, attempt),
    )
    question = (
        select(transitions.c.to)
        .join(executions, executions.c.id == transitions.c.execution_id)
        .where(*ends, *alike)
        .order_by(executions.c.id.desc(), transitions.c.id.desc())
        .limit(1)
    )
    return (await connection.execute(question)).scalar()


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Of rows with a key that their route has already, none is written twice: that is an error."""
    await connection.execute(insert(messages), list(rows))


# What is sent.


async def next_of(connection: AsyncConnection, route_id: int, *, now: datetime) -> Message | None:
    """The oldest message that may be tried: due, and none of its lane waits before it."""
    question = _heads(route_id).where(messages.c.due_at <= now).order_by(messages.c.id).limit(1)
    row = (await connection.execute(question)).one_or_none()
    return Message(**row._mapping) if row else None


async def due_at(connection: AsyncConnection, route_id: int) -> datetime | None:
    """When the route's next message may be tried."""
    heads = _heads(route_id).subquery()
    found: datetime | None = (await connection.execute(select(func.min(heads.c.due_at)))).scalar()
    return found


def _heads(route_id: int) -> Any:
    older = messages.alias("older")
    blocked = (
        select(older.c.id)
        .where(
            older.c.route_id == route_id,
            older.c.status == WAITING,
            older.c.lane == messages.c.lane,
            older.c.id < messages.c.id,
        )
        .exists()
    )
    return select(messages).where(messages.c.route_id == route_id, messages.c.status == WAITING, ~blocked)


@dataclass(frozen=True, slots=True)
class Brief:
    """Of a message what gathering asks for."""

    id: int
    repository_id: int | None
    at: datetime


async def fresh(connection: AsyncConnection, route_id: int) -> list[Brief]:
    """What waits and has never been tried, oldest first; without tests and digests."""
    columns = (messages.c.id, messages.c.repository_id, messages.c.at)
    question = select(*columns).where(*_waiting(route_id), *_FRESH).order_by(messages.c.id)
    return [Brief(**row._mapping) for row in await connection.execute(question)]


async def briefly(connection: AsyncConnection, ids: Collection[int]) -> list[Brief]:
    columns = (messages.c.id, messages.c.repository_id, messages.c.at)
    question = select(*columns).where(messages.c.id.in_(ids)).order_by(messages.c.id)
    return [Brief(**row._mapping) for row in await connection.execute(question)]


async def next_try(connection: AsyncConnection, route_id: int) -> datetime | None:
    """When what has been tried, or gathered, is tried next; None where there is nothing of that kind."""
    begun = or_(messages.c.body.is_not(None), messages.c.event == DIGEST)
    question = select(func.min(messages.c.due_at)).where(*_waiting(route_id), begun, messages.c.event != TEST)
    found: datetime | None = (await connection.execute(question)).scalar()
    return found


async def put_off(connection: AsyncConnection, route_id: int, *, until: datetime, only_fresh: bool = False) -> None:
    """What would be tried earlier waits until then; not a test."""
    which = _FRESH if only_fresh else (messages.c.event != TEST,)
    early = (*_waiting(route_id), *which, messages.c.due_at < until)
    await connection.execute(update(messages).where(*early).values(due_at=until))


async def hurry(connection: AsyncConnection, route_id: int, *, now: datetime) -> None:
    """All that waits may be tried at once."""
    late = (*_waiting(route_id), messages.c.due_at > now)
    await connection.execute(update(messages).where(*late).values(due_at=now))


def _waiting(route_id: int) -> tuple[ColumnElement[bool], ...]:
    return messages.c.route_id == route_id, messages.c.status == WAITING


_FRESH = (messages.c.body.is_(None), messages.c.event.not_in((TEST, DIGEST)))


async def change(connection: AsyncConnection, ids: Collection[int], **values: Any) -> None:
    await connection.execute(update(messages).where(messages.c.id.in_(ids)).values(values))


async def reference_of(connection: AsyncConnection, message: Message) -> str | None:
    """What the target called the last message of the same lane."""
    mine = (messages.c.route_id == message.route_id, messages.c.lane == message.lane, messages.c.id < message.id)
    question = select(messages.c.reference).where(*mine, messages.c.reference.is_not(None))
    return (await connection.execute(question.order_by(messages.c.id.desc()).limit(1))).scalar()


async def by_ids(connection: AsyncConnection, ids: Collection[int]) -> list[Message]:
    question = select(messages).where(messages.c.id.in_(ids)).order_by(messages.c.id)
    return [Message(**row._mapping) for row in await connection.execute(question)]


# What is shown.


async def page(
    connection: AsyncConnection, route_id: int, *, before: int | None, limit: int, status: str | None = None
) -> list[Message]:
    """A route's messages, newest first."""
    question = select(messages).where(messages.c.route_id == route_id)
    if status is not None:
        question = question.where(messages.c.status == status)
    if before is not None:
        question = question.where(messages.c.id < before)
    return [
        Message(**row._mapping)
        for row in await connection.execute(question.order_by(messages.c.id.desc()).limit(limit))
    ]


async def newest(connection: AsyncConnection, route_ids: Collection[int], *, each: int) -> dict[int, list[Message]]:
    """route → its newest messages, newest first."""
    place = func.row_number().over(partition_by=messages.c.route_id, order_by=messages.c.id.desc()).label("place")
    numbered = select(messages.c.id, place).where(messages.c.route_id.in_(route_ids)).subquery()
    wanted = select(numbered.c.id).where(numbered.c.place <= each)
    found: dict[int, list[Message]] = {}
    for row in await connection.execute(
        select(messages).where(messages.c.id.in_(wanted)).order_by(messages.c.id.desc())
    ):
        found.setdefault(row.route_id, []).append(Message(**row._mapping))
    return found


async def counts(connection: AsyncConnection, route_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """route → status → how many messages are waiting or dead."""
    found: dict[int, dict[str, int]] = {number: {WAITING: 0, DEAD: 0} for number in route_ids}
    mine = (messages.c.route_id.in_(route_ids), messages.c.status.in_((WAITING, DEAD)))
    question = select(messages.c.route_id, messages.c.status, func.count()).where(*mine)
    for route_id, status, number in await connection.execute(question.group_by(messages.c.route_id, messages.c.status)):
        found[route_id][status] = number
    return found


async def prune(connection: AsyncConnection, before: datetime, *, limit: int = 1000) -> int:
    """Forgets messages of before that time, whatever became of them; how many went."""
    old = select(messages.c.id).where(messages.c.created_at < before).limit(limit)
    return int((await connection.execute(delete(messages).where(messages.c.id.in_(old)))).rowcount)
