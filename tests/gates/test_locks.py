"""The lock: one deployment at a time, and nobody waits for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from service import occupancy
from service.events import Trigger
from service.occupancy import GRACE, KEPT
from service.store import executions, work
from service.store.executions import Execution
from tests.carrying import PATIENCE
from tests.gates.conftest import Gate
from tests.gates.world import PATIENCE as PATIENCE_OF_THE_WORLD
from tests.gates.world import World
from tests.living import push

pytestmark = pytest.mark.anyio


async def test_what_is_opened_takes_the_free_environment_and_leaves_it_at_its_end(gate: Gate) -> None:
    execution = await gate.open()
    during = await gate.holder()
    await gate.sees(execution, Trigger.SUCCEED)

    assert (during, await gate.holder()) == (execution.id, None)


async def test_of_two_the_second_shows_whom_it_waits_for_until_its_turn(gate: Gate) -> None:
    first, second = await gate.open(), await gate.open(commit="b" * 40)
    while_first = (await gate.holder(), (await gate.again(second)).waiting_on)
    await gate.sees(first, Trigger.FAIL)

    assert while_first == (first.id, f"execution {first.id}, which deploys to production")
    assert (await gate.holder(), (await gate.again(second)).waiting_on) == (second.id, None)


async def test_an_execution_that_deploys_nowhere_locks_nothing(gate: Gate) -> None:
    await gate.open(environment=None, branch="feature")

    assert await gate.holder() is None


async def test_a_push_that_may_start_no_run_keeps_nobody_waiting(gate: Gate) -> None:
    [expected] = await gate.carrier.carry("repo:push", push("main", "d" * 40))
    before = await gate.holder()
    execution = await gate.open()

    assert (expected["verdict"], before, await gate.holder()) == ("opened", None, execution.id)


async def test_to_take_answers_who_holds_it(gate: Gate) -> None:
    first, second = await gate.open(), await gate.open()
    async with gate.recorder.record() as record:
        environment = await gate.environment_in(record)
        again = await occupancy.take(record, environment, first.id)
        refused = await occupancy.take(record, environment, second.id)

    assert again is None
    assert refused is not None
    assert (refused.execution_id, refused.since) == (first.id, gate.carrier.now)


@pytest.mark.parametrize("end", [Trigger.SUCCEED, Trigger.FAIL, Trigger.STOP])
async def test_those_in_line_begin_one_after_the_other(gate: Gate, end: Trigger) -> None:
    first, second, third = await gate.open(), await gate.waits(commit="b" * 40), await gate.waits(commit="c" * 40)
    order = [await gate.holder()]
    for execution in (first, second, third):
        await gate.sees(execution, end)
        order.append(await gate.holder())

    assert order == [first.id, second.id, third.id, None]
    async with gate.recorder.database.read() as connection:
        started = await work.payload_of(connection, "start", str(second.id))
    assert started == {"execution_id": second.id, "wish": b"sealed".hex()}


async def test_what_waits_for_its_turn_has_no_work_before_it_comes(gate: Gate) -> None:
    await gate.open()
    second = await gate.waits()

    async with gate.recorder.database.read() as connection:
        assert await work.payload_of(connection, "start", str(second.id)) is None


async def test_what_bitbucket_runs_already_goes_before_what_is_not_started(gate: Gate) -> None:
    first, queued, pushed = await gate.open(), await gate.waits(), await gate.open(commit="b" * 40)
    await gate.sees(first, Trigger.SUCCEED)

    assert await gate.holder() == pushed.id
    assert (await gate.again(queued)).waiting_on == f"execution {pushed.id}, which deploys to production"


async def test_a_run_that_was_waiting_here_is_not_taken_for_one_that_bitbucket_starts(gate: Gate) -> None:
    await gate.open(branch="main", commit="b" * 40)
    waiting = await gate.waits(commit="d" * 40)
    [verdict] = await gate.carrier.carry("repo:push", push("main", "d" * 40))

    assert verdict["verdict"] == "opened"
    assert verdict["execution_id"] != waiting.id


async def test_a_silent_holder_is_lost_and_the_next_one_begins(gate: Gate) -> None:
    first, second = await gate.open(), await gate.waits()
    await gate.wait(PATIENCE.expect - 1)
    before = await gate.holder()
    await gate.wait(2)

    assert before == first.id

    assert (await gate.again(first)).status == "FAILED"
    assert await gate.holder() == second.id


async def test_an_expired_lock_is_taken_over(gate: Gate) -> None:
    await gate.open()
    gate.carrier.now += timedelta(seconds=PATIENCE.expect + GRACE + 1)  # nobody has looked at the deadlines
    second = await gate.open(commit="b" * 40)

    assert await gate.holder() == second.id


async def test_a_rerun_takes_the_lock_once_more(gate: Gate) -> None:
    first = await gate.open()
    await gate.sees(first, Trigger.FAIL)
    free = await gate.holder()
    await gate.sees(first, Trigger.START)

    assert (free, await gate.holder()) == (None, first.id)


async def test_a_lock_is_passed_on_with_nobody_in_between(gate: Gate) -> None:
    failed, queued = await gate.open(), await gate.waits()
    await gate.kept(failed)
    kept = await gate.holder()
    rollback = await gate.open(trigger_type="rollback", commit="9" * 40)
    async with gate.recorder.record() as record:
        passed = await occupancy.pass_on(
            record, await gate.environment_in(record), from_execution=failed.id, to_execution=rollback.id
        )

    assert (kept, passed, await gate.holder()) == (failed.id, True, rollback.id)
    assert (await gate.again(rollback)).waiting_on is None
    await gate.sees(rollback, Trigger.SUCCEED)
    assert await gate.holder() == queued.id


async def test_a_lock_that_somebody_else_holds_is_not_passed_on(gate: Gate) -> None:
    first, second, third = await gate.open(), await gate.open(), await gate.open()
    async with gate.recorder.record() as record:
        environment = await gate.environment_in(record)
        passed = await occupancy.pass_on(record, environment, from_execution=second.id, to_execution=third.id)

    assert (passed, await gate.holder()) == (False, first.id)


async def test_a_lock_kept_for_a_rollback_that_does_not_come_is_left(gate: Gate) -> None:
    failed, queued = await gate.open(), await gate.waits()
    await gate.kept(failed)
    await gate.wait(KEPT + GRACE)

    assert await gate.holder() == queued.id


async def test_whoever_decides_against_a_rollback_leaves_the_kept_lock(gate: Gate) -> None:
    failed, queued = await gate.open(), await gate.waits()
    await gate.kept(failed)
    async with gate.recorder.record() as record:
        await occupancy.leave(record, failed.id)

    assert await gate.holder() == queued.id


async def test_the_lock_of_one_that_runs_is_not_left_by_mistake(gate: Gate) -> None:
    running = await gate.open()
    async with gate.recorder.record() as record:
        await occupancy.leave(record, running.id)

    assert await gate.holder() == running.id


async def test_what_has_lost_its_lock_before_anybody_started_it_is_not_started_any_more(tmp_path: Path) -> None:
    world = World(tmp_path, credential=True, offering=frozenset())
    await world.connect()
    first = await world.trigger("production", "a" * 40)
    world.carrier.now += timedelta(seconds=PATIENCE_OF_THE_WORLD.expect + GRACE + 1)  # no worker was there
    second = await world.trigger("production", "b" * 40)
    assert isinstance(first, Execution)
    assert isinstance(second, Execution)
    await world.work(20)

    assert [run.for_execution for run in world.cloud.runs_.values()] == [second.id]
    async with world.database.read() as connection:
        ended = await executions.by_id(connection, first.id)
    assert ended is not None
    assert (ended.status, ended.error_message) == (
        "FAILED",
        f"not started: its turn has passed, execution {second.id} deploys to production",
    )
    await world.close()
