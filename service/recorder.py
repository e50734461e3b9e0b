"""The one writer: a transaction that is committed, and only then rings.

Whatever changes here changes inside `async with recorder.record() as record`. Lines for the log and work are handed to
the record; the log's are numbered last, under the lock that makes commit order cursor order, and the bells ring after
the commit, because a subscriber woken earlier would find nothing. No caller can get that order wrong: it is not his.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from service import clock
from service.bus import Bus, Topic
from service.failpoints import fail_point
from service.store import audit, work
from service.store.audit import Actor, Deed
from service.store.database import Database
from service.store.log import Entry, append

_encode = msgspec.json.Encoder().encode


class Record:
    """One open transaction. `connection` is for the questions in `service/store/`; `now` is its one time."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.lines: list[Entry] = []
        self.deeds: list[Deed] = []
        self.topics: set[Topic] = set()

    def log(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        repository_id: int | None,
        pipeline_id: int | None = None,
        execution_id: int | None = None,
    ) -> None:
        """Adds a line to the log: `payload` is what subscribers get under the event's name `kind`."""
        text = _encode(payload).decode()
        self.lines.append(Entry(kind, self.now, text, repository_id, pipeline_id, execution_id))
        self.topics.add(Topic.LOG)

    def audit(self, actor: Actor, action: str, object: str, **details: Any) -> None:
        """Adds a line to the audit log: who did what to what. Names, numbers and reasons; never a secret."""
        self.deeds.append(Deed(self.now, actor, action, object, details))

    def rights_changed(self) -> None:
        """Makes every open stream ask again what its reader may see."""
        self.log("rights.changed", {}, repository_id=None)

    async def work(self, kind: str, key: str, payload: Any, *, due_at: datetime | None = None) -> None:
        """Adds a piece of work, done once this transaction is committed; of one kind and key only one waits."""
        due_at = due_at or self.now
        await work.add(self.connection, kind=kind, key=key, payload=payload, due_at=due_at, now=self.now)
        if due_at <= self.now:  # nobody need wake for what is due in half an hour
            self.topics.add(Topic.WORK)

    def ring(self, topic: Topic) -> None:
        """Something else is new once this is committed."""
        self.topics.add(topic)


class Recorder:
    """Opens records. One in a process; `now` is the clock, which tests set."""

    def __init__(self, database: Database, bus: Bus, now: Callable[[], datetime] = clock.now) -> None:
        self.database = database
        self.bus = bus
        self.now = now

    @asynccontextmanager
    async def record(self) -> AsyncIterator[Record]:
        """Everything or nothing; an exception undoes it and rings nobody."""
        async with self.database.write() as connection:
            fail_point("record.begun")
            record = Record(connection, self.now())
            yield record
            fail_point("record.written")
            if record.deeds:
                await audit.append(connection, record.deeds)
            if record.lines:
                await append(connection, record.lines)
            fail_point("record.logged")
        fail_point("record.committed")
        self.bus.ring(*record.topics)
