"""What a route's wishes do to the messages that wait for it: quiet hours hold them back, a digest makes one of many.

Both happen in the transaction in which the sender looks for its next message, so nothing else need know of them. What a
person has asked for to be sent now, a test, is let through by both.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import timedelta

from service.notifications.quiet import read_quiet_hours
from service.notifications.words import DIGEST
from service.recorder import Record
from service.store import outbox
from service.store.outbox import Brief, Message
from service.store.routes import Route

LARGEST = 500  # messages of one digest
SOON = timedelta(seconds=1)

NOT_SEEN = "the route's owner may no longer see the repository"


async def hold_back(record: Record, route: Route, sees: Collection[int] | None) -> None:
    """Puts off what is to wait, and gathers what has waited long enough. `sees` are the owner's repositories."""
    over_at = read_quiet_hours(route.quiet_hours).over_at(record.now) if route.quiet_hours else None
    if over_at is not None:
        await outbox.put_off(record.connection, route.id, until=over_at)
    elif route.digest_minutes is not None:
        await _gather(record, route, sees, timedelta(minutes=route.digest_minutes))


async def taken_apart(record: Record, message: Message, sees: Collection[int] | None) -> bool:
    """Whether it is a digest with what its receiver may no longer know: then the rest of it is gathered anew."""
    if message.event != DIGEST or sees is None:
        return False
    gathered = await outbox.briefly(record.connection, message.entry["messages"])
    known = [one.id for one in gathered if may_know(one, sees)]
    if len(known) == len(gathered):
        return False
    await _withhold(record, [message.id, *(one.id for one in gathered if one.id not in known)])
    await outbox.change(record.connection, known, status=outbox.WAITING)
    return True


def may_know(message: Message | Brief, sees: Collection[int] | None) -> bool:
    return sees is None or message.repository_id is None or message.repository_id in sees


async def _gather(record: Record, route: Route, sees: Collection[int] | None, every: timedelta) -> None:
    fresh = await outbox.fresh(record.connection, route.id)
    if not fresh:
        return
    ready_at = fresh[0].at + every
    if (earlier := await outbox.next_try(record.connection, route.id)) is not None:
        ready_at = max(ready_at, earlier, record.now + SOON)  # what was gathered before is delivered first
    if ready_at > record.now:
        await outbox.put_off(record.connection, route.id, until=ready_at, only_fresh=True)
        return
    known = [one for one in fresh if may_know(one, sees)]
    await _withhold(record, [one.id for one in fresh if not may_know(one, sees)])
    if len(known) > 1:  # one alone is sent as it is
        parts = [known[begin : begin + LARGEST] for begin in range(0, len(known), LARGEST)]
        await outbox.add(record.connection, [_digest(record, route, part) for part in parts])
        await outbox.change(record.connection, [one.id for one in known], status=outbox.DIGESTED)


def _digest(record: Record, route: Route, part: Sequence[Brief]) -> dict[str, object]:
    return {
        "route_id": route.id,
        "key": f"{DIGEST} {secrets.token_hex(8)}",
        "webhook_id": f"msg_{secrets.token_hex(16)}",
        "event": DIGEST,
        "at": record.now,
        "entry": {"messages": [one.id for one in part]},
        "lane": DIGEST,
        "status": outbox.WAITING,
        "due_at": record.now,
        "tries": 0,
        "created_at": record.now,
    }


async def _withhold(record: Record, ids: Sequence[int]) -> None:
    if ids:
        await outbox.change(record.connection, ids, status=outbox.WITHHELD, error=NOT_SEEN)
