"""What a model of everything that may happen does about rollbacks, and what must hold whatever has happened."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from service.history import Patience
from service.launching import Busy
from service.machine import State
from service.recorder import Recorder
from service.reverting import NotEligible, roll_back
from service.store import environments, executions, pipelines, releases, repositories
from service.store.database import Database
from service.store.executions import Execution
from service.store.releases import Rollback
from service.store.tables import rollbacks
from service.vault import Vault
from service.workers.rolling_back import RollingBack
from service.workers.tasks import Task


def tasks(recorder: Recorder, vault: Vault, patience: Patience) -> dict[str, Task]:
    """What a worker must be able to do beside the rest."""
    return {"rollback": RollingBack(recorder, vault, patience)}


async def somebody_rolls_back(
    recorder: Recorder, vault: Vault, pipeline_id: int, patience: Patience, *, environment: str = "production"
) -> Execution | None:
    """None where nothing could be gone back to, or somebody deployed there."""
    async with recorder.database.read() as connection:
        pipeline = await pipelines.by_id(connection, pipeline_id)
        place = await environments.named(connection, pipeline_id, environment)
    assert pipeline is not None
    assert place is not None
    try:
        async with recorder.record() as record:
            await repositories.by_id(record.connection, pipeline.repository_id, lock=True)
            return await roll_back(record, vault, pipeline, place, reason="it is slow", by="ada", patience=patience)
    except (Busy, NotEligible):
        return None


async def assert_rolled_back_well(database: Database, pipeline_id: int, *, environment: str = "production") -> None:
    """Of rollbacks, releases and executions: what must be true at any time."""
    async with database.read() as connection:
        known = [Rollback(**row._mapping) for row in await connection.execute(select(rollbacks))]
        found = {one.id: one for one in await releases.newest(connection, pipeline_id, environment, limit=1000)}
        live = await releases.live_on(connection, pipeline_id, environment)
        ended = {one.execution_id: await executions.by_id(connection, one.execution_id) for one in known}
        undone = [await executions.by_id(connection, one.undoes_execution_id) for one in known]
    automatic = Counter((one.undoes_execution_id, one.undoes_attempt) for one in known if one.automatic)
    assert all(count == 1 for count in automatic.values()), automatic
    assert live is None or live.rolled_back_at is None
    for one in known:
        target, execution = found[one.release_id], ended[one.execution_id]
        assert execution is not None
        assert execution.previous_execution_id == target.execution_id
        assert target.rolled_back_at is None or target.rolled_back_at >= one.created_at
    marked = [one for one in undone if one is not None and one.rolled_back]
    succeeded = {one.undoes_execution_id for one in known if _succeeded(ended[one.execution_id])}
    assert {one.id for one in marked} <= succeeded


def _succeeded(execution: Execution | None) -> bool:
    """Also one that was run again after it had succeeded: what it has undone stays undone."""
    return execution is not None and (execution.status == State.SUCCESS or execution.attempt > 1)
