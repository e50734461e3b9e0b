"""A busy environment: what becomes of a trigger while something deploys there."""

from __future__ import annotations

from typing import Any

import pytest

from service.simulator import Run
from tests.both_ways.conftest import Both

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def when_busy(both: Both, word: str, **more: Any) -> None:
    path = f"/api/pipelines/{both.pipeline_id}/environments/production"
    answer = await both.penstock.client.put(path, json={"when_busy": word, **more})
    assert answer.status_code == 200, answer.text


async def triggered(both: Both, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await both.post(f"/api/pipelines/{both.pipeline_id}/trigger", {"branch": "main", **body})
    return answer.status_code, answer.json()


async def begun(both: Both, number: int) -> Run:
    """The run with that build number, in progress."""

    async def look() -> Run | None:
        return next((run for run in both.shop.runs if run.build_number == number), None)

    run = await both.until(look)
    await run.begin()
    return run


@pytest.fixture
async def deploying(both: Both) -> tuple[Run, dict[str, Any]]:
    """A run that Bitbucket has started by itself, and its execution."""
    run = await both.shop.start_run("main", trigger="PUSH")
    return run, await both.execution(run, status="BUILDING")


# What is asked while a run deploys → (the answer, what it waits for, whether the run is stopped).
SITUATIONS = {
    "reject": (409, None, False),
    "queue": (202, "turn", False),
    "supersede": (202, "turn", True),
}


@pytest.mark.parametrize(("word", "expected"), SITUATIONS.items())
async def test_a_trigger_while_something_deploys(
    both: Both, deploying: tuple[Run, dict[str, Any]], word: str, expected: tuple[int, str | None, bool]
) -> None:
    run, first = deploying
    status, waits, stopped = expected
    await when_busy(both, word)

    answered, second = await triggered(both)

    assert answered == status
    if waits is None:
        assert len(await both.executions()) == 1
        return
    assert (second["status"], second["waiting_on"]) == (
        "PLANNED",
        f"execution {first['id']}, which deploys to production",
    )
    if stopped:
        await both.execution(run, status="FAILED", error_message="the run was stopped")
    else:
        await run.finish()
        await both.execution(run, status="SUCCESS")
    mine = await begun(both, 2)
    assert (await both.execution(mine, status="BUILDING"))["id"] == second["id"]
    await mine.finish()
    await both.execution(mine, status="SUCCESS", waiting_on=None)


@pytest.mark.parametrize("word", SITUATIONS)
async def test_a_free_environment_lets_everybody_in(both: Both, word: str) -> None:
    await when_busy(both, word)

    assert (await triggered(both))[0] == 202


async def test_the_refusal_names_the_holder_since_when_and_what_can_be_done(
    both: Both, deploying: tuple[Run, dict[str, Any]]
) -> None:
    run, first = deploying

    status, problem = await triggered(both)

    assert status == 409
    assert problem["detail"] == f"production is busy: execution {first['id']} deploys to it"
    assert problem["holder"] == {
        "execution_id": first["id"],
        "status": "BUILDING",
        "trigger_type": "webhook",
        "branch": "main",
        "commit": run.target.commit.hash,
        "author": None,
    }
    assert problem["since"] < problem["deadline_at"]
    assert [option.split(":")[0] for option in problem["options"]] == [
        f"wait until execution {first['id']} has ended, and ask again",
        "stop it",
        "set `when_busy` of production to `queue` or `supersede`",
    ]


async def test_those_in_the_queue_go_one_after_the_other(both: Both, deploying: tuple[Run, dict[str, Any]]) -> None:
    run, _ = deploying
    await when_busy(both, "queue")
    queued = [(await triggered(both))[1]["id"] for _ in range(3)]
    await run.finish()

    order = []
    for number in (2, 3, 4):
        one = await begun(both, number)
        order.append((await both.execution(one, status="BUILDING"))["id"])
        await one.finish()

    assert order == queued
    assert len(both.shop.runs) == 4


async def test_of_many_that_supersede_each_other_the_last_one_runs(
    both: Both, deploying: tuple[Run, dict[str, Any]]
) -> None:
    await when_busy(both, "supersede")
    second, third = (await triggered(both))[1], (await triggered(both))[1]

    mine = await begun(both, 2)

    assert (await both.execution(mine, status="BUILDING"))["id"] == third["id"]
    ended = await both.execution(second["id"], status="FAILED")
    assert ended["error_message"] == f"stopped by execution {third['id']}, which supersedes it"
    assert ended["waiting_on"] is None
    assert len(both.shop.runs) == 2


async def test_what_is_stopped_in_the_queue_never_begins(both: Both, deploying: tuple[Run, dict[str, Any]]) -> None:
    run, _ = deploying
    await when_busy(both, "queue")
    second, third = (await triggered(both))[1], (await triggered(both))[1]
    assert (await both.post(f"/api/executions/{second['id']}/stop")).status_code == 202
    await run.finish()

    mine = await begun(both, 2)

    assert (await both.execution(mine))["id"] == third["id"]


async def test_variables_of_a_run_that_waited_reach_it(both: Both, deploying: tuple[Run, dict[str, Any]]) -> None:
    run, _ = deploying
    await when_busy(both, "queue")
    secret = [{"key": "PASSWORD", "value": "a-secret-of-this-run", "secured": True}]
    status, _ = await triggered(both, variables=secret)
    await run.finish()

    mine = await begun(both, 2)

    assert status == 202
    assert ("PASSWORD", "a-secret-of-this-run", True) in [(one.key, one.value, one.secured) for one in mine.variables]


async def test_a_run_that_bitbucket_starts_meanwhile_shows_whom_it_waits_for(
    both: Both, deploying: tuple[Run, dict[str, Any]]
) -> None:
    run, first = deploying
    second = await both.shop.start_run("main", trigger="PUSH")

    shown = await both.execution(second, status="BUILDING", confirmed=True)
    await both.looks(second, 2)
    still = await both.execution(second)
    await run.finish()

    assert shown["waiting_on"] == still["waiting_on"] == f"execution {first['id']}, which deploys to production"
    await both.execution(second, waiting_on=None)


async def test_a_run_on_a_branch_that_deploys_nowhere_waits_for_nobody(
    both: Both, deploying: tuple[Run, dict[str, Any]]
) -> None:
    await both.shop.create_branch("feature")

    status, execution = await triggered(both, branch="feature")

    assert (status, execution["waiting_on"]) == (202, None)
