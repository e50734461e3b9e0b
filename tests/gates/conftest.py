"""The gates of one environment, production, beside the doors: the carrier, and what a test asks of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from service import occupancy
from service.events import Source, Trigger
from service.history import Opening, observe, open_execution
from service.machine import Observation
from service.occupancy import Holder
from service.store import environments, executions, starts
from service.store.database import Database
from service.store.executions import Execution
from service.store.pipelines import Environment
from service.workers.tasks import TaskWorker
from service.workers.unlocking import end_overdue_lock
from tests.carrying import PATIENCE, Carrier, carrying


class Gate:
    """What is done to production, each in a transaction of its own."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.recorder = carrier.recorder
        self.runs = 0

    async def environment(self) -> Environment:
        async with self.recorder.database.read() as connection:
            found = await environments.named(connection, self.carrier.pipeline_id, "production")
        assert found is not None
        return found

    async def open(self, **more: Any) -> Execution:
        """A run that Bitbucket has started."""
        self.runs += 1
        run = {"environment": "production", "branch": "main", "commit": "a" * 40, "build_number": self.runs}
        opening: dict[str, Any] = {**run, **more}
        opening |= {"pipeline_id": self.carrier.pipeline_id, "repository_id": self.carrier.repository_id}
        async with self.recorder.record() as record:
            return await open_execution(record, Opening(**opening), PATIENCE)

    async def waits(self, **more: Any) -> Execution:
        """An execution that Penstock starts when its turn has come."""
        execution = await self.open(trigger_type="manual", waits_for="turn", build_number=None, **more)
        async with self.recorder.record() as record:
            await starts.add(record.connection, execution.id, b"sealed", expect_seconds=60.0, now=record.now)
        return execution

    async def sees(self, execution: Execution, trigger: Trigger) -> Execution:
        """Bitbucket's API says so of it, now."""
        self.carrier.now += timedelta(seconds=1)
        seen = Observation(trigger=trigger, source=Source.API, at=self.carrier.now, confirmed=True)
        async with self.recorder.record() as record:
            return (await observe(record, execution, seen, PATIENCE))[1]

    async def kept(self, execution: Execution) -> None:
        """It fails, and its lock is kept for the rollback that is to follow."""
        async with self.recorder.record() as record:
            await occupancy.keep(record, execution.id)
            seen = Observation(trigger=Trigger.FAIL, source=Source.API, at=record.now, confirmed=True)
            await observe(record, execution, seen, PATIENCE)

    async def holder(self) -> int | None:
        found = await self._holder()
        return found.execution_id if found else None

    async def _holder(self) -> Holder | None:
        async with self.recorder.record() as record:
            return await occupancy.holder_of(record, await self.environment_in(record))

    async def environment_in(self, record: Any) -> Environment:
        found = await environments.named(record.connection, self.carrier.pipeline_id, "production")
        assert found is not None
        return found

    async def again(self, execution: Execution) -> Execution:
        """As it is by now."""
        async with self.recorder.database.read() as connection:
            found = await executions.by_id(connection, execution.id)
        assert found is not None
        return found

    async def wait(self, seconds: float) -> None:
        """Time passes, and both those who watch deadlines and those who watch locks look."""
        await self.carrier.wait(seconds)
        while await TaskWorker(self.recorder, {"unlock": end_overdue_lock}).do_next():
            pass


@pytest.fixture
async def gate(database: Database) -> AsyncIterator[Gate]:
    async with carrying(database) as carrier:
        yield Gate(carrier)
