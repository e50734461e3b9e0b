"""One deployment at a time: an environment's lock, and the line of those who wait for it.

The lock's holder is an execution. It leaves when it ends, whatever way; who is silent past his deadline is taken over,
so that nothing waits for ever. Every function here needs the repository locked: of two who come at once the second must
find what the first has written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.machine import State
from service.recorder import Record
from service.store import executions, holds, locks, starts
from service.store.executions import Execution
from service.store.locks import Lock
from service.store.pipelines import Environment

# Seconds for which a lock is kept past its holder's end, for the rollback that is to take it over.
KEPT = 900.0

# Seconds past its holder's own deadline before a lock is anybody's: the holder's end is recorded by then.
GRACE = 60.0

# How an execution's `waiting_on` begins while somebody else deploys to its environment.
AHEAD = "execution "


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who deploys to an environment. Past `deadline_at` without news the lock is anybody's."""

    execution_id: int
    since: datetime
    deadline_at: datetime


async def holder_of(record: Record, environment: Environment) -> Holder | None:
    """None: the environment is free."""
    return await _holder(record, environment.pipeline_id, environment.name)


async def take(record: Record, environment: Environment, execution_id: int) -> Holder | None:
    """None: the execution holds the lock now, or did already. Else who does; then nothing has changed."""
    holder = await _holder(record, environment.pipeline_id, environment.name)
    if holder is not None:
        return None if holder.execution_id == execution_id else holder
    await _give(record, environment.pipeline_id, environment.name, await _named(record, execution_id))
    return None


async def keep(record: Record, execution_id: int, seconds: float = KEPT) -> None:
    """What has ended keeps its lock for a while, so that nobody comes between it and its rollback.

    To be called in the transaction in which it ends. Whoever decides that there is no rollback calls `leave`.
    """
    if await locks.of(record.connection, execution_id) is None:
        return
    deadline = record.now + timedelta(seconds=seconds)
    await locks.change(record.connection, execution_id, deadline_at=deadline, kept=True)
    await record.work("unlock", str(execution_id), {"execution_id": execution_id}, due_at=deadline)


async def pass_on(record: Record, environment: Environment, *, from_execution: int, to_execution: int) -> bool:
    """Hands the lock over, with nobody in between. False: somebody else holds it by now, and goes on doing so."""
    holder = await _holder(record, environment.pipeline_id, environment.name)
    if holder is not None and holder.execution_id not in (from_execution, to_execution):
        return False
    await _give(record, environment.pipeline_id, environment.name, await _named(record, to_execution))
    return True


async def leave(record: Record, execution_id: int) -> None:
    """The execution is done with its environment: the next in line has it, and begins.

    Harmless without a lock, and for one that has begun again meanwhile.
    """
    found = await locks.of(record.connection, execution_id)
    if found is None:
        return
    execution = await executions.by_id(record.connection, execution_id)
    if execution is None or State(execution.status).final:
        await _end(record, found)


async def leave_if_overdue(record: Record, execution_id: int) -> float | None:
    """Ends a lock whose holder has ended or is silent; the seconds until it may be time, None when it is gone."""
    found = await locks.of(record.connection, execution_id)
    if found is None:
        return None
    deadline = await _deadline(record, found)
    if deadline is not None and deadline >= record.now:
        return (deadline - record.now).total_seconds() + 1
    await _end(record, found)
    return None


async def follow(record: Record, execution: Execution) -> None:
    """Does for an execution that has just moved what its state asks for: it takes the lock, has it still, or leaves.

    What Bitbucket starts by itself cannot be refused: where somebody else deploys it shows whom it waits for.
    """
    final = State(execution.status).final
    if final and execution.waits_for is not None:
        await executions.change(record.connection, execution.id, waits_for=None, waiting_on=None)
    if execution.environment is None or execution.waits_for is not None or _is_only_expected(execution):
        return
    found = await locks.on(record.connection, execution.pipeline_id, execution.environment)
    mine = found is not None and found.execution_id == execution.id
    if final:
        if found is not None and mine and not found.kept:
            await _end(record, found)
    elif found is None or (mine and found.kept) or not await _lasts(record, found):
        await _give(record, execution.pipeline_id, execution.environment, execution)
    elif not mine and execution.waiting_on is None:
        waiting = whom_it_waits_for(found.execution_id, execution.environment)
        await executions.change(record.connection, execution.id, waiting_on=waiting)


