"""A run is announced when it begins and when it has ended; nothing is said in between."""

from __future__ import annotations

from typing import Any

import pytest

from service.simulator import Actor, Clock, NotPossible, Plan, PlannedStep, Repository, Run, Simulator, uneventful
from service.simulator.plan import play
from service.simulator.statuses import pipelines_key
from tests.simulator.conftest import Receiver

pytestmark = pytest.mark.anyio

STATUS = "repo:commit_status_created"
STATUS_AGAIN = "repo:commit_status_updated"
SPAN = "pipeline:span_created"


def states(run: Run) -> list[tuple[str, str, str | None]]:
    return [(step.name, step.state, step.result) for step in run.steps]


def told_states(receiver: Receiver) -> list[str]:
    return [one.payload["commit_status"]["state"] for one in receiver.received if "commit_status" in one.payload]


async def test_the_story_of_a_run_that_succeeds(shop: Repository, receiver: Receiver) -> None:
    run = await shop.start_run("main")
    await run.advance_to("Test")
    await run.advance_to("Deploy")
    await run.step("Deploy").write("+ ./deploy.sh\n")
    await run.finish()

    assert receiver.event_keys == [STATUS, STATUS_AGAIN, SPAN]
    assert told_states(receiver) == ["INPROGRESS", "SUCCESSFUL"]
    assert states(run) == [(name, "COMPLETED", "SUCCESSFUL") for name in ("Build", "Test", "Deploy")]


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("SUCCESSFUL", "SUCCESSFUL"),
        ("FAILED", "FAILED"),
        ("ERROR", "FAILED"),
        ("EXPIRED", "FAILED"),
        ("STOPPED", "STOPPED"),
    ],
)
async def test_each_result_has_its_word_in_the_commit_status(
    shop: Repository, receiver: Receiver, result: str, told: str
) -> None:
    run = await shop.start_run("main")
    await run.finish(result)

    assert (run.result, told_states(receiver)) == (result, ["INPROGRESS", told])


async def test_steps_behind_a_failed_one_are_not_run(shop: Repository) -> None:
    run = await shop.start_run("main")
    await run.advance_to("Test")
    await run.finish("FAILED")

    assert states(run) == [
        ("Build", "COMPLETED", "SUCCESSFUL"),
        ("Test", "COMPLETED", "FAILED"),
        ("Deploy", "COMPLETED", "NOT_RUN"),
    ]


async def test_a_queued_run_has_no_steps_and_is_not_announced(shop: Repository, receiver: Receiver) -> None:
    run = shop.queue_run("main")
    before = (run.state, run.steps)
    await run.parsed()
    pending = (run.state, run.steps, receiver.received)

    assert (before, pending) == (("PARSING", []), ("PENDING", [], []))
    await run.begin()
    assert told_states(receiver) == ["INPROGRESS"]


async def test_the_status_is_named_after_the_run_and_keyed_by_the_ref(shop: Repository, receiver: Receiver) -> None:
    await shop.start_run("main")

    status = receiver.received[0].payload["commit_status"]
    assert {key: status[key] for key in ("key", "name", "refname", "url", "type", "description")} == {
        "key": "3343801",
        "name": "Pipeline #1 for main",
        "refname": "main",
        "url": "https://bitbucket.org/acme/shop/addon/pipelines/home#!/results/1",
        "type": "build",
        "description": "",
    }


async def test_the_status_can_carry_the_newer_form_of_the_url(shop: Repository, receiver: Receiver) -> None:
    shop.new_style_urls = True
    await shop.start_run("main")

    url = receiver.received[0].payload["commit_status"]["url"]
    assert url == "https://bitbucket.org/acme/shop/pipelines/results/1"


# The last is outside the basic plane: two UTF-16 units, 31 * 0xD83D + 0xDE80.
@pytest.mark.parametrize(
    ("ref", "key"), [("main", "3343801"), ("", "0"), ("a", "97"), ("master", "-1081267614"), ("\U0001f680", "1773027")]
)
def test_the_key_is_javas_hash_of_the_ref(ref: str, key: str) -> None:
    assert pipelines_key(ref) == key


async def test_two_runs_on_one_commit_and_ref_share_a_status(shop: Repository, receiver: Receiver) -> None:
    first = await shop.start_run("main")
    await first.finish("SUCCESSFUL")
    second = await shop.start_run("main")

    assert [one.event_key for one in receiver.received if one.event_key != SPAN] == [STATUS, STATUS_AGAIN, STATUS_AGAIN]
    assert told_states(receiver) == ["INPROGRESS", "SUCCESSFUL", "INPROGRESS"]
    assert receiver.received[-1].payload["commit_status"]["name"] == f"Pipeline #{second.build_number} for main"
    assert len(shop.statuses) == 1


async def test_a_pause_and_a_halt_are_not_announced(shop: Repository, receiver: Receiver) -> None:
    paused, halted = await shop.start_run("main"), await shop.start_run("main")
    said = len(receiver.received)
    await paused.pause()
    await halted.halt()

    assert len(receiver.received) == said
    assert (paused.state, paused.stage, paused.completed_on) == ("IN_PROGRESS", "PAUSED", None)
    assert (halted.state, halted.stage, halted.completed_on) == ("IN_PROGRESS", "HALTED", None)


async def test_a_paused_run_goes_on(shop: Repository) -> None:
    run = await shop.start_run("main")
    await run.pause()
    await run.advance_to("Deploy")

    assert (run.stage, run.current) == ("RUNNING", run.step("Deploy"))


