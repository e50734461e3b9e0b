"""Executions: whatever order a run's deliveries come in, and however often, the history ends the same."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.store import executions, pipelines
from service.store.database import Database
from service.store.executions import Execution
from tests.carrying import PATIENCE, Carrier, carrying
from tests.living import push, status
from tests.schema import lay

pytestmark = pytest.mark.anyio

COMMIT = "a" * 40
STATUS = "repo:commit_status_updated"


def minute(number: int) -> datetime:
    return datetime(2026, 3, 1, 9, number, tzinfo=UTC)


def said(state: str, at: int, *, build_number: int = 7) -> tuple[str, dict[str, Any]]:
    return STATUS, status(build_number, state, COMMIT, at=minute(at).isoformat())


PUSH = ("repo:push", push("main", COMMIT))
BEGUN, FAILED, AGAIN, PASSED = (
    said("INPROGRESS", 1),
    said("FAILED", 2),
    said("INPROGRESS", 3),
    said("SUCCESSFUL", 4),
)


def end_of(execution: Execution) -> tuple[object, ...]:
    return (
        execution.status,
        execution.attempt,
        execution.started_at,
        execution.completed_at,
        execution.error_message,
        execution.bitbucket_build_number,
        execution.branch,
        execution.environment,
        execution.pushed,
    )


@pytest.fixture
async def carrier(database: Database) -> AsyncIterator[Carrier]:
    async with carrying(database) as carrier:
        yield carrier


async def carry_all(carrier: Carrier, run: Sequence[tuple[str, dict[str, Any]]]) -> Execution:
    for key, payload in run:
        await carrier.carry(key, payload)
    return await carrier.only()


@pytest.mark.parametrize(
    "run",
    [
        [PUSH, BEGUN, FAILED, AGAIN, PASSED],
        [PASSED, AGAIN, FAILED, BEGUN, PUSH],
        [BEGUN, PUSH, PASSED, FAILED, AGAIN],
        [PUSH, PUSH, AGAIN, AGAIN, FAILED, PASSED, FAILED, BEGUN, PASSED, PUSH],
    ],
    ids=["in-order", "reversed", "mixed", "repeated"],
)
async def test_a_rerun_run_ends_the_same_however_it_is_told(
    carrier: Carrier, run: list[tuple[str, dict[str, Any]]]
) -> None:
    execution = await carry_all(carrier, run)

    assert end_of(execution) == ("SUCCESS", 2, minute(3), minute(4), None, 7, "main", "production", True)


@settings(max_examples=12, deadline=None)
@given(
    run=st.permutations([PUSH, BEGUN, FAILED, AGAIN, PASSED]),
    again=st.lists(st.sampled_from([PUSH, BEGUN, FAILED, AGAIN, PASSED]), max_size=3),
)
def test_any_order_and_any_repetition_of_a_runs_deliveries_ends_in_the_same_execution(
    run: list[tuple[str, dict[str, Any]]], again: list[tuple[str, dict[str, Any]]]
) -> None:
    async def story(directory: str) -> Execution:
        url = f"sqlite+aiosqlite:///{Path(directory) / 'penstock.db'}"
        await lay(url)
        database = Database(url)
        async with carrying(database) as carrier:
            execution = await carry_all(carrier, [*run, *again])
        await database.close()
        return execution

    with tempfile.TemporaryDirectory() as directory:
        execution = asyncio.run(story(directory))

    assert end_of(execution) == ("SUCCESS", 2, minute(3), minute(4), None, 7, "main", "production", True)


async def test_a_push_before_its_status_is_joined_by_it(carrier: Carrier) -> None:
    [opened] = await carrier.carry(*PUSH)
    waiting = await carrier.only()
    [joined] = await carrier.carry(*BEGUN)

    execution = await carrier.only()
    assert (opened["verdict"], joined["verdict"]) == ("opened", "applied")
    assert opened["execution_id"] == joined["execution_id"] == execution.id
    assert (waiting.status, waiting.bitbucket_build_number) == ("PLANNED", None)
    assert (execution.status, execution.bitbucket_build_number) == ("BUILDING", 7)


async def test_a_status_before_its_push_opens_and_the_push_joins(carrier: Carrier) -> None:
    [opened] = await carrier.carry(*BEGUN)
    [joined] = await carrier.carry("repo:push", push("main", COMMIT, message="Sell more shoes\n\nAll of them"))

    execution = await carrier.only()
    assert (opened["verdict"], joined["verdict"]) == ("opened", "joined")
    assert opened["execution_id"] == joined["execution_id"] == execution.id
    assert (execution.pushed, execution.message, execution.author) == (True, "Sell more shoes", "Ada Quill")


@pytest.mark.parametrize("run", [[PUSH, BEGUN], [BEGUN, PUSH]], ids=["push-first", "status-first"])
async def test_the_push_is_among_the_deliveries_behind_its_execution(
    carrier: Carrier, run: list[tuple[str, dict[str, Any]]]
) -> None:
    stored = [(await carrier.deliver(key, payload)).id for key, payload in run]

    execution = await carrier.only()
    async with carrier.database.read() as connection:
        assert await executions.deliveries_of(connection, execution.id) == sorted(stored)


async def test_two_runs_of_one_commit_are_two_executions(carrier: Carrier) -> None:
    for key, payload in (PUSH, said("FAILED", 1, build_number=7), said("SUCCESSFUL", 2, build_number=8)):
        await carrier.carry(key, payload)

    found = await carrier.executions()
    assert [(e.bitbucket_build_number, e.status) for e in found] == [(7, "FAILED"), (8, "SUCCESS")]


async def test_each_move_is_a_transition_and_an_entry_of_the_log(carrier: Carrier) -> None:
    await carry_all(carrier, [PUSH, BEGUN, FAILED])

    assert await carrier.history() == [("PLANNED", "BUILDING", "applied"), ("BUILDING", "FAILED", "applied")]
    assert await carrier.logged() == ["execution.created", "execution.transitioned", "execution.transitioned"]


async def test_what_is_late_is_recorded_and_moves_nothing(carrier: Carrier) -> None:
    before = await carry_all(carrier, [PUSH, FAILED])
    [verdict] = await carrier.carry(*BEGUN)

    after = await carrier.only()
    assert verdict["verdict"] == "late"
    assert await carrier.history() == [("PLANNED", "FAILED", "applied"), ("FAILED", "BUILDING", "late")]
    assert (after.status, after.completed_at, after.error_message) == ("FAILED", minute(2), before.error_message)
    assert after.started_at == minute(1)  # though it does tell when the run began


async def test_a_repetition_leaves_no_trace_in_the_history(carrier: Carrier) -> None:
    await carry_all(carrier, [PUSH, BEGUN])
    logged = await carrier.logged()

    [verdict] = await carrier.carry(*BEGUN)

    assert verdict["verdict"] == "unchanged"
    assert (await carrier.history(), await carrier.logged()) == ([("PLANNED", "BUILDING", "applied")], logged)


@pytest.mark.parametrize("number", range(3))
async def test_a_replayed_delivery_moves_nothing_that_is_known(carrier: Carrier, number: int) -> None:
    run = [PUSH, BEGUN, FAILED]
    stored = [await carrier.deliver(key, payload) for key, payload in run]
    before = (end_of(await carrier.only()), await carrier.history(), await carrier.logged())

    replayed = await carrier.replay(stored[number].id)

    assert [verdict["verdict"] for verdict in replayed.verdicts] == ["unchanged"]
    assert (end_of(await carrier.only()), await carrier.history(), await carrier.logged()) == before


async def test_a_push_whose_run_never_begins_is_lost_at_its_deadline(carrier: Carrier) -> None:
    await carrier.carry(*PUSH)
    await carrier.wait(PATIENCE.expect - 1)
    meanwhile = await carrier.only()
    await carrier.wait(1)

    execution = await carrier.only()
    assert meanwhile.status == "PLANNED"
    assert (execution.status, execution.completed_at, execution.deadline_at) == ("FAILED", carrier.now, None)
    assert execution.error_message == "lost: Bitbucket began no run for it until its deadline"


async def test_a_run_that_falls_silent_is_lost_and_one_that_speaks_is_not(carrier: Carrier) -> None:
    await carry_all(carrier, [PUSH, BEGUN])
    await carrier.wait(PATIENCE.run - 60)
    await carrier.carry(*said("INPROGRESS", 2))
    await carrier.wait(60)
    speaking = await carrier.only()
    await carrier.wait(PATIENCE.run)

    silent = await carrier.only()
    assert speaking.status == "BUILDING"
    assert (silent.status, silent.error_message) == ("FAILED", "lost: nothing more was heard until its deadline")
    assert (await carrier.history())[-1] == ("BUILDING", "FAILED", "applied")


async def test_what_was_lost_and_is_heard_of_after_all_goes_on(carrier: Carrier) -> None:
    await carry_all(carrier, [PUSH, BEGUN])
    await carrier.wait(PATIENCE.run)
    lost = await carrier.only()
    late = carrier.now.replace(microsecond=0)
    await carrier.carry(STATUS, status(7, "SUCCESSFUL", COMMIT, at=late.replace(hour=23).isoformat()))

    execution = await carrier.only()
    assert lost.status == "FAILED"
    assert (execution.status, execution.attempt, execution.error_message) == ("SUCCESS", 1, None)


async def test_a_rerun_opens_the_next_attempt_and_is_waited_for_again(carrier: Carrier) -> None:
    await carry_all(carrier, [PUSH, BEGUN, FAILED])
    ended = await carrier.only()
    rerun = await carry_all(carrier, [AGAIN])
    await carrier.wait(PATIENCE.run)

    assert (ended.attempt, ended.deadline_at) == (1, None)
    assert (rerun.status, rerun.attempt, rerun.completed_at) == ("BUILDING", 2, None)
    assert (await carrier.only()).status == "FAILED"


async def test_the_pipeline_shows_its_latest_execution(carrier: Carrier) -> None:
    other = "b" * 40
    await carry_all(carrier, [PUSH, BEGUN])
    await carrier.carry("repo:push", push("main", other))
    await carrier.carry(*FAILED)  # of the first

    first, second = await carrier.executions()
    assert (first.status, second.status) == ("FAILED", "PLANNED")
    assert await _status_of(carrier) == ("PLANNED", second.id)


async def _status_of(carrier: Carrier) -> tuple[str, int | None]:
    async with carrier.database.read() as connection:
        pipeline = await pipelines.active_of(connection, carrier.repository_id)
    assert pipeline is not None
    return pipeline.status, pipeline.latest_execution_id
