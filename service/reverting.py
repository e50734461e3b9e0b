"""Goes back to a release: how an environment stands, what a rollback would do, and the rollback itself.

Whatever decides is read with the repository locked, in the transaction that opens the rollback's execution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from service import generation, holding, occupancy, rollback
from service.consequences.releases import effective
from service.consequences.rollbacks import broke_the_environment
from service.history import Opening, Patience, open_execution
from service.intents import Wish, sealed
from service.launching import Busy
from service.occupancy import Holder, begin
from service.recorder import Record
from service.rollback import Failed, Plan, Standing, Value, Values
from service.store import executions, locks, releases, revisions, starts, variables
from service.store.executions import Execution
from service.store.pipelines import Environment, Pipeline
from service.store.releases import Release
from service.store.variables import Variable
from service.variables import opened
from service.vault import Vault

# How many executions after what is live are looked at for one that failed half-way.
MOST_FAILED = 25


class NotEligible(Exception):
    """Nothing is gone back to; `plan.because` says why."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.because)
        self.plan = plan


async def standing_of(connection: Any, pipeline: Pipeline, environment: Environment) -> Standing:
    """How the environment stands now."""
    found = await releases.newest(connection, pipeline.id, environment.name)
    configured = await releases.configured(connection, found)
    live = next((one for one in found if one.rolled_back_at is None), None)
    today = effective(await variables.of_pipeline(connection, pipeline.id), environment.id)
    places = {one["place"] for release in found for one in release.variables or ()}
    kept = await releases.kept(connection, sorted(places))
    running = await _running(connection, pipeline.id, environment.name)
    return Standing(
        environment=environment.name,
        releases=tuple(_known(one, pipeline, configured) for one in found),
        failed=await _failed(connection, pipeline.id, environment.name, live),
        running=running.id if running else None,
        variables=tuple(_value(one) for one in today),
        values=frozenset(kept),
    )


async def plan_for(
    connection: Any,
    pipeline: Pipeline,
    environment: Environment,
    *,
    to_execution_id: int | None = None,
    values: Values | None = None,
) -> tuple[Standing, Plan]:
    """What a rollback would do, but for what only Bitbucket knows: the commits and the files in them."""
    standing = await standing_of(connection, pipeline, environment)
    if to_execution_id is not None:
        other = await releases.of_execution(connection, to_execution_id)
        mine = other is not None and other.pipeline_id == pipeline.id
        standing = replace(standing, elsewhere={to_execution_id: other.environment} if other and mine else {})
    plan = rollback.plan(standing, to_execution_id=to_execution_id, values=values)
    return standing, replace(plan, config_diff=await _config_diff(connection, pipeline, standing, plan))


async def roll_back(
    record: Record,
    vault: Vault,
    pipeline: Pipeline,
    environment: Environment,
    *,
    reason: str,
    by: str,
    patience: Patience,
    to_execution_id: int | None = None,
    values: Values | None = None,
    automatic: bool = False,
) -> Execution:
    """The rollback's execution: its run is being started, the environment is held, and the lock is the rollback's.

    Raises NotEligible, and Busy where somebody deploys there; then nothing is written. The repository must be locked.
    """
    running = await _running(record.connection, pipeline.id, environment.name)
    if running is not None:
        raise Busy(environment.name, _as_holder(running))
    standing, plan = await plan_for(
        record.connection, pipeline, environment, to_execution_id=to_execution_id, values=values
    )
    target, undone_id = plan.target, plan.current_execution_id
    if target is None or undone_id is None or plan.method is None:
        raise NotEligible(plan)
    undone = await executions.by_id(record.connection, undone_id)
    assert undone is not None
    holder = await occupancy.holder_of(record, environment)
    if holder is not None and holder.execution_id != undone.id:
        raise Busy(environment.name, holder)
    opening = Opening(
        pipeline_id=pipeline.id,
        repository_id=pipeline.repository_id,
        environment=environment.name,
        branch=target.branch,
        commit=target.commit,
        trigger_type="rollback",
        message=f"Go back to build #{target.build_number or target.execution_id}: {reason}"[:500],
        author=by,
    )
    execution = await open_execution(record, opening, patience)
    await executions.change(record.connection, execution.id, previous_execution_id=target.execution_id)
    await releases.note_rollback(
        record.connection,
        execution_id=execution.id,
        undoes_execution_id=undone.id,
        undoes_attempt=undone.attempt,
        release_id=target.id,
        method=plan.method,
        automatic=automatic,
        reason=reason,
        created_at=record.now,
    )
    await occupancy.pass_on(record, environment, from_execution=undone.id, to_execution=execution.id)
    wish = Wish(variables=tuple(await _variables(record, vault, standing, plan, values)))
    place = bytes.fromhex(sealed(vault, wish, execution.id))
    await starts.add(record.connection, execution.id, place, expect_seconds=patience.expect, now=record.now)
    execution = await begin(record, await executions.by_id(record.connection, execution.id) or execution)
    await holding.hold(record, environment, execution_id=undone.id, commit=undone.bitbucket_commit_hash, reason=reason)
    return execution


