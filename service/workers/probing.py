"""Asks an environment whether it is well, after Bitbucket has called the run that deployed there successful."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from service.events import Source, Trigger
from service.history import Patience, observe
from service.machine import Observation
from service.outbound import BadTarget, Outbound, Unreachable
from service.recorder import Record, Recorder
from service.store import executions, probes, repositories
from service.store.executions import Execution
from service.store.work import Work
from service.verification import Check
from service.workers.following import locked
from service.workers.tasks import Writing

# A try ends within the lease of its piece of work, however long the health check would wait.
LONGEST_TRY = 40.0

# The probe's word belongs right after the end of the run that it is about, before anything that Bitbucket says later.
JUST_AFTER = timedelta(microseconds=1)

HEADERS = {"User-Agent": "Penstock health check", "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try. Without an error it is as expected."""

    status: int | None
    error: str | None


class Prober:
    """The task of kind `probe`; `service/consequences/verification.py` writes its rows."""

    def __init__(self, recorder: Recorder, outbound: Outbound, patience: Patience) -> None:
        self._recorder = recorder
        self._outbound = outbound
        self._patience = patience

    async def __call__(self, piece: Work) -> Writing:
        payload: dict[str, Any] = piece.payload
        attempt, check = int(payload["attempt"]), msgspec.convert(payload["check"], Check)
        execution_id = int(payload["execution_id"])
        async with self._recorder.database.read() as connection:
            execution = await executions.by_id(connection, execution_id)
        if execution is None or not _waits(execution, attempt):
            return _nothing
        answer = await self._ask(check)

        async def write_down(record: Record) -> float | None:
            execution = await locked(record, execution_id)
            if execution is None or not _waits(execution, attempt):
                return None  # a rerun has begun meanwhile, or somebody ended it
            return await self._write_down(record, execution, check, answer)

        return write_down

    async def _ask(self, check: Check) -> Answer:
        try:
            seconds = min(check.timeout_seconds, LONGEST_TRY)
            reply = await self._outbound.send("GET", check.url, headers=HEADERS, timeout=seconds)
        except (BadTarget, Unreachable) as error:
            return Answer(None, str(error))
        if reply.status == check.expected_status:
            return Answer(reply.status, None)
        return Answer(reply.status, f"it answered {reply.status}, and {check.expected_status} is expected")

    async def _write_down(self, record: Record, execution: Execution, check: Check, answer: Answer) -> float | None:
        before = (await probes.latest(record.connection, [execution.id])).get(execution.id)
        tries = (before.tries if before else 0) + 1
        over = answer.error is None or tries >= check.attempts
        state = "waiting" if not over else "passed" if answer.error is None else "failed"
        seen = {"tries": tries, "status": answer.status, "error": answer.error, "asked_at": record.now, "state": state}
        await probes.change(record.connection, execution.id, execution.attempt, **seen)
        if not over:
            return check.interval_seconds
        await self._end(record, execution, check, answer, tries)
        return None

    async def _end(self, record: Record, execution: Execution, check: Check, answer: Answer, tries: int) -> None:
        assert execution.passed_at is not None
        tried = "once" if tries == 1 else f"{tries} times"
        seen = Observation(
            trigger=Trigger.FAIL if answer.error else Trigger.SUCCEED,
            source=Source.PROBE,
            at=execution.passed_at + JUST_AFTER,
            confirmed=execution.confirmed,
            reason=f"health check: {answer.error} ({check.url}, asked {tried})" if answer.error else None,
        )
        repository = await repositories.by_id(record.connection, execution.repository_id)
        hints_end = repository is None or repository.credential_id is None
        await observe(record, execution, seen, self._patience, hints_end=hints_end)


def _waits(execution: Execution, attempt: int) -> bool:
    return execution.verifying and execution.attempt == attempt


async def _nothing(record: Record) -> float | None:
    """Nobody waits for the answer."""
    return None
