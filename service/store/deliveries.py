"""Questions about stored deliveries: the next to process, what became of it, and the lists."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer, may_see
from service.store.tables import deliveries, one_of

WAITING = ("accepted", "failed")
WAITS = one_of(deliveries.c.status, WAITING)

_SHOWN = [column for column in deliveries.c if column.name not in ("body", "digest", "due_at")]

# Built once: it is asked for every delivery, and building it costs more than its answer.
_BEFORE = deliveries.alias("before")
_NEXT_DUE = (
    select(
        *_SHOWN,
        deliveries.c.body,
        exists()
        .where(
            _BEFORE.c.hook_id == deliveries.c.hook_id,
            _BEFORE.c.request_uuid == deliveries.c.request_uuid,
            _BEFORE.c.id < deliveries.c.id,
            deliveries.c.request_uuid != "",
        )
        .label("uuid_reused"),
    )
    .where(WAITS, deliveries.c.due_at <= bindparam("now"))
    .order_by(deliveries.c.due_at, deliveries.c.id)
    .limit(1)
    .with_for_update(skip_locked=True, of=deliveries)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One HTTP request of Bitbucket's. `body` is the raw bytes where they were asked for and are still kept.

    `uuid_reused`, where it was asked for: another body came under the same X-Request-UUID, which is not signed.
    """

    id: str
    hook_id: str
    repository_id: int
    request_uuid: str
    event_key: str
    attempt: int
    received_at: datetime
    processed_at: datetime | None
    status: str
    tries: int
    flags: list[str]
    verdicts: list[dict[str, Any]]
    body: bytes | None = field(default=None, repr=False)
    uuid_reused: bool = False


async def next_due(connection: AsyncConnection, now: datetime) -> Delivery | None:
    """The delivery that has waited longest, locked for this transaction; others take the next one."""
    return await _first(connection, _NEXT_DUE, now=now)


async def settle(
    connection: AsyncConnection,
    delivery_id: str,
    *,
    status: str,
    now: datetime,
    verdicts: Sequence[dict[str, Any]],
    flags: Sequence[str],
) -> None:
    values = {"status": status, "processed_at": now, "verdicts": list(verdicts), "flags": list(flags)}
    await connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(values))


async def try_again(
    connection: AsyncConnection,
    delivery_id: str,
    *,
    status: str,
    tries: int,
    due_at: datetime,
    verdicts: Sequence[dict[str, Any]],
) -> None:
    """What could not be processed: it is tried once more at `due_at`, or lies `dead` until a person replays it."""
    values = {"status": status, "tries": tries, "due_at": due_at, "verdicts": list(verdicts)}
    await connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(values))


async def amend(
    connection: AsyncConnection, delivery_id: str, before: str, *, ref: str | None = None, verdict: str, reason: str
) -> None:
    """What was found out since takes the place of the verdict `before` on that ref."""
    question = select(deliveries.c.verdicts).where(deliveries.c.id == delivery_id).with_for_update()
    told = (await connection.execute(question)).scalar()
    if told is None:
        return
    amended = [
        {**one, "verdict": verdict, "reason": reason} if (one["ref"], one["verdict"]) == (ref, before) else one
        for one in told
    ]
    await connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(verdicts=amended))


async def replay(connection: AsyncConnection, delivery_id: str, now: datetime) -> bool:
    """Puts a delivery back into the inbox; False where its body is no longer kept."""
    kept = (deliveries.c.id == delivery_id, deliveries.c.body.is_not(None))
    values = {"status": "accepted", "tries": 0, "due_at": now, "processed_at": None}
    return bool((await connection.execute(update(deliveries).where(*kept).values(values))).rowcount)


async def drop_bodies(connection: AsyncConnection, before: datetime, *, limit: int = 1000) -> int:
    """Forgets the bodies of what came before that time and is settled, at most `limit` of them; how many."""
    old = (deliveries.c.received_at < before, deliveries.c.body.is_not(None), deliveries.c.status.not_in(WAITING))
    some = select(deliveries.c.id).where(*old).limit(limit)
    return int(
        (await connection.execute(update(deliveries).where(deliveries.c.id.in_(some)).values(body=None))).rowcount
    )


async def seen_by(connection: AsyncConnection, viewer: Viewer, delivery_id: str) -> Delivery | None:
    question = select(*_SHOWN, deliveries.c.body).where(deliveries.c.id == delivery_id)
    return await _first(connection, question.where(may_see(viewer, deliveries.c.repository_id)))


async def named(connection: AsyncConnection, ids: Sequence[str]) -> list[Delivery]:
    """These deliveries, in order of arrival."""
    question = select(*_SHOWN).where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id)
    return [Delivery(**row._mapping) for row in await connection.execute(question)]


async def page(
    connection: AsyncConnection,
    viewer: Viewer,
    *,
    before: str | None,
    limit: int,
    status: str | None = None,
    event_key: str | None = None,
    repository_id: int | None = None,
) -> list[Delivery]:
    """Newest first, from below the id `before` on."""
    question = select(*_SHOWN).where(may_see(viewer, deliveries.c.repository_id))
    if before is not None:
        question = question.where(deliveries.c.id < before)
    if repository_id is not None:
        question = question.where(deliveries.c.repository_id == repository_id)
    if status in WAITING:
        # few wait, and they have an index of their own, which the word alone does not lead to
        question = question.where(deliveries.c.id.in_(select(deliveries.c.id).where(WAITS).correlate(None)))
    for column, value in ((deliveries.c.status, status), (deliveries.c.event_key, event_key)):
        question = question if value is None else question.where(column == value)
    rows = await connection.execute(question.order_by(deliveries.c.id.desc()).limit(limit))
    return [Delivery(**row._mapping) for row in rows]


async def _first(connection: AsyncConnection, question: Select[Any], **given: Any) -> Delivery | None:
    row = (await connection.execute(question, given)).first()
    if row is None:
        return None
    values = dict(row._mapping)
    values["body"] = zlib.decompress(values["body"]) if values["body"] is not None else None
    return Delivery(**values)