async def _running(connection: Any, pipeline_id: int, name: str) -> Execution | None:
    """Who deploys there. What waits here for its turn, or is only expected, does not."""
    line = await locks.line(connection, pipeline_id, name)
    return next((one for one in line if one.waits_for is None), None)


def _as_holder(execution: Execution) -> Holder:
    since = execution.started_at or execution.created_at
    return Holder(
        execution_id=execution.id, since=since, deadline_at=execution.deadline_at or since + timedelta(hours=1)
    )


async def _failed(connection: Any, pipeline_id: int, name: str, live: Release | None) -> Failed | None:
    """The newest execution after what is live that broke the environment, unless it is undone already."""
    after = (live.execution_id, live.completed_at) if live else None
    found = await executions.failed_after(connection, pipeline_id, name, after=after, limit=MOST_FAILED)
    for one in found:
        if not one.rolled_back and await broke_the_environment(connection, one) is not None:
            return Failed(execution_id=one.id, attempt=one.attempt, commit=one.bitbucket_commit_hash)
    return None


def _known(one: Release, pipeline: Pipeline, configured: set[int]) -> rollback.Release:
    noted = None if one.variables is None else tuple(Value(**each) for each in one.variables)
    return rollback.Release(
        id=one.id,
        execution_id=one.execution_id,
        build_number=one.build_number,
        commit=one.commit,
        branch=one.branch,
        completed_at=one.completed_at,
        origin=one.origin,
        kept_as=one.kept_as if pipeline.generated_at is not None else None,
        config_gone=one.config_revision_id is not None and one.config_revision_id not in configured,
        rolled_back=one.rolled_back_at is not None,
        variables=noted,
    )


def _value(one: Variable) -> Value:
    return Value(key=one.key, secured=one.secured, place=one.place)


async def _config_diff(connection: Any, pipeline: Pipeline, standing: Standing, plan: Plan) -> str:
    """From what is deployed with by now to what the target was deployed with."""
    target = await releases.by_id(connection, plan.target.id) if plan.target else None
    if target is None or target.config_revision_id is None:
        return ""
    live = await releases.by_id(connection, standing.live.id) if standing.live else None
    before = await revisions.by_id(connection, target.config_revision_id)
    if standing.failed is None and live is not None and live.config_revision_id is not None:
        now = await revisions.by_id(connection, live.config_revision_id)
    else:
        arrived = await revisions.arrived(connection, pipeline.id)
        now = arrived or await revisions.standing(connection, pipeline.id)
    if now is None or before is None or now.id == before.id:
        return ""
    return generation.unified(_shown(now.files), _shown(before.files))


def _shown(files: dict[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if path != "explain.json"}


async def _variables(
    record: Record, vault: Vault, standing: Standing, plan: Plan, values: Values | None
) -> Sequence[tuple[str, str, bool]]:
    """(key, value, secured) of what the run gets as it was then. Raises CannotOpen."""
    assert plan.target is not None
    wanted = rollback.values_of_then(standing, plan.target, values)
    kept = await releases.kept(record.connection, [one.place for one in wanted])
    rows = [Variable(key=one.key, secured=one.secured, place=one.place, value=kept[one.place]) for one in wanted]
    return [(one.key, opened(vault, one), one.secured) for one in rows]
