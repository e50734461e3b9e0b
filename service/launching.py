"""Starts a run on behalf of a person: past the hold, the approval and the lock of its environment, or up to them.

Whatever stands in the way is decided in the transaction that opens the execution, with the repository locked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from service import occupancy
from service.history import Opening, Patience, open_execution
from service.intents import Wish, sealed, stop_unbegun
from service.occupancy import Holder, begin, holder_of, whom_it_waits_for
from service.recorder import Record
from service.store import executions, holds, locks, starts
from service.store.executions import Execution
from service.store.holds import Hold
from service.store.pipelines import Environment
from service.vault import Vault

# What an execution shows that nobody has approved yet.
APPROVAL = "approval"


class Held(Exception):
    """The environment is held: nothing is deployed to it before somebody releases the hold."""

    def __init__(self, environment: str, hold: Hold) -> None:
        super().__init__(f"{environment} is held since execution {hold.execution_id}: {hold.reason}")
        self.environment = environment
        self.hold = hold


class Busy(Exception):
    """Somebody else deploys to the environment, and it does not let others wait."""

    def __init__(self, environment: str, holder: Holder) -> None:
        super().__init__(f"{environment} is busy: execution {holder.execution_id} deploys to it")
        self.environment = environment
        self.holder = holder


async def launch(
    record: Record, vault: Vault, environment: Environment | None, opening: Opening, wish: Wish, patience: Patience
) -> Execution:
    """The execution: its run is being started, or it waits for an approval or its turn and says so.

    Raises Held and Busy; then nothing is written. The repository must be locked.
    """
    if environment is not None:
        await _pass_the_hold(record, environment)
        if environment.requires_approval:
            opening = replace(opening, waits_for="approval", waiting_on=APPROVAL)
        else:
            opening = await _in_line(record, environment, opening)
    execution = await open_execution(record, opening, patience)
    wish_of_it = bytes.fromhex(sealed(vault, wish, execution.id))
    await starts.add(record.connection, execution.id, wish_of_it, expect_seconds=patience.expect, now=record.now)
    if execution.waits_for is None:
        return await begin(record, execution)
    deadline = record.now + timedelta(seconds=patience.wait)
    execution = await executions.change(record.connection, execution.id, deadline_at=deadline)
    if execution.waits_for == "approval":
        tell_that_it_waits(record, execution)
    elif environment is not None:
        await _supersede(record, environment, execution, patience)
    return execution


async def go_on(record: Record, environment: Environment | None, execution: Execution, patience: Patience) -> Execution:
    """Past the approval that it has got: on to the lock. Raises Held and Busy; then nothing is written."""
    if environment is None:
        return await begin(record, execution)
    await _pass_the_hold(record, environment)
    holder = await holder_of(record, environment)
    if holder is None:
        execution = await executions.change(record.connection, execution.id, waits_for=None, waiting_on=None)
        await occupancy.take(record, environment, execution.id)
        return await begin(record, execution)
    if environment.when_busy == "reject":
        raise Busy(environment.name, holder)
    waiting = {"waits_for": "turn", "waiting_on": whom_it_waits_for(holder.execution_id, environment.name)}
    execution = await executions.change(record.connection, execution.id, **waiting)
    await _supersede(record, environment, execution, patience)
    return execution


def tell_that_it_waits(record: Record, execution: Execution, **more: str | None) -> None:
    """For subscribers and notifications: somebody has to act."""
    payload = {
        "pipeline_id": execution.pipeline_id,
        "execution_id": execution.id,
        "environment": execution.environment,
        "branch": execution.branch,
        "waiting_on": execution.waiting_on,
        "bitbucket_commit_hash": execution.bitbucket_commit_hash,
        "author": execution.author,
        **more,
    }
    record.log(
        "execution.waiting",
        payload,
        repository_id=execution.repository_id,
        pipeline_id=execution.pipeline_id,
        execution_id=execution.id,
    )


async def _pass_the_hold(record: Record, environment: Environment) -> None:
    hold = await holds.open_on(record.connection, environment.pipeline_id, environment.name)
    if hold is not None:
        raise Held(environment.name, hold)


async def _in_line(record: Record, environment: Environment, opening: Opening) -> Opening:
    holder = await holder_of(record, environment)
    if holder is None:
        return opening
    if environment.when_busy == "reject":
        raise Busy(environment.name, holder)
    return replace(opening, waits_for="turn", waiting_on=whom_it_waits_for(holder.execution_id, environment.name))


async def _supersede(record: Record, environment: Environment, newest: Execution, patience: Patience) -> None:
    """Stops whatever deploys there, and what waited before it. A rollback is let through: it mends something."""
    if environment.when_busy != "supersede":
        return
    by = f"execution {newest.id}, which supersedes it"
    for one in reversed(await locks.line(record.connection, environment.pipeline_id, environment.name)):
        if one.id >= newest.id or one.trigger_type == "rollback":
            continue
        if one.bitbucket_build_number is None:
            await stop_unbegun(record, one, patience, by)
        else:
            await record.work("stop", str(one.id), {"execution_id": one.id})
