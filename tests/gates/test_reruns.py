"""A rollback, and somebody at Bitbucket who runs again what it undoes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.store import executions, releases
from service.store.executions import Execution
from tests.gates.cloud import CloudRun
from tests.gates.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path, credential=True, offering=frozenset())
    await made.connect()
    yield made
    await made.close()


async def goes_on(world: World, run: CloudRun, result: str | None = None) -> None:
    """It begins, or ends, and everybody hears of it."""
    if result is None:
        world.cloud.begin(run)
    else:
        world.cloud.end(run, result)
    while world.cloud.mail:
        await world.deliver(world.cloud.mail.pop(0))
    await world.work(20)


async def deployed(world: World, commit: str) -> CloudRun:
    world.cloud.push("main", commit, runs=True)
    run = world.cloud.runs_[len(world.cloud.runs_)]
    await goes_on(world, run)
    await goes_on(world, run, "SUCCESSFUL")
    return run


async def of_run(world: World, run: CloudRun) -> Execution:
    async with world.database.read() as connection:
        found = await executions.by_build_number(connection, world.carrier.repository_id, run.number)
    assert found is not None
    return found


async def live(world: World) -> int | None:
    async with world.database.read() as connection:
        found = await releases.live_on(connection, world.carrier.pipeline_id, "production")
    return found.execution_id if found else None


async def test_what_is_run_again_while_it_is_rolled_back_is_not_rolled_back_by_that(world: World) -> None:
    await deployed(world, "a" * 40)
    bad = await deployed(world, "b" * 40)
    made = await world.roll_back("production", None)
    assert isinstance(made, Execution)
    await world.work(20)
    back = world.cloud.runs_[len(world.cloud.runs_)]
    await goes_on(world, back)
    world.cloud.rerun(bad)
    await world.deliver(world.cloud.mail.pop(0))
    await goes_on(world, back, "SUCCESSFUL")
    meanwhile = await of_run(world, bad)
    after_the_rollback = await live(world)

    await goes_on(world, bad, "SUCCESSFUL")

    again = await of_run(world, bad)
    assert (meanwhile.attempt, meanwhile.rolled_back) == (2, False)
    assert after_the_rollback == made.id
    assert (again.status, again.attempt, again.rolled_back, again.rollback_reason) == ("SUCCESS", 2, False, None)
    assert await live(world) == again.id
