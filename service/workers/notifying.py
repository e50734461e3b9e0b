"""Reads the log on behalf of everybody who wants to be told, and fills the outbox.

Where it is in the log stands in a row, and moves in the transaction that writes the messages: each entry is made
messages of once, whoever dies in between, and nobody who writes to the log waits for it. That row's lock lets one
process at a time do so.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from service.bus import Topic
from service.notifications.filtering import KINDS, OUTCOMES, event_of, read_filter
from service.recorder import Record, Recorder
from service.store import outbox, routes
from service.store.log import Entry
from service.store.routes import Asking
from service.workers.rounds import keep_going

AT_ONCE = 200  # entries

# How far the end of the log may run ahead where nothing in it is worth a message: moving is a write.
SLACK = 500


class Notifier:
    """Goes on until it is cancelled."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def run(self) -> None:
        await keep_going(self._recorder.bus, Topic.LOG, self.do_next)

    async def do_next(self) -> bool:
        """Whether there may be more at once. Looks before it writes."""
        async with self._recorder.database.read() as connection:
            at = await outbox.cursor(connection) or 0
            found, end = await outbox.entries_of(connection, at, KINDS, limit=AT_ONCE)
        if not found and end - at < SLACK:
            return False
        async with self._recorder.record() as record:
            now_at = await outbox.cursor(record.connection, lock=True)
            if now_at is None:  # another process is at it
                return False
            found, end = await outbox.entries_of(record.connection, now_at, KINDS, limit=AT_ONCE)
            await self._expand(record, found)
            if end > now_at:
                await outbox.move(record.connection, end, now=record.now)
        return len(found) == AT_ONCE

    async def _expand(self, record: Record, found: Sequence[Entry]) -> None:
        asking = await routes.asking(record.connection) if found else []
        rows = [row for entry in found for row in await self._rows_of(record, entry, asking)] if asking else []
        if rows:
            await outbox.add(record.connection, rows)
            await routes.wake(record.connection, {row["route_id"] for row in rows}, due_at=record.now)
            record.ring(Topic.MESSAGES)

    async def _rows_of(self, record: Record, entry: Entry, asking: Sequence[Asking]) -> list[dict[str, Any]]:
        payload = msgspec.json.decode(entry.payload)
        event = event_of(entry.kind, payload)
        if event is None:
            return []
        before = await self._outcome_before(record, entry, payload) if payload.get("to") in OUTCOMES else None
        rows = []
        for route in asking:
            if route.sees is not None and entry.repository_id not in route.sees:
                continue
            about = {"repository_id": entry.repository_id, "pipeline_id": entry.pipeline_id}
            taken = read_filter(route.filter).takes(event, **about, payload=payload, before=before)
            if taken is not None:
                rows.append(_row(route.id, entry, taken, payload, record))
        return rows

    async def _outcome_before(self, record: Record, entry: Entry, payload: dict[str, Any]) -> str | None:
        assert entry.execution_id is not None
        assert entry.pipeline_id is not None
        return await outbox.outcome_before(
            record.connection,
            execution_id=entry.execution_id,
            attempt=int(payload.get("attempt") or 1),
            pipeline_id=entry.pipeline_id,
            environment=payload.get("environment"),
            branch=payload.get("branch"),
        )


def _row(route_id: int, entry: Entry, event: str, payload: dict[str, Any], record: Record) -> dict[str, Any]:
    lane = f"execution-{entry.execution_id}" if entry.execution_id else f"pipeline-{entry.pipeline_id}"
    return {
        "route_id": route_id,
        "key": f"entry {entry.cursor}",
        "webhook_id": f"msg_{secrets.token_hex(16)}",
        "event": event,
        "at": entry.at,
        "entry": payload,
        "repository_id": entry.repository_id,
        "pipeline_id": entry.pipeline_id,
        "execution_id": entry.execution_id,
        "lane": lane,
        "status": outbox.WAITING,
        "due_at": record.now,
        "tries": 0,
        "created_at": record.now,
    }
