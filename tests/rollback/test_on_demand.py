"""Pipelines that Penstock generates, at commits whose own file offers no way: a file for one run takes its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.rollback import KEPT
from service.simulator import Run, Simulator
from tests.both_ways.conftest import both_running
from tests.rollback.conftest import Story

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# What a person has at the commits of this story: it builds and deploys, and offers nothing else.
FILE = """
pipelines:
  branches:
    main:
      - step: {name: Build, script: [make]}
      - step: {name: Deploy to production, deployment: production, script: [make deploy]}
    develop:
      - step: {name: Build, script: [make]}
      - step: {name: Deploy to staging, deployment: staging, script: [make deploy]}
"""


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        simulator.repository("acme/till", files={"bitbucket-pipelines.yml": FILE, "index.html": "<p>Till</p>\n"})
        yield simulator


@pytest.fixture
async def story(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Story]:
    async with both_running(bitbucket, tmp_path) as both:
        wanted = {"repository_id": both.repository_id, "project_type": "static", "domain": "till.example.com"}
        made = await both.post("/api/pipelines/generate", {**wanted, "server_ip": "203.0.113.5"})
        assert made.status_code == 201, made.text
        both.pipeline_id = made.json()["id"]
        told = Story(both)
        both.shop.plays, both.shop.runs_on_push = told.play, True
        yield told


def steps_of(run: Run) -> list[str]:
    return [step.name for step in run.all_steps]


async def test_a_release_that_the_server_has_kept_is_turned_live_by_a_file_for_this_once(story: Story) -> None:
    good, bad = await story.deploy(), await story.deploy()

    plan = await story.plan()
    made = await story.roll_back()

    run = story.run_of(made)
    assert plan["method"] == "relink"
    assert (run.on_demand, run.target.selector, run.target.pattern) == (True, "custom", "rollback")
    assert steps_of(run) == ["Roll back production"]
    assert run.target.commit.hash == good["bitbucket_commit_hash"]
    assert story.sent(made)["RELEASE"] == str(good["bitbucket_build_number"])
    assert (await story.again(bad))["rolled_back"] is True
    assert (await story.environment())["live_execution_id"] == made["id"]


async def test_an_older_release_is_built_again_by_a_file_for_this_once(story: Story) -> None:
    oldest, *_ = [await story.deploy() for _ in range(KEPT + 1)]

    plan = await story.plan(to_execution_id=oldest["id"])
    made = await story.roll_back(to_execution_id=oldest["id"])

    run = story.run_of(made)
    assert plan["method"] == "rebuild"
    assert (run.on_demand, run.target.pattern) == (True, "rollback")
    assert steps_of(run)[-1] == "Roll back production"
    assert steps_of(run)[:-1] != []
    assert run.target.commit.hash == oldest["bitbucket_commit_hash"]
    assert "RELEASE" not in story.sent(made)


async def test_it_is_rolled_back_by_itself_in_the_same_way(story: Story) -> None:
    await story.environment(rollback_policy="on_failure")
    good = await story.deploy()
    bad = await story.deploy(fails_at="Deploy to production")

    await story.both.execution(bad["id"], rolled_back=True)

    [made] = await story.rollbacks()
    assert made["previous_execution_id"] == good["id"]
    assert story.run_of(made).on_demand


async def test_a_promotion_builds_the_same_commit_for_the_other_environment(story: Story) -> None:
    await story.deploy()
    await add_staging(story)
    tried = await deploy_to_staging(story)

    made = await promoted(story)

    run = story.run_of(made)
    assert (run.on_demand, run.target.selector, run.target.pattern) == (True, "custom", "promote")
    assert run.target.commit.hash == tried["bitbucket_commit_hash"]
    assert steps_of(run)[-1] == "Deploy to production"
    assert not any("staging" in name for name in steps_of(run))
    assert (await story.environment())["live_execution_id"] == made["id"]


async def add_staging(story: Story) -> None:
    wanted = {"name": "staging", "kind": "staging", "branch_pattern": "develop", "subdomain": "staging"}
    answer = await story.both.post(f"/api/pipelines/{story.both.pipeline_id}/environments", wanted)
    assert answer.status_code == 201, answer.text


async def deploy_to_staging(story: Story) -> dict[str, Any]:
    """A push to develop, and its execution once it has succeeded."""
    known = len(story.both.shop.runs)
    story.pushes += 1
    await story.both.shop.push("develop", {"count.txt": f"{story.pushes}\n"})
    return await story.both.execution(story.both.shop.runs[known], status="SUCCESS")


async def promoted(story: Story) -> dict[str, Any]:
    """The promotion's execution, once it has succeeded."""
    wanted = {"promote_from": "staging", "environment": "production"}
    answer = await story.both.post(f"/api/pipelines/{story.both.pipeline_id}/trigger", wanted)
    assert answer.status_code == 202, answer.text
    return await story.both.execution(answer.json()["id"], status="SUCCESS")
