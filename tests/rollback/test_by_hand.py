"""A person goes back to a release that works."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from service.store import log
from tests.rollback.conftest import PIPELINES, WITHOUT, Story

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def logged(story: Story, kind: str) -> list[dict[str, Any]]:
    async with story.both.penstock.house.database.read() as connection:
        return [msgspec.json.decode(one.payload) for one in await log.read_after(connection, 0) if one.kind == kind]


async def test_going_back_to_the_release_before(story: Story) -> None:
    good, bad = await story.deploy(), await story.deploy()

    made = await story.roll_back()

    assert (made["trigger_type"], made["previous_execution_id"]) == ("rollback", good["id"])
    assert made["bitbucket_commit_hash"] == good["bitbucket_commit_hash"]
    run = story.run_of(made)
    assert (run.target.selector, run.target.pattern) == ("custom", "rollback")
    assert story.sent(made) == {
        "PENSTOCK_EXECUTION_ID": str(made["id"]),
        "RELEASE": str(good["bitbucket_build_number"]),
    }
    undone = await story.again(bad)
    assert (undone["status"], undone["rolled_back"], undone["rollback_reason"]) == (
        "SUCCESS",
        True,
        "the till is stuck",
    )
    assert (await story.again(good))["rolled_back"] is False
    environment = await story.environment()
    assert environment["live_execution_id"] == made["id"]
    assert environment["lock"] is None
    assert (environment["hold"]["by_execution_id"], environment["hold"]["commit"]) == (
        bad["id"],
        bad["bitbucket_commit_hash"],
    )
    [event] = await logged(story, "execution.rolled_back")
    assert (event["execution_id"], event["rollback_execution_id"], event["to_execution_id"]) == (
        bad["id"],
        made["id"],
        good["id"],
    )


async def test_every_execution_names_what_was_live_before_it_and_how_long_it_took(story: Story) -> None:
    first, second = await story.deploy(), await story.deploy()
    third = await story.deploy(fails_at="Deploy")
    fourth = await story.deploy(fails_at="Build")

    found = [(await story.again(one))["previous_execution_id"] for one in (first, second, third, fourth)]

    assert found == [None, first["id"], second["id"], second["id"]]
    for one in (first, second, third, fourth):
        assert one["duration_seconds"] is not None
        assert one["duration_seconds"] >= 0


async def test_a_failed_deployment_is_undone_by_going_back_to_what_was_live(story: Story) -> None:
    good, bad = await story.deploy(), await story.deploy(fails_at="Deploy")

    plan = await story.plan()
    made = await story.roll_back()

    assert (plan["current_execution_id"], plan["target_execution_id"]) == (bad["id"], good["id"])
    assert made["previous_execution_id"] == good["id"]
    undone = await story.again(bad)
    assert (undone["status"], undone["rolled_back"]) == ("FAILED", True)


async def test_what_failed_before_it_deployed_is_nothing_to_undo(story: Story) -> None:
    first, second = await story.deploy(), await story.deploy()
    await story.deploy(fails_at="Build")

    plan = await story.plan()

    assert (plan["current_execution_id"], plan["target_execution_id"]) == (second["id"], first["id"])


async def test_a_dry_run_shows_everything_and_does_nothing(story: Story) -> None:
    first = await story.deploy()
    await story.deploy(files={"shop/migrations/0002_prices.py": "ALTER\n"})
    third = await story.deploy()

    plan = await story.plan(to_execution_id=first["id"])

    assert (plan["current_execution_id"], plan["target_execution_id"]) == (third["id"], first["id"])
    assert plan["method"] == "rebuild"
    assert [one["hash"] for one in plan["commits"]] == [
        third["bitbucket_commit_hash"],
        (await story.both.executions())[1]["bitbucket_commit_hash"],
    ]
    assert plan["warnings"] == [
        "the undone commits hold migrations, which stay as they are in the database: shop/migrations/0002_prices.py"
    ]
    assert [(one["execution_id"], one["eligible"]) for one in plan["candidates"]] == [
        (third["id"], False),
        (third["id"] - 1, True),
        (first["id"], True),
    ]
    assert plan["candidates"][0]["because"] == "it is live already"
    assert await story.rollbacks() == []
    assert (await story.environment())["hold"] is None


async def test_without_a_candidate_the_answer_says_so(story: Story) -> None:
    status, problem = await story.ask()
    assert (status, problem["because"]) == (409, "nothing was ever deployed to production successfully")
    only = await story.deploy()

    status, problem = await story.ask()

    assert (status, problem["because"]) == (409, "production has had one release only, and it is live")
    plan = await story.plan()
    assert (plan["target_execution_id"], plan["because"]) == (None, problem["because"])
    for dry_run in (True, False):
        status, problem = await story.ask(to_execution_id=only["id"], dry_run=dry_run)
        assert (status, problem["because"]) == (409, "it is live already")
    status, problem = await story.ask(to_execution_id=4711)
    assert (status, problem["because"]) == (
        409,
        "execution 4711 is none of the newest 1 that deployed there successfully",
    )


async def test_a_rollback_of_a_rollback_goes_further_back_and_never_in_a_circle(story: Story) -> None:
    first, second, third = await story.deploy(), await story.deploy(), await story.deploy()
    back = await story.roll_back()

    plan = await story.plan()
    further = await story.roll_back()

    assert {one["execution_id"]: one["because"] for one in plan["candidates"]} == {
        back["id"]: "it is live already",
        third["id"]: "it was itself rolled back",
        second["id"]: f"it is live already: execution {back['id']} has brought it back",
        first["id"]: None,
    }
    assert further["previous_execution_id"] == first["id"]
    assert (await story.again(back))["rolled_back"] is True
    status, problem = await story.ask()
    assert (status, problem["because"]) == (409, "no earlier release of production can be gone back to")
    status, problem = await story.ask(to_execution_id=second["id"])
    assert problem["because"] == f"execution {back['id']} had brought it back, and was rolled back"


async def test_while_something_newer_deploys_nothing_is_rolled_back(story: Story) -> None:
    first, second = await story.deploy(), await story.deploy()
    story.both.shop.plays = None
    run = await story.both.shop.start_run("main")
    newer = await story.both.execution(run, status="BUILDING")

    status, problem = await story.ask()

    assert status == 409
    assert problem["because"] == f"production is busy: execution {newer['id']} deploys to it"
    assert problem["holder"]["execution_id"] == newer["id"]
    plan = await story.plan()
    assert plan["target_execution_id"] is None
    assert {one["because"] for one in plan["candidates"]} == {f"execution {newer['id']} deploys to production just now"}
    await run.finish("STOPPED")
    await story.both.execution(run, status="FAILED")
    story.both.shop.plays = story.play
    assert (await story.roll_back())["previous_execution_id"] == first["id"]
    assert (await story.again(second))["rolled_back"] is True


async def test_two_who_press_at_once_start_one(story: Story) -> None:
    await story.deploy()
    await story.deploy()

    answers = await asyncio.gather(*(story.ask() for _ in range(4)))

    assert sorted(status for status, _ in answers) == [202, 409, 409, 409]
    assert len(await story.rollbacks()) == 1


async def test_the_same_key_is_the_same_rollback(story: Story) -> None:
    await story.deploy()
    await story.deploy()
    body = {"environment": "production", "reason": "the till is stuck"}
    path, key = f"/api/pipelines/{story.both.pipeline_id}/rollback", {"Idempotency-Key": "one"}

    answers = [await story.both.post(path, body, **key) for _ in range(2)]

    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]


async def test_a_rollback_that_fails_undoes_nothing_and_says_so(story: Story) -> None:
    good, bad = await story.deploy(), await story.deploy()
    story.breaks = "Roll back production"

    status, execution = await story.ask()
    failed = await story.both.execution(execution["id"], status="FAILED")

    assert status == 202
    assert failed["error_message"] == "the run failed at the step 'Roll back production'"
    assert (await story.again(bad))["rolled_back"] is False
    environment = await story.environment()
    assert (environment["live_execution_id"], environment["lock"]) == (bad["id"], None)
    [event] = await logged(story, "execution.rollback_failed")
    assert (event["execution_id"], event["because"]) == (bad["id"], failed["error_message"])
    assert await logged(story, "execution.rolled_back") == []
    story.breaks = None
    again = await story.roll_back()
    assert again["previous_execution_id"] in (good["id"], bad["id"])


async def test_a_commit_that_offers_no_rollback_is_deployed_by_its_branch(story: Story) -> None:
    good = await story.deploy(files={"bitbucket-pipelines.yml": WITHOUT})
    await story.deploy(files={"bitbucket-pipelines.yml": PIPELINES})

    made = await story.roll_back()

    run = story.run_of(made)
    assert (run.target.selector, run.target.pattern) == ("branches", "main")
    assert run.target.commit.hash == good["bitbucket_commit_hash"]


async def test_the_held_commit_does_not_come_back_by_itself(story: Story) -> None:
    await story.deploy()
    bad = await story.deploy()
    await story.roll_back()
    story.both.shop.plays = None

    run = await story.both.shop.start_run("main")

    stopped = await story.both.execution(run, status="FAILED")
    assert stopped["bitbucket_commit_hash"] == bad["bitbucket_commit_hash"]
    assert stopped["error_message"] == "the run was stopped"


async def test_bitbucket_being_down_delays_a_rollback_and_loses_none(story: Story) -> None:
    good, _ = await story.deploy(), await story.deploy()
    faults = story.both.bitbucket.route_faults
    faults.cut("*", "", times=None)

    plan = await story.plan()
    status, execution = await story.ask()

    assert plan["target_execution_id"] == good["id"]
    assert plan["warnings"][0].startswith("Bitbucket does not say which commits would be undone")
    assert (status, execution["status"]) == (202, "PLANNED")
    faults.clear()
    made = await story.both.execution(execution["id"], status="SUCCESS")
    assert made["previous_execution_id"] == good["id"]
    assert len(await story.rollbacks()) == 1


async def test_a_reason_is_asked_for(story: Story) -> None:
    await story.deploy()

    assert (await story.ask(reason=None))[0] == 422
    assert (await story.ask(environment="moon"))[0] == 422
    assert (await story.ask(to_execution_id=0))[0] == 422


async def test_the_settings_of_then_come_back_where_they_are_kept_and_secrets_stay_those_of_now(story: Story) -> None:
    def variables(version: str) -> list[dict[str, Any]]:
        return [
            {"key": "COLOUR", "value": f"colour-{version}", "secured": False},
            {"key": "PASSWORD", "value": f"secret-{version}", "secured": True},
        ]

    await story.environment(keep_variable_values=True, environment_variables=variables("then"))
    good = await story.deploy()
    await story.environment(environment_variables=variables("now"))
    await story.deploy()
    await story.deploy()

    plan = await story.plan(to_execution_id=good["id"])
    made = await story.roll_back(to_execution_id=good["id"])
    sent = story.sent(made)

    assert plan["variables"] == [
        {"key": "COLOUR", "change": "changed", "secured": False},
        {"key": "PASSWORD", "change": "changed", "secured": True},
    ]
    assert plan["warnings"] == ["PASSWORD: not as the release had it, but as it is now"]
    assert (sent["COLOUR"], sent.get("PASSWORD")) == ("colour-then", None)
    assert "secret-then" not in str(await story.both.penstock.get(f"/api/executions/{made['id']}"))
