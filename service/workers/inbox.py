"""Turns stored deliveries into what they mean: one delivery, one transaction, every ref its verdict."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import handlers
from handlers.desk import Desk, Verdict, Word
from service.bitbucket.deliveries import parse
from service.bus import Topic
from service.events import Unreadable
from service.history import Patience
from service.recorder import Record, Recorder
from service.store import deliveries, pipelines, repositories
from service.store.database import away
from service.store.deliveries import Delivery
from service.store.pipelines import Pipeline
from service.workers.rounds import keep_going

logger = logging.getLogger(__name__)

# Seconds before the next try of a delivery whose handling raised; after the last one it lies dead.
PAUSES = (1, 5, 25, 125)

# How often, and how long each time, in seconds, the worker steps aside for a crowd at the door before one delivery.
COURTESIES, COURTESY = 20, 0.025

# The flag of a delivery whose X-Request-UUID came with another body before.
REUSED = "request_uuid_reused"


class InboxWorker:
    """Processes what is due until it is cancelled. Any number of them may run, in any number of processes."""

    def __init__(self, recorder: Recorder, patience: Patience, crowded: Callable[[], bool] = lambda: False) -> None:
        """`crowded`: whether senders are waiting at this process's door just now."""
        self._recorder = recorder
        self._patience = patience
        self._crowded = crowded

    async def run(self) -> None:
        await keep_going(self._recorder.bus, Topic.INBOX, self._process_in_turn)

    async def _process_in_turn(self) -> bool:
        """Senders come first: they hang up after ten seconds, what is stored can wait. But not for ever."""
        for _ in range(COURTESIES):
            if not self._crowded():
                break
            await asyncio.sleep(COURTESY)
        return await self.process_next()

    async def process_next(self) -> bool:
        """Whether there was one. What a handler raises costs its own delivery a try, and no other one anything."""
        taken: Delivery | None = None
        try:
            async with self._recorder.record() as record:
                taken = await deliveries.next_due(record.connection, record.now)
                if taken is None:
                    return False
                await self._process(record, taken)
        except Exception as error:
            if taken is None or away(error):
                raise
            logger.exception("delivery.failed", extra={"delivery": taken.id})
            await self._put_back(taken, error)
        return True

    async def _process(self, record: Record, delivery: Delivery) -> None:
        if delivery.uuid_reused and REUSED not in delivery.flags:
            delivery.flags.append(REUSED)
        pipeline = await pipelines.active_of(record.connection, delivery.repository_id)
        verdicts = await self._judge(record, delivery, pipeline)
        unread = bool(verdicts) and all(verdict.word is Word.FAILED for verdict in verdicts)
        await _settle(record, delivery, "dead" if unread else "processed", verdicts, pipeline)

    async def _judge(self, record: Record, delivery: Delivery, pipeline: Pipeline | None) -> list[Verdict]:
        repository = await repositories.by_id(record.connection, delivery.repository_id, lock=True)
        if repository is None or repository.disconnected_at:
            return [Verdict(Word.IGNORED, "the repository is no longer connected")]
        if delivery.body is None:
            return [Verdict(Word.FAILED, "its body is no longer kept")]
        # the parser is pure and quick; a body of the largest size would hold the loop for some ten milliseconds
        read = parse(delivery.event_key, delivery.body)
        desk = Desk(record, repository, pipeline, delivery.id, self._patience)
        verdicts: list[Verdict] = []
        for event in read:
            verdicts.append(await handlers.router.dispatch(event, desk))
            verdicts += desk.further
            desk.further.clear()
        return verdicts or [Verdict(Word.FAILED, Unreadable(repository.uuid, reason="it says nothing").reason)]

    async def _put_back(self, delivery: Delivery, error: Exception) -> None:
        tries = delivery.tries + 1
        reason = f"{type(error).__name__} while it was processed, try {tries}"
        async with self._recorder.record() as record:
            if tries > len(PAUSES):
                verdict = Verdict(Word.FAILED, f"{reason}; replay it once the cause is gone")
                pipeline = await pipelines.active_of(record.connection, delivery.repository_id)
                await _settle(record, delivery, "dead", [verdict], pipeline)
                return
            pause = PAUSES[tries - 1] * random.uniform(0.8, 1.2)  # noqa: S311
            await deliveries.try_again(
                record.connection,
                delivery.id,
                status="failed",
                tries=tries,
                due_at=record.now + timedelta(seconds=pause),
                verdicts=[Verdict(Word.FAILED, reason).told()],
            )


async def _settle(
    record: Record, delivery: Delivery, status: str, verdicts: Sequence[Verdict], pipeline: Pipeline | None
) -> None:
    told = [verdict.told() for verdict in verdicts]
    await deliveries.settle(
        record.connection, delivery.id, status=status, now=record.now, verdicts=told, flags=delivery.flags
    )
    pipeline_id = pipeline.id if pipeline else None
    payload = {
        "delivery_id": delivery.id,
        "repository_id": delivery.repository_id,
        "pipeline_id": pipeline_id,
        "event_key": delivery.event_key,
        "status": status,
        "verdicts": told,
    }
    record.log("delivery.processed", payload, repository_id=delivery.repository_id, pipeline_id=pipeline_id)