async def begin(record: Record, execution: Execution) -> Execution:
    """Nothing stands in its way any more: what Penstock starts is started, and its run is waited for."""
    start = await starts.of(record.connection, execution.id)
    if start is None:
        return execution
    await starts.begun(record.connection, execution.id, now=record.now)
    deadline = record.now + timedelta(seconds=start.expect_seconds)
    freed = {"waits_for": None, "waiting_on": None, "deadline_at": deadline}
    execution = await executions.change(record.connection, execution.id, **freed)
    await record.work("deadline", str(execution.id), {"execution_id": execution.id}, due_at=deadline)
    payload = {"execution_id": execution.id, "wish": start.wish.hex()}
    await record.work("start", str(execution.id), payload)
    return execution


def whom_it_waits_for(execution_id: int, environment: str) -> str:
    """For people: what an execution shows while somebody else deploys."""
    return f"{AHEAD}{execution_id}, which deploys to {environment}"


def waits_here(execution: Execution) -> bool:
    """Whether what it shows is `whom_it_waits_for`, and not something that Bitbucket waits for."""
    return (execution.waiting_on or "").startswith(AHEAD)


def _is_only_expected(execution: Execution) -> bool:
    """A push may start no run at all: what it makes us expect keeps nobody waiting."""
    return execution.trigger_type == "webhook" and execution.bitbucket_build_number is None


async def _holder(record: Record, pipeline_id: int, environment: str) -> Holder | None:
    found = await locks.on(record.connection, pipeline_id, environment)
    deadline = await _deadline(record, found) if found else None
    if found is None or deadline is None or deadline < record.now:
        return None
    return Holder(execution_id=found.execution_id, since=found.since, deadline_at=deadline)


async def _deadline(record: Record, lock: Lock) -> datetime | None:
    """Until when the lock is its holder's. A run that says something gets a new deadline, and with it its lock."""
    execution = await executions.by_id(record.connection, lock.execution_id)
    if execution is None or (State(execution.status).final and not lock.kept):
        return None
    own = execution.deadline_at
    return max(lock.deadline_at, own + timedelta(seconds=GRACE)) if own else lock.deadline_at


async def _lasts(record: Record, lock: Lock) -> bool:
    deadline = await _deadline(record, lock)
    return deadline is not None and deadline >= record.now


async def _named(record: Record, execution_id: int) -> Execution:
    execution = await executions.by_id(record.connection, execution_id)
    assert execution is not None
    return execution


async def _give(record: Record, pipeline_id: int, environment: str, execution: Execution) -> None:
    deadline = (execution.deadline_at or record.now) + timedelta(seconds=GRACE)
    await locks.put(
        record.connection,
        pipeline_id,
        environment,
        execution_id=execution.id,
        since=record.now,
        deadline_at=deadline,
    )
    if waits_here(execution):
        await executions.change(record.connection, execution.id, waiting_on=None)


async def _end(record: Record, lock: Lock) -> None:
    await locks.remove(record.connection, lock.id)
    await call_the_next(record, lock.pipeline_id, lock.environment, past=lock.execution_id)


async def call_the_next(record: Record, pipeline_id: int, environment: str, *, past: int | None = None) -> None:
    """The free environment is its that has waited longest. While it is held, nothing begins that Penstock starts.

    `past` is who has just had it.
    """
    if await locks.on(record.connection, pipeline_id, environment) is not None:
        return
    line = [one for one in await locks.line(record.connection, pipeline_id, environment) if one.id != past]
    held = await holds.open_on(record.connection, pipeline_id, environment) is not None
    ready = [one for one in line if one.waits_for is None or not held or one.trigger_type == "rollback"]
    waiting = f"the hold on {environment}" if held else None
    if ready:
        await _give(record, pipeline_id, environment, ready[0])
        waiting = whom_it_waits_for(ready[0].id, environment)
        if ready[0].waits_for is not None:
            await begin(record, ready[0])
    for one in line:
        if one not in ready[:1] and (one.waits_for is not None or waits_here(one)):
            await executions.change(record.connection, one.id, waiting_on=waiting)
