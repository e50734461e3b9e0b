"""A held environment: its commit does not come back by itself, a newer one does."""

from __future__ import annotations

from typing import Any

import pytest

from service import holding
from service.simulator import Run
from service.store import environments
from tests.both_ways.conftest import Both

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def hold(both: Both, execution: dict[str, Any]) -> None:
    """As a rollback leaves it."""
    async with both.penstock.house.recorder.record() as record:
        environment = await environments.named(record.connection, both.pipeline_id, "production")
        assert environment is not None
        commit = execution["bitbucket_commit_hash"]
        await holding.hold(record, environment, execution_id=execution["id"], commit=commit, reason="it did not answer")


async def current(both: Both) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (
        await both.penstock.get(f"/api/pipelines/{both.pipeline_id}/environments/production")
    )["hold"]
    return found


async def verdicts(both: Both, event_key: str) -> list[dict[str, Any]]:
    """Those of the newest delivery of that kind."""
    await both.penstock.settled()
    items = (await both.penstock.get("/api/deliveries", event_key=event_key, limit=1))["items"]
    found: list[dict[str, Any]] = (await both.penstock.get(f"/api/deliveries/{items[0]['id']}"))["verdicts"]
    return found


@pytest.fixture
async def failed(both: Both) -> dict[str, Any]:
    """An execution that failed, because of which production is held."""
    await both.shop.push("main", {"a.txt": "broken"})
    run = await both.shop.start_run("main", trigger="PUSH")
    await run.finish("FAILED")
    execution = await both.execution(run, status="FAILED", confirmed=True)
    await hold(both, execution)
    return execution


async def test_an_environment_says_that_it_is_held(both: Both, failed: dict[str, Any]) -> None:
    found = await current(both)

    assert found is not None
    assert (found["by_execution_id"], found["commit"], found["reason"]) == (
        failed["id"],
        failed["bitbucket_commit_hash"],
        "it did not answer",
    )


async def test_a_run_that_bitbucket_starts_of_the_held_commit_is_stopped(both: Both, failed: dict[str, Any]) -> None:
    again = await both.shop.start_run("main", trigger="PUSH")

    stopped = await both.execution(again, status="FAILED", confirmed=True)

    assert (again.result, stopped["error_message"]) == ("STOPPED", "the run was stopped")
    assert await current(both) is not None
    said = [one for one in await _all_verdicts(both) if one["verdict"] == "held"]
    assert said[0]["execution_id"] == stopped["id"]
    assert said[0]["reason"] == (
        f"production is held since execution {failed['id']}: it did not answer; run #2 is stopped"
    )


async def test_a_held_commit_that_is_pushed_again_is_expected_by_nobody(both: Both, failed: dict[str, Any]) -> None:
    await both.shop.force_push("main", both.shop.head("main"))

    [verdict] = await verdicts(both, "repo:push")

    assert (verdict["verdict"], verdict["execution_id"]) == ("held", failed["id"])
    assert len(await both.executions()) == 1


async def test_a_newer_commit_ends_the_hold_and_is_deployed(both: Both, failed: dict[str, Any]) -> None:
    newer = await both.shop.push("main", {"a.txt": "mended"})
    run = await both.shop.start_run("main", trigger="PUSH")
    await run.finish()

    await both.execution(run, status="SUCCESS")

    assert await current(both) is None
    [ended] = (await both.penstock.get(f"/api/pipelines/{both.pipeline_id}/holds"))["items"]
    assert (ended["released_by"], ended["release_reason"]) == (
        "penstock",
        f"a newer commit came: {newer.hash[:12]}",
    )


async def test_a_commit_that_was_there_before_ends_no_hold(both: Both) -> None:
    older, run = both.shop.head("main"), await both.shop.start_run("main", trigger="PUSH")
    await run.finish()
    await both.execution(run, status="SUCCESS")
    await both.shop.push("main", {"a.txt": "broken"})
    bad = await both.shop.start_run("main", trigger="PUSH")
    await bad.finish("FAILED")
    await hold(both, await both.execution(bad, status="FAILED"))

    again = await both.shop.start_run("main", trigger="PUSH", commit=older)
    await again.finish()

    await both.execution(again, status="SUCCESS")
    assert await current(both) is not None


