"""Nothing stays in progress for ever: what is silent past its deadline ends FAILED, as lost."""

from __future__ import annotations

from service.events import Source, Trigger
from service.history import Patience, observe
from service.machine import Observation, State
from service.recorder import Record
from service.store import executions, repositories
from service.store.executions import Execution
from service.store.work import Work
from service.workers.tasks import Task, Writing


def deadline_task(patience: Patience) -> Task:
    """The task of kind `deadline`; `observe` and `open_execution` write its rows."""

    async def give_up_when_silent(piece: Work) -> Writing:
        async def write_down(record: Record) -> float | None:
            return await _give_up(record, int(piece.payload["execution_id"]), patience)

        return write_down

    return give_up_when_silent


async def _end_the_wait(record: Record, execution: Execution, patience: Patience) -> None:
    """Its run was never asked for: there is nothing to be lost."""
    reasons = {"approval": "nobody approved it", "turn": "its turn did not come"}
    reason = f"{reasons[execution.waits_for or '']} until its deadline"
    seen = Observation(trigger=Trigger.STOP, source=Source.DEADLINE, at=record.now, confirmed=True, reason=reason)
    await observe(record, execution, seen, patience)


async def _give_up(record: Record, execution_id: int, patience: Patience) -> float | None:
    execution = await executions.by_id(record.connection, execution_id)
    if execution is None:
        return None
    repository = await repositories.by_id(record.connection, execution.repository_id, lock=True)
    execution = await executions.by_id(record.connection, execution_id)
    if execution is None or State(execution.status).final or execution.deadline_at is None:
        return None
    if execution.deadline_at > record.now:  # something was heard of it meanwhile
        return (execution.deadline_at - record.now).total_seconds()
    if execution.waits_for is not None:
        await _end_the_wait(record, execution, patience)
        return None
    silent = "Bitbucket began no run for it" if execution.bitbucket_build_number is None else "nothing more was heard"
    reason = f"{executions.LOST}: {silent} until its deadline"
    seen = Observation(trigger=Trigger.LOSE, source=Source.DEADLINE, at=record.now, reason=reason)
    await observe(record, execution, seen, patience, hints_end=repository is None or repository.credential_id is None)
    return None
