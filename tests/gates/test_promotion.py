"""Promotion: production gets what staging runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.simulator import Simulator
from tests.both_ways.conftest import both_running, quick
from tests.rollback.conftest import Story
from tests.rollback.test_on_demand import add_staging, deploy_to_staging, promoted
from tests.rollback.test_page import shown
from tests.rollback.test_terminal import penstock

__all__ = ["quick"]

pytestmark = [pytest.mark.anyio, pytest.mark.long]

FILE = """
pipelines:
  branches:
    main:
      - step: {name: Deploy, deployment: production, script: [make deploy]}
    develop:
      - step: {name: Deploy, deployment: staging, script: [make deploy]}
"""


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    """A repository with a file of its own, which nobody has generated, and a staging beside its production."""
    async with Simulator.running() as bitbucket:
        bitbucket.repository("acme/till", files={"bitbucket-pipelines.yml": FILE})
        async with both_running(bitbucket, tmp_path) as both:
            told = Story(both)
            both.shop.plays, both.shop.runs_on_push = told.play, True
            await add_staging(told)
            await told.environment(branch_pattern="main")
            yield told


async def asked(story: Story, **body: Any) -> httpx.Response:
    wanted = {"promote_from": "staging", "environment": "production", **body}
    return await story.both.post(f"/api/pipelines/{story.both.pipeline_id}/trigger", wanted)


async def test_the_commit_that_is_live_there_is_deployed_by_the_branch_of_the_other(story: Story) -> None:
    before = await story.deploy()
    tried = await deploy_to_staging(story)

    made = await promoted(story)

    run = story.run_of(made)
    assert (run.target.ref_name, run.target.commit.hash) == ("main", tried["bitbucket_commit_hash"])
    assert (made["environment"], made["trigger_type"]) == ("production", "manual")
    assert made["previous_execution_id"] == before["id"]
    assert made["message"] == f"Promote build #{tried['bitbucket_build_number']} from staging"
    assert (await story.environment())["live_execution_id"] == made["id"]
    path = f"/api/pipelines/{story.both.pipeline_id}/environments/staging"
    assert (await story.both.penstock.get(path))["live_execution_id"] == tried["id"]


async def test_it_can_be_rolled_back_like_any_other_deployment(story: Story) -> None:
    before = await story.deploy()
    await deploy_to_staging(story)
    made = await promoted(story)

    back = await story.roll_back()

    assert back["previous_execution_id"] == before["id"]
    assert (await story.again(made))["rolled_back"] is True


async def test_what_was_rolled_back_there_is_not_promoted(story: Story) -> None:
    good, bad = await deploy_to_staging(story), await deploy_to_staging(story)
    status, back = await story.ask(environment="staging")
    assert status == 202
    await story.both.execution(back["id"], status="SUCCESS")

    made = await promoted(story)

    assert made["bitbucket_commit_hash"] == good["bitbucket_commit_hash"] != bad["bitbucket_commit_hash"]


async def test_without_a_live_release_the_answer_says_so(story: Story) -> None:
    answer = await asked(story)

    assert answer.status_code == 409
    assert answer.json()["detail"] == "nothing is live on staging: deploy to it first"


async def test_of_several_branches_none_is_guessed(story: Story) -> None:
    await deploy_to_staging(story)
    await story.environment(branch_pattern="release/*")

    answer = await asked(story)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("which branch's pipeline deploys to production is not known")


async def test_a_held_environment_is_not_promoted_to(story: Story) -> None:
    await deploy_to_staging(story)
    await story.deploy()
    bad = await story.deploy()
    await story.roll_back()

    answer = await asked(story)

    assert (answer.status_code, answer.json()["holder"]["execution_id"]) == (409, bad["id"])


async def test_a_busy_environment_is_not_promoted_to(story: Story) -> None:
    await deploy_to_staging(story)
    story.both.shop.plays = None
    run = await story.both.shop.start_run("main")
    running = await story.both.execution(run, status="DEPLOYING")

    answer = await asked(story)

    assert (answer.status_code, answer.json()["holder"]["execution_id"]) == (409, running["id"])


async def test_where_a_person_has_to_approve_it_waits_for_that(story: Story) -> None:
    await deploy_to_staging(story)
    await story.environment(requires_approval=True)

    made = (await asked(story)).json()
    waiting = await story.again(made)
    answer = await story.both.post(f"/api/executions/{made['id']}/approve")

    assert (waiting["status"], waiting["waiting_on"]) == ("PLANNED", "approval")
    assert answer.status_code == 200
    await story.both.execution(made["id"], status="SUCCESS")


async def test_the_same_key_is_the_same_promotion(story: Story) -> None:
    await deploy_to_staging(story)
    path = f"/api/pipelines/{story.both.pipeline_id}/trigger"
    body, key = {"promote_from": "staging", "environment": "production"}, {"Idempotency-Key": "one"}

    answers = [await story.both.post(path, body, **key) for _ in range(2)]

    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"environment": None}, "environment"),
        ({"environment": "moon"}, "environment"),
        ({"promote_from": "moon"}, "promote_from"),
        ({"promote_from": "production"}, "promote_from"),
        ({"branch": "main"}, "branch"),
        ({"commit": "a" * 40}, "commit"),
        ({"promote_from": None, "environment": None}, "branch"),
    ],
)
async def test_what_makes_no_sense_is_named(story: Story, body: dict[str, Any], field: str) -> None:
    answer = await asked(story, **body)

    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])


async def test_the_page_shows_what_runs_where_and_offers_what_production_does_not_have(story: Story) -> None:
    nothing = await shown(story, "")
    await story.deploy()
    tried = await deploy_to_staging(story)
    offered = await shown(story, "")
    made = await promoted(story)
    done = await shown(story, "")

    assert "runs nothing yet" in nothing
    assert "Promote" not in nothing
    assert f"runs build #{tried['bitbucket_build_number']}" in offered
    assert "Promote staging to production" in offered
    assert "Promote production to staging" not in offered
    assert f"runs build #{made['bitbucket_build_number']}" in done
    assert "Promote staging to production" not in done


async def test_from_a_terminal(story: Story) -> None:
    tried = await deploy_to_staging(story)

    status, out, _ = await penstock(story, "trigger", "--promote-from", "staging", "--env", "production", "--wait")

    newest = (await story.both.executions())[0]
    assert (status, out) == (0, f"execution {newest['id']} is SUCCESS\n")
    assert (newest["environment"], newest["bitbucket_commit_hash"]) == ("production", tried["bitbucket_commit_hash"])
    assert (await penstock(story, "trigger", "--promote-from", "staging", "--branch", "main"))[0] == 2
    status, _, err = await penstock(story, "trigger", "--promote-from", "staging")
    assert (status, err) == (
        1,
        "penstock: this cannot be run (environment: where it is to be deployed)\n",
    )