async def test_a_late_word_about_the_failed_run_itself_stops_nothing(both: Both, failed: dict[str, Any]) -> None:
    [run] = both.shop.runs
    await both.shop.announce_run(run, "FAILED")

    assert [one["verdict"] for one in await verdicts(both, "repo:commit_status_updated")] != ["held"]
    assert both.asked("POST", "stopPipeline") == 0


async def test_a_trigger_of_a_held_environment_is_refused_until_it_is_released(
    both: Both, failed: dict[str, Any]
) -> None:
    path = f"/api/pipelines/{both.pipeline_id}"
    refused = await both.post(f"{path}/trigger", {"branch": "main"})
    released = await both.post(f"{path}/release-hold", {"environment": "production", "reason": "the disk was full"})
    let_in = await both.post(f"{path}/trigger", {"branch": "main"})

    assert refused.status_code == 409
    problem = refused.json()
    assert problem["holder"]["execution_id"] == failed["id"]
    assert problem["since"] == problem["hold"]["since"]
    assert problem["options"][0].startswith(f"release it: POST {path}/release-hold")
    assert released.json() | {"released_by": "ada", "release_reason": "the disk was full"} == released.json()
    assert let_in.status_code == 202


async def test_once_a_person_has_released_it_the_commit_may_come_back(both: Both, failed: dict[str, Any]) -> None:
    await both.post(f"/api/pipelines/{both.pipeline_id}/release-hold", {"environment": "production"})
    again = await both.shop.start_run("main", trigger="PUSH")
    await again.finish()

    assert (await both.execution(again, status="SUCCESS"))["id"] > failed["id"]


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [("production", 409, "production is not held: there is nothing to release"), ("nowhere", 422, "nowhere")],
)
async def test_what_is_not_held_is_not_released(both: Both, name: str, status: int, told: str) -> None:
    answer = await both.post(f"/api/pipelines/{both.pipeline_id}/release-hold", {"environment": name})

    assert answer.status_code == status
    assert told in answer.json()["detail"]


async def test_what_waits_in_the_queue_goes_on_when_the_hold_ends(both: Both) -> None:
    environment = f"/api/pipelines/{both.pipeline_id}/environments/production"
    await both.penstock.client.put(environment, json={"when_busy": "queue"})
    run = await both.shop.start_run("main", trigger="PUSH")
    first = await both.execution(run, status="BUILDING")
    queued = await both.trigger()
    await hold(both, first)
    await run.finish("FAILED")
    held = await both.execution(queued["id"], waiting_on="the hold on production")
    await both.post(f"/api/pipelines/{both.pipeline_id}/release-hold", {"environment": "production"})

    mine = await both.until(lambda: _second(both))

    assert held["status"] == "PLANNED"
    assert (await both.execution(mine))["id"] == queued["id"]


async def test_an_environment_in_which_something_waits_is_not_removed(both: Both) -> None:
    environments_path = f"/api/pipelines/{both.pipeline_id}/environments"
    spare = {"name": "spare", "kind": "test", "branch_pattern": "spare"}
    await both.post(environments_path, spare)
    await both.penstock.client.put(f"{environments_path}/production", json={"when_busy": "queue"})
    await both.execution(await both.shop.start_run("main", trigger="PUSH"), status="BUILDING")
    queued = await both.trigger()

    answer = await both.penstock.client.delete(f"{environments_path}/production")

    assert answer.status_code == 409
    assert f"execution {queued['id']} waits to be started there" in answer.json()["detail"]


async def _second(both: Both) -> Run | None:
    return next((run for run in both.shop.runs if run.build_number == 2), None)


async def _all_verdicts(both: Both) -> list[dict[str, Any]]:
    await both.penstock.settled()
    items = (await both.penstock.get("/api/deliveries", limit=50))["items"]
    return [one for each in items for one in (await both.penstock.get(f"/api/deliveries/{each['id']}"))["verdicts"]]
