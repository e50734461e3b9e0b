"""Keeps the tables small: old log entries and the bodies of old deliveries go, a few at a time."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from service.recorder import Recorder
from service.store import answers, deliveries, log, outbox, releases, work

logger = logging.getLogger(__name__)

EVERY = 3600.0

# How long work that is done, and answers to calls with an Idempotency-Key, are remembered.
DONE = timedelta(days=7)
ANSWERED = timedelta(days=2)

# How long messages to people are kept, whatever became of them.
TOLD = timedelta(days=30)


class Retention:
    """Looks once an hour. History itself (executions, transitions) is kept for good; so are releases, with 0 days."""

    def __init__(self, recorder: Recorder, *, entries_days: int, bodies_days: int, releases_days: int = 0) -> None:
        self._recorder = recorder
        self._entries = timedelta(days=entries_days)
        self._bodies = timedelta(days=bodies_days)
        self._releases = timedelta(days=releases_days) if releases_days else None

    async def run(self) -> None:
        while True:
            try:
                while await self.prune():
                    pass
            except Exception as error:  # it is tried again in an hour
                logger.warning("retention.waits", extra={"reason": type(error).__name__})
            await asyncio.sleep(EVERY)

    async def prune(self) -> bool:
        """Whether there may be more. They go in small transactions, so that nobody waits long for the writer."""
        async with self._recorder.record() as record:
            read = await outbox.cursor(record.connection)  # what comes after it was told to nobody yet
            entries = await log.prune(record.connection, record.now - self._entries, limit=1000, upto=read)
            bodies = await deliveries.drop_bodies(record.connection, record.now - self._bodies)
            done = await work.prune(record.connection, record.now - DONE)
            await answers.prune(record.connection, record.now - ANSWERED)
            await outbox.prune(record.connection, record.now - TOLD)
            if self._releases is not None:
                await releases.prune(record.connection, record.now - self._releases)
        return entries + bodies + done > 0
