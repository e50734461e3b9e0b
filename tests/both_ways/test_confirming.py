"""What the REST API says of a run and its steps decides; what a status says is a hint."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.simulator import Run, Step
from service.simulator.definition import StepDefinition
from service.workers import following
from tests.both_ways.conftest import Both

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("Build", "BUILDING"),
        ("Compile the assets", "BUILDING"),
        ("Something else", "BUILDING"),
        ("Test", "TESTING"),
        ("Lint and type-check", "TESTING"),
        ("Deploy to production", "DEPLOYING"),
        ("Publish the image", "DEPLOYING"),
    ],
)
async def test_the_step_that_runs_tells_the_stage(both: Both, step: str, status: str) -> None:
    run = await both.shop.start_run("main", steps=["Prepare", step])
    await run.advance_to(step)

    execution = await both.execution(run, status=status, confirmed=True)

    assert [one["name"] for one in execution["steps"]] == ["Prepare", step]


async def test_a_run_goes_through_its_stages_to_its_end_and_each_is_confirmed(both: Both) -> None:
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING")
    await run.advance_to("Test")
    await both.execution(run, status="TESTING")
    await run.advance_to("Deploy")
    await both.execution(run, status="DEPLOYING")
    await run.finish()

    execution = await both.execution(run, status="SUCCESS", confirmed=True)

    applied = [one["to"] for one in execution["transitions"] if one["outcome"] == "applied"]
    assert applied == ["BUILDING", "TESTING", "DEPLOYING", "SUCCESS"]
    assert execution["bitbucket_pipeline_uuid"] == run.uuid
    assert execution["reported_status"] is None
    assert execution["duration_seconds"] == pytest.approx((_end(run) - run.created_on) / timedelta(seconds=1), abs=0.01)


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ("FAILED", None, "the run failed at the step 'Test'"),
        ("STOPPED", None, "the run was stopped"),
        ("EXPIRED", None, "the run expired at the step 'Test'"),
        ("ERROR", "no runner is free", "Bitbucket could not carry the run out: no runner is free"),
    ],
)
async def test_an_end_that_is_no_success_is_failed_with_its_reason(
    both: Both, result: str, error: str | None, message: str
) -> None:
    run = await both.shop.start_run("main")
    await run.advance_to("Test")
    await run.finish(result, error=error)

    execution = await both.execution(run, status="FAILED", confirmed=True)

    assert execution["error_message"] == message


async def test_a_halted_run_has_failed_though_bitbucket_never_completes_it(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.advance_to("Test")
    await both.execution(run, status="TESTING")
    await run.halt()

    execution = await both.execution(run, status="FAILED", confirmed=True)

    assert execution["error_message"] == "the run failed and was halted at the step 'Test'"


@pytest.mark.parametrize(("state", "result"), [("COMPLETED", "EXPLODED"), ("COMPLETED", None), ("DREAMING", None)])
async def test_X38_a_word_that_nobody_knows_ends_nothing(both: Both, state: str, result: str | None) -> None:
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING", confirmed=True)
    run.state, run.result, run.stage = state, result, None
    await both.looks(run, 3)

    assert (await both.execution(run))["status"] == "BUILDING"

    run.state, run.result, run.completed_on = "COMPLETED", "SUCCESSFUL", both.bitbucket.clock.now()
    await both.execution(run, status="SUCCESS", confirmed=True)


async def test_X39_while_the_credential_is_refused_nothing_is_asked_and_nothing_fails(both: Both) -> None:
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING", confirmed=True)
    both.bitbucket.credentials.add_token("quite another token")

    async def broken() -> bool:
        return (await both.penstock.get("/api/credentials"))["items"][0]["broken"] is not None

    await both.until(broken)
    refused = [request for request in both.bitbucket.requests if request.status == 401]
    await run.finish("SUCCESSFUL")
    await both.penstock.settled()

    execution = await both.execution(run)
    assert (execution["status"], execution["reported_status"]) == ("BUILDING", "SUCCESS")
    assert len([request for request in both.bitbucket.requests if request.status == 401]) <= len(refused) + 3


async def test_a_paused_run_waits_and_says_for_what(both: Both) -> None:
    run = both.shop.queue_run("main")
    run.all_steps.append(Step(StepDefinition("Go live", manual=True)))
    await run.begin()
    await run.pause()

    waiting = await both.execution(run, waiting_on="somebody to start the step 'Go live' at Bitbucket")
    assert waiting["status"] == "BUILDING"

    await run.advance_to("Go live")
    going_on = await both.execution(run, waiting_on=None)
    assert going_on["completed_at"] is None


async def test_a_run_that_waits_for_another_deployment_says_so(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.pause()

    await both.execution(run, waiting_on="another deployment, or a manual step")


async def test_a_step_that_may_fail_does_not_fail_its_run(both: Both) -> None:
    run = await both.shop.start_run("main", steps=["Build", "Lint", "Deploy"])
    run.step("Lint").result = "FAILED"
    run.step("Lint").state = "COMPLETED"
    await run.finish("SUCCESSFUL")

    execution = await both.execution(run, status="SUCCESS", confirmed=True)

    assert [one["result"] for one in execution["steps"]] == ["SUCCESSFUL", "FAILED", "SUCCESSFUL"]
    assert execution["error_message"] is None


async def test_X34_a_rerun_is_the_next_attempt_of_the_same_execution(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.finish("FAILED")
    first = await both.execution(run, status="FAILED", confirmed=True, attempt=1)
    await run.rerun()
    again = await both.execution(run, attempt=2, status="BUILDING")
    await run.finish()

    last = await both.execution(run, status="SUCCESS", confirmed=True)

    assert (first["id"], again["id"]) == (last["id"], last["id"])
    assert (last["attempt"], last["error_message"]) == (2, None)
    assert {one["run_number"] for one in last["steps"] if one["name"].startswith("Build")} == {1, 2}


@pytest.mark.parametrize("state", ["SUCCESSFUL", "FAILED", "STOPPED"])
async def test_a_forged_status_ends_nothing(both: Both, state: str) -> None:
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING", confirmed=True)
    await _forge(both, run, state)

    await both.penstock.settled()
    await both.looks(run, 3)  # whatever the service asks Bitbucket, the answer is that it goes on
    execution = await both.execution(run)
    assert execution["status"] == "BUILDING"
    assert execution["reported_status"] == ("SUCCESS" if state == "SUCCESSFUL" else "FAILED")


async def test_a_forged_status_reopens_nothing(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.finish("FAILED")
    await both.execution(run, status="FAILED", confirmed=True)
    before = both.asked("GET", f"{run.uuid}/steps")
    await _forge(both, run, "INPROGRESS")

    await both.penstock.settled()
    await both.looks(run, 1, since=before)
    execution = await both.execution(run)
    assert (execution["status"], execution["attempt"], execution["confirmed"]) == ("FAILED", 1, True)
    assert execution["reported_status"] == "BUILDING"


async def test_a_status_that_names_a_run_of_another_commit_keeps_the_real_one_from_nothing(both: Both) -> None:
    """Build numbers are easily guessed: the next one is one higher."""
    forged = both.shop.head("main")
    real = await both.shop.push("main", {"a.txt": "1"}, message="A")
    both.bitbucket.delivery_faults.drop(1, events="repo:commit_status_*")
    run = await both.shop.start_run("main")
    url = f"https://bitbucket.org/acme/till/addon/pipelines/home#!/results/{run.build_number}"
    await both.shop.set_status(forged, "forged", "SUCCESSFUL", name="Pipeline", url=url, refname="main")

    execution = await both.execution(run, confirmed=True, status="BUILDING")
    assert execution["bitbucket_commit_hash"] == real.hash

    [other] = [one for one in await both.executions() if one["bitbucket_commit_hash"] == forged.hash]
    assert other["bitbucket_build_number"] is None
    assert other["status"] == "FAILED"
    assert other["error_message"] == f"lost: run #{run.build_number}, which a status named, is of another commit"


async def test_X44_an_answer_about_another_commit_is_not_taken_for_one(both: Both) -> None:
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING", confirmed=True)
    right = run.target
    await both.shop.push("main", {"a.txt": "1"})
    run.target = type(right)(both.shop.head("main"), ref_type="branch", ref_name="main")
    run.end("SUCCESSFUL")
    await both.looks(run, 2)

    assert (await both.execution(run))["status"] == "BUILDING"

    run.target = right
    await both.execution(run, status="SUCCESS", confirmed=True)


async def test_X34_a_run_that_bitbucket_does_not_know_twice_is_lost(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GONE", 0.2)
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING", confirmed=True)
    both.shop.runs.remove(run)

    execution = await both.execution(run, status="FAILED", confirmed=True)

    assert execution["error_message"] == "lost: Bitbucket does not know this run"


async def test_X34_a_run_that_is_unknown_once_is_not_lost(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "GONE", 0.2)
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING", confirmed=True)
    both.bitbucket.route_faults.answer("GET", r"/pipelines/[^/]+$", 500, times=3)
    both.bitbucket.route_faults.answer("GET", r"/pipelines/[^/]+$", 404, times=1)
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.1)
    await both.until(lambda: _drained(both))
    await run.advance_to("Test")

    execution = await both.execution(run, status="TESTING")

    assert [one["to"] for one in execution["transitions"] if one["outcome"] == "applied"] == ["BUILDING", "TESTING"]


async def _forge(both: Both, run: Run, state: str) -> None:
    """What anybody who can read the repository can post."""
    await both.shop.set_status(run.target.commit, "forged", state, name="Pipeline", url=run.url, refname="main")


async def _drained(both: Both) -> bool:
    return both.bitbucket.route_faults.take("none", "") is None and not both.bitbucket.route_faults._faults


def _end(run: Run) -> Any:
    assert run.completed_on is not None
    return run.completed_on
