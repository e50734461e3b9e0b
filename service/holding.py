"""Holds: after a rollback, automation does not bring the commit back that was rolled back.

A hold ends when a newer commit comes, or when a person says so. It stays in the books, with who ended it and why.
"""

from __future__ import annotations

from service.clock import written
from service.occupancy import call_the_next
from service.recorder import Record
from service.store import environments, executions, holds, pipelines
from service.store.audit import Actor
from service.store.executions import Execution
from service.store.holds import Hold
from service.store.pipelines import Environment

# As whom Penstock itself appears where the books ask who did it.
AUTOMATION = "penstock"


async def hold(record: Record, environment: Environment, *, execution_id: int, commit: str | None, reason: str) -> None:
    """Holds the environment because of `execution_id`, which deployed `commit`. An earlier hold gives way to it.

    The repository must be locked.
    """
    before = await holds.open_on(record.connection, environment.pipeline_id, environment.name)
    if before is not None:
        if before.execution_id == execution_id:
            return
        await release(record, environment, by=AUTOMATION, reason=f"execution {execution_id} is held instead")
    made = await holds.add(
        record.connection,
        pipeline_id=environment.pipeline_id,
        environment=environment.name,
        execution_id=execution_id,
        commit=commit,
        reason=reason,
        since=record.now,
    )
    await _tell(record, "environment.held", made, since=written(made.since), reason=reason)
    told = {"environment": environment.name, "execution_id": execution_id, "commit": commit, "reason": reason}
    record.audit(Actor(AUTOMATION), "environment.held", f"pipeline {environment.pipeline_id}", **told)


async def release(
    record: Record, environment: Environment, *, by: str, reason: str | None, actor: Actor | None = None
) -> Hold | None:
    """The hold that ended, None where the environment was not held. `actor` is the person, where it is one."""
    found = await holds.open_on(record.connection, environment.pipeline_id, environment.name)
    if found is None:
        return None
    await holds.release(record.connection, found.id, by=by, reason=reason, now=record.now)
    await _tell(record, "environment.released", found, by=by, reason=reason)
    told = {"environment": environment.name, "execution_id": found.execution_id, "reason": reason}
    record.audit(actor or Actor(by), "environment.released", f"pipeline {environment.pipeline_id}", **told)
    await call_the_next(record, environment.pipeline_id, environment.name)
    return found


async def forbidding(record: Record, execution: Execution) -> Hold | None:
    """The hold that says that this execution must not go on: of its commit, and older than it.

    What Penstock is asked to start is turned away before it becomes an execution, and a rollback is what mends.
    """
    if execution.environment is None or execution.trigger_type == "rollback":
        return None
    found = await holds.open_on(record.connection, execution.pipeline_id, execution.environment)
    mine = found is not None and found.commit is not None and found.commit == execution.bitbucket_commit_hash
    return found if found is not None and mine and found.execution_id < execution.id else None


async def release_for(record: Record, execution: Execution) -> None:
    """A commit that the environment has not had before ends its hold: somebody has mended something, and pushed it."""
    commit = execution.bitbucket_commit_hash
    if execution.environment is None or commit is None or execution.trigger_type == "rollback":
        return
    found = await holds.open_on(record.connection, execution.pipeline_id, execution.environment)
    if found is None or found.commit == commit or found.execution_id > execution.id:
        return
    environment = await environments.named(record.connection, execution.pipeline_id, execution.environment)
    if environment is not None and not await executions.had_before(record.connection, execution):
        await release(record, environment, by=AUTOMATION, reason=f"a newer commit came: {commit[:12]}")


async def _tell(record: Record, kind: str, one: Hold, **more: str | None) -> None:
    pipeline = await pipelines.by_id(record.connection, one.pipeline_id)
    payload = {
        "pipeline_id": one.pipeline_id,
        "environment": one.environment,
        "execution_id": one.execution_id,
        "commit": one.commit,
        **more,
    }
    repository_id = pipeline.repository_id if pipeline else None
    record.log(kind, payload, repository_id=repository_id, pipeline_id=one.pipeline_id, execution_id=one.execution_id)
