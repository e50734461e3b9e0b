"""Penstock rolls back by itself what has failed while it deployed."""

from __future__ import annotations

from typing import Any

import pytest

from service.simulator import Run
from service.simulator.plan import Plan
from service.store.tables import work
from service.workers import starting
from tests.rollback.conftest import Story
from tests.rollback.test_by_hand import logged

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def undone(story: Story, execution: dict[str, Any]) -> dict[str, Any]:
    """The execution, once it is rolled back."""
    return await story.both.execution(execution["id"], rolled_back=True)


async def refused(story: Story) -> str:
    """Why nothing was rolled back, once that is said."""

    async def look() -> str | None:
        found = await logged(story, "execution.rollback_refused")
        return found[0]["because"] if found else None

    return await story.both.until(look)


async def test_a_failed_deployment_is_rolled_back_by_itself(story: Story) -> None:
    await story.environment(rollback_policy="on_failure")
    good = await story.deploy()
    bad = await story.deploy(fails_at="Deploy")

    found = await undone(story, bad)

    [made] = await story.rollbacks()
    made = await story.both.execution(made["id"], status="SUCCESS")
    assert made["previous_execution_id"] == good["id"]
    assert found["status"] == "FAILED"
    assert found["rollback_reason"] == "rolled back by itself: the run failed at the step 'Deploy'"
    environment = await story.environment()
    assert (environment["live_execution_id"], environment["lock"]) == (made["id"], None)
    assert environment["hold"]["commit"] == bad["bitbucket_commit_hash"]


@pytest.mark.parametrize(
    ("policy", "step"), [("manual", "Deploy"), ("on_failed_health_check", "Deploy"), ("on_failure", "Build")]
)
async def test_what_the_policy_does_not_ask_for_stays_as_it_is(story: Story, policy: str, step: str) -> None:
    await story.environment(rollback_policy=policy)
    await story.deploy()
    await story.deploy(fails_at=step)

    assert (await story.environment())["lock"] is None
    async with story.both.penstock.house.database.read() as connection:
        assert "rollback" not in set((await connection.execute(work.select().with_only_columns(work.c.kind))).scalars())
    assert await story.rollbacks() == []


async def test_without_an_earlier_release_the_failure_stays_and_says_why(story: Story) -> None:
    await story.environment(rollback_policy="on_failure")
    bad = await story.deploy(fails_at="Deploy")

    assert await refused(story) == "nothing was ever deployed to production successfully"
    assert await story.rollbacks() == []
    assert (await story.again(bad))["rolled_back"] is False
    assert (await story.environment())["lock"] is None


async def test_a_rollback_that_fails_is_not_followed_by_another(story: Story) -> None:
    await story.environment(rollback_policy="on_failure")
    await story.deploy()
    play = story.play

    def nothing_works(run: Run) -> Plan:
        story.breaks = "Roll back production" if run.target.selector == "custom" else "Deploy"
        return play(run)

    story.both.shop.plays = nothing_works
    bad = await story.deploy(fails_at="Deploy")

    async def look() -> bool:
        return bool(await logged(story, "execution.rollback_failed"))

    await story.both.until(look)
    [made] = await story.rollbacks()
    assert (await story.again(made))["status"] == "FAILED"
    assert (await story.again(bad))["rolled_back"] is False
    assert len(await story.both.executions()) == 3
    environment = await story.environment()
    assert environment["lock"] is None
    assert environment["hold"]["by_execution_id"] == bad["id"]


async def test_a_rerun_that_fails_again_is_a_failure_of_its_own(story: Story) -> None:
    await story.environment(rollback_policy="on_failure")
    await story.deploy()
    bad = await story.deploy(fails_at="Deploy")
    await undone(story, bad)
    run = story.run_of(bad)

    await run.rerun()
    await run.finish("FAILED")

    again = await story.both.execution(bad["id"], attempt=2, rolled_back=True)
    assert again["status"] == "FAILED"
    newer, older = await story.rollbacks()
    assert newer["previous_execution_id"] == older["id"]


async def test_while_something_newer_is_under_way_nothing_is_rolled_back(story: Story) -> None:
    await story.environment(rollback_policy="on_failure")
    await story.deploy()
    story.both.shop.plays = None
    await story.both.shop.push("main", {"count.txt": "bad\n"})
    run = story.both.shop.runs[-1]
    await run.begin()
    await run.advance_to("Deploy")
    bad = await story.both.execution(run, status="DEPLOYING")
    await story.both.shop.push("main", {"count.txt": "mended\n"})
    newer = story.both.shop.runs[-1]
    await newer.begin()
    mending = await story.both.execution(newer, status="BUILDING")

    await run.finish("FAILED")

    assert await refused(story) == f"execution {mending['id']}, which is newer, is under way"
    await newer.finish()
    await story.both.execution(newer, status="SUCCESS")
    assert await story.rollbacks() == []
    assert (await story.again(bad))["rolled_back"] is False
    assert (await story.environment())["lock"] is None


async def test_a_worker_that_dies_before_it_asks_bitbucket_starts_exactly_one_run(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.environment(rollback_policy="on_failure")
    good = await story.deploy()
    died: list[int] = []
    start = starting.Starter._start

    async def die_first(self: Any, client: Any, repository: Any, execution: Any, *more: Any) -> Any:
        if not died:
            died.append(execution.id)
            raise ConnectionAbortedError("the worker is gone")
        return await start(self, client, repository, execution, *more)

    monkeypatch.setattr(starting.Starter, "_start", die_first)
    bad = await story.deploy(fails_at="Deploy")
    await undone(story, bad)

    [made] = await story.rollbacks()
    assert died == [made["id"]]
    assert made["previous_execution_id"] == good["id"]
    assert len([run for run in story.both.shop.runs if run.target.selector == "custom"]) == 1


async def test_a_worker_that_dies_after_it_asked_bitbucket_starts_exactly_one_run(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.environment(rollback_policy="on_failure")
    await story.deploy()
    died: list[int] = []
    start = starting.Starter._start

    async def die_afterwards(self: Any, client: Any, repository: Any, execution: Any, *more: Any) -> Any:
        run = await start(self, client, repository, execution, *more)
        if not died:
            died.append(execution.id)
            raise ConnectionAbortedError("the worker is gone")
        return run

    monkeypatch.setattr(starting.Starter, "_start", die_afterwards)
    bad = await story.deploy(fails_at="Deploy")
    await undone(story, bad)

    assert len(died) == 1
    assert len([run for run in story.both.shop.runs if run.target.selector == "custom"]) == 1