async def test_a_rerun_keeps_the_build_number_and_what_succeeded(shop: Repository, receiver: Receiver) -> None:
    run = await shop.start_run("main")
    await run.advance_to("Deploy")
    await run.finish("FAILED")
    await run.rerun()

    assert (run.build_number, run.run_number, run.state, run.completed_on) == (1, 2, "IN_PROGRESS", None)
    assert states(run)[1:] == [("Test", "COMPLETED", "SUCCESSFUL"), ("Deploy", "IN_PROGRESS", None)]
    assert told_states(receiver) == ["INPROGRESS", "FAILED", "INPROGRESS"]


async def test_what_cannot_happen_is_refused(shop: Repository) -> None:
    run = await shop.start_run("main")
    with pytest.raises(NotPossible, match="only a run that has ended"):
        await run.rerun()
    await run.advance_to("Test")
    with pytest.raises(NotPossible, match="'Build' of run #1 has ended"):
        await run.advance_to("Build")
    await run.finish()

    for impossible in (
        run.pause(),
        run.halt(),
        run.begin(),
        run.finish("FAILED"),
        run.advance_to("Test"),
        run.write("x"),
    ):
        with pytest.raises(NotPossible, match="run #1"):
            await impossible
    with pytest.raises(ValueError, match="'GREEN' is not a result"):
        await run.finish("GREEN")
    with pytest.raises(KeyError, match="it has"):
        run.step("Nonsense")


async def test_a_deployment_follows_its_step(shop: Repository) -> None:
    run = await shop.start_run("main")
    before = list(shop.deployments)
    await run.advance_to("Deploy")
    (deployment,) = shop.deployments
    await run.finish("FAILED")

    assert before == []
    assert (deployment.environment.name, deployment.environment.kind) == ("Production", "Production")
    assert (deployment.run, deployment.step.result) == (run, "FAILED")


async def test_a_span_tells_complete_whatever_the_result(shop: Repository, receiver: Receiver) -> None:
    run = await shop.start_run("main")
    await run.finish("FAILED")

    told = receiver.received[-1].payload
    attributes = told["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    facts: dict[str, Any] = {one["key"]: one["value"]["stringValue"] for one in attributes}
    assert told.keys() == {"resourceSpans"}
    assert (facts["pipeline.state.result.name"], facts["pipeline.uuid"]) == ("COMPLETE", run.uuid)
    assert facts["pipeline.repository.uuid"] == shop.uuid


async def test_a_plan_plays_itself(receiver: Receiver) -> None:
    async with Simulator.running(clock=Clock(speed=1_000_000)) as bitbucket:
        shop = bitbucket.repository("acme/shop")
        shop.hook(receiver.url)
        build = PlannedStep("Build", seconds=60, log=("npm ci", "added 3 packages"))
        deploy = PlannedStep("Deploy", seconds=60, deployment="production", outcome="FAILED", log=("no space left",))
        run = await shop.start_run("main", plan=Plan((build, deploy, PlannedStep("Celebrate"))))
        await bitbucket.settled()

    assert [(step.name, step.result) for step in run.steps] == [
        ("Build", "SUCCESSFUL"),
        ("Deploy", "FAILED"),
        ("Celebrate", "NOT_RUN"),
    ]
    assert run.step("Build").log == b"npm ci\nadded 3 packages\n"
    assert told_states(receiver) == ["INPROGRESS", "FAILED"]


async def test_a_plan_waits_at_a_manual_step_and_a_rerun_plays_what_is_left() -> None:
    async with Simulator.running(clock=Clock(speed=1_000_000)) as bitbucket:
        shop = bitbucket.repository("acme/shop", runs_on_push=True)
        shop.plays = lambda run: uneventful(run, fails_at="Build")
        steps = "[{step: {name: Build, script: [make]}}, {step: {name: Deploy, trigger: manual, script: [ship]}}]"
        await shop.push("main", {"bitbucket-pipelines.yml": f"pipelines: {{default: {steps}}}"})
        await bitbucket.settled()
        run = shop.latest_run
        first = (run.result, run.run_number)
        await run.rerun()
        await play(run, uneventful(run))

    assert (first, run.run_number, run.stage) == (("FAILED", 1), 2, "PAUSED")
    assert [(step.name, step.state) for step in run.steps] == [("Build", "COMPLETED"), ("Deploy", "PENDING")]


async def test_a_run_that_is_stopped_leaves_its_plan(receiver: Receiver) -> None:
    async with Simulator.running(clock=Clock(speed=100)) as bitbucket:
        shop = bitbucket.repository("acme/shop")
        run = await shop.start_run(plan=Plan((PlannedStep("Build", 5), PlannedStep("Deploy", 5))))
        kim = Actor("Kim")
        await run.stop(kim)
        await bitbucket.settled()

    assert (run.result, run.terminator) == ("STOPPED", kim)
    assert [step.result for step in run.steps] == ["STOPPED", "NOT_RUN"]


async def test_whatever_a_push_starts_can_be_played(receiver: Receiver) -> None:
    async with Simulator.running(clock=Clock(speed=1_000_000)) as bitbucket:
        shop = bitbucket.repository("acme/shop", runs_on_push=True)
        shop.hook(receiver.url)
        shop.plays = lambda run: uneventful(run, fails_at="Deploy")
        steps = "[{step: {name: Build, script: [make]}}, {step: {name: Deploy, script: [ship]}}]"
        await shop.push("main", {"bitbucket-pipelines.yml": f"pipelines: {{default: {steps}}}"})
        await bitbucket.settled()

    assert shop.latest_run.step("Build").log == b"+ make\n"
    assert shop.latest_run.result == "FAILED"
