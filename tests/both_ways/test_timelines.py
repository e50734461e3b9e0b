"""What a run's trace says of its steps refines when they are shown to have run, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.simulator import Run
from service.simulator.payloads import span
from tests.both_ways.conftest import Both

pytestmark = pytest.mark.anyio

EXACT = timedelta(milliseconds=250)

SPANS = "pipeline:span_created"
OTHERS = ("repo:push", "repo:commit_status_created", "repo:commit_status_updated")


def exact(run: Run, by: timedelta = EXACT) -> dict[str, Any]:
    """The trace of a run whose steps began and ended so much later than the API says."""
    trace: dict[str, Any] = deepcopy(dict(span(run)))
    for one in trace["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        if one["name"] == "bbc.step":
            one["startTimeUnixNano"] = str(int(one["startTimeUnixNano"]) + round(by.total_seconds() * 10**9))
            one["endTimeUnixNano"] = str(int(one["endTimeUnixNano"]) + round(by.total_seconds() * 10**9))
    return trace


async def deliver(both: Both, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What became of it."""
    [hook] = both.shop.hooks
    hook.events = (SPANS,)
    await both.shop.announce(SPANS, dict(payload))
    hook.events = OTHERS
    await both.penstock.settled()
    newest = (await both.penstock.get("/api/deliveries", limit=1))["items"][0]
    verdicts: list[dict[str, Any]] = (await both.penstock.get(f"/api/deliveries/{newest['id']}"))["verdicts"]
    return verdicts


def times(execution: Mapping[str, Any]) -> dict[tuple[str, int], tuple[datetime, datetime]]:
    return {
        (one["name"], one["run_number"]): (
            datetime.fromisoformat(one["started_at"]),
            datetime.fromisoformat(one["completed_at"]),
        )
        for one in execution["steps"]
    }


def told(run: Run, by: timedelta = timedelta(0)) -> dict[tuple[str, int], tuple[datetime, datetime]]:
    return {
        (step.name, step.run_number): (step.started_on + by, step.completed_on + by)
        for step in run.all_steps
        if step.started_on and step.completed_on
    }


@pytest.fixture
def silent(both: Both) -> Both:
    """Bitbucket sends no traces by itself."""
    [hook] = both.shop.hooks
    hook.events = OTHERS
    return both


async def test_the_trace_of_a_run_that_has_ended_says_exactly_when_its_steps_ran(silent: Both) -> None:
    run = await silent.shop.start_run("main", steps=["Build", "Test"])
    await run.advance_to("Test")
    await run.finish()
    before = await silent.execution(run, status="SUCCESS", confirmed=True)

    verdicts = [await deliver(silent, exact(run)) for _ in range(2)]

    after = await silent.execution(run)
    assert times(before) == told(run)
    assert times(after) == told(run, EXACT)
    assert {**after, "steps": None, "deliveries": None} == {**before, "steps": None, "deliveries": None}
    assert [[one["verdict"] for one in told] for told in verdicts] == [["unchanged", "applied"], ["unchanged"] * 2]


async def test_a_trace_that_comes_before_the_end_is_known_moves_nothing_and_counts_from_then_on(silent: Both) -> None:
    run = await silent.shop.start_run("main", steps=["Build"])
    await silent.execution(run, status="BUILDING", confirmed=True)
    silent.bitbucket.route_faults.answer("GET", "/pipelines", 503, times=None)
    run.end("FAILED")
    await deliver(silent, exact(run))

    early = await silent.execution(run)
    silent.bitbucket.route_faults.clear()
    after = await silent.execution(run, status="FAILED", confirmed=True)

    assert (early["status"], early["completed_at"]) == ("BUILDING", None)
    assert [one["completed_at"] for one in early["steps"]] == [None]
    assert times(after) == told(run, EXACT)


async def test_each_run_of_a_step_has_times_of_its_own_whichever_trace_comes_first(silent: Both) -> None:
    run = await silent.shop.start_run("main", steps=["Build"])
    await run.finish("FAILED")
    await silent.execution(run, status="FAILED", confirmed=True)
    first, wanted = exact(run), told(run, EXACT)
    await run.rerun()
    await run.finish()
    await silent.execution(run, status="SUCCESS", confirmed=True)
    await deliver(silent, exact(run))
    await deliver(silent, first)

    after = await silent.execution(run)

    again = {("Build (2)", 2): told(run, EXACT)["Build", 2]}
    assert times(after) == wanted | again


async def test_the_trace_of_an_unknown_run_is_ignored(silent: Both) -> None:
    run = await silent.shop.start_run("main", steps=["Build"])
    await run.finish()
    await silent.execution(run, status="SUCCESS", confirmed=True)
    trace = exact(run)
    text = msgspec.json.encode(trace).decode().replace(run.uuid, "{11111111-2222-4333-8444-555555555555}")

    [_, verdict] = await deliver(silent, msgspec.json.decode(text))

    assert verdict["verdict"] == "ignored"
    assert times(await silent.execution(run)) == told(run)
