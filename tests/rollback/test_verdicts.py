"""Our verdict on a commit, written onto it at Bitbucket: where that is asked for, once, and answered by nothing."""

from __future__ import annotations

from typing import Any

import pytest

from service.simulator.statuses import CommitStatus
from service.verdicts import LONGEST_KEY, LONGEST_TEXT, key_of, verdict_of
from service.workers import following
from tests.both_ways.test_verifying import Site, site
from tests.rollback.conftest import Story

pytestmark = [pytest.mark.anyio, pytest.mark.long]

__all__ = ["site"]

KEY = "penstock-production"
WRITING = ("POST", "/statuses/build")


async def asked_for(story: Story, **more: Any) -> None:
    assert (await story.environment(commit_status=True, **more))["commit_status"] is True


async def on(story: Story, execution: dict[str, Any], state: str) -> CommitStatus:
    """Our status on the execution's commit, once it says this."""
    commit = execution["bitbucket_commit_hash"]

    async def look() -> CommitStatus | None:
        found = story.both.shop.statuses.get((commit, KEY))
        return found if found is not None and found.state == state else None

    return await story.both.until(look)


async def test_nothing_is_written_where_nobody_has_asked_for_it(story: Story) -> None:
    await story.deploy()
    await story.deploy(fails_at="Build")

    assert (await story.environment())["commit_status"] is False
    assert story.both.asked(*WRITING) == 0


async def test_a_release_that_is_live_is_said_so_on_its_commit_with_a_link_to_the_page(story: Story) -> None:
    await asked_for(story)
    status = await on(story, await story.deploy(), "SUCCESSFUL")

    assert (status.name, status.description) == ("Penstock: production", "Deployed to production")
    assert status.url == f"{story.both.penstock.url}/pipelines/{story.both.pipeline_id}"


async def test_one_that_was_verified_is_said_so(story: Story, site: Site) -> None:
    await asked_for(story, health_check=site.check)

    status = await on(story, await story.deploy(), "SUCCESSFUL")

    assert status.description == "Deployed to, and verified on, production"


async def test_one_that_failed_is_said_so_with_the_reason(story: Story) -> None:
    await asked_for(story)
    failed = await story.deploy(fails_at="Build")

    status = await on(story, failed, "FAILED")

    assert status.description == f"Not deployed to production: {failed['error_message']}"


async def test_a_rollback_is_told_on_both_commits(story: Story) -> None:
    await asked_for(story)
    good = await story.deploy()
    bad = await story.deploy()
    await on(story, bad, "SUCCESSFUL")
    await story.roll_back()

    undone = await on(story, bad, "FAILED")
    live = await on(story, good, "SUCCESSFUL")

    assert undone.description == "Rolled back on production: the till is stuck"
    assert live.description == "Deployed to production"


async def test_what_bitbucket_tells_of_our_status_starts_and_moves_nothing(story: Story) -> None:
    await asked_for(story)
    ended = await story.deploy()
    await on(story, ended, "SUCCESSFUL")

    async def heard() -> list[dict[str, Any]] | None:
        listed = await story.both.penstock.get("/api/deliveries", event_key="repo:commit_status_created", limit=200)
        told = [await story.both.penstock.get(f"/api/deliveries/{one['id']}") for one in listed["items"]]
        ours = [one for one in told if "Penstock: production" in str(one["verdicts"])]
        return ours if ours and all(one["status"] == "processed" for one in ours) else None

    [delivery] = await story.both.until(heard)
    await story.both.penstock.settled()

    assert [one["verdict"] for one in delivery["verdicts"]] == ["ignored"]
    assert len(await story.both.executions()) == 1
    assert (await story.again(ended))["status"] == "SUCCESS"
    assert story.both.asked(*WRITING) == 1


async def test_bitbucket_that_is_down_is_told_later(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.1)
    story.both.bitbucket.route_faults.answer("POST", "/statuses/build", 500, times=2)
    await asked_for(story)

    await on(story, await story.deploy(), "SUCCESSFUL")

    assert story.both.asked(*WRITING) == 3


@pytest.mark.parametrize("name", ["production", "x" * 100, "été", "a b", "x" * 31, "x" * 32, "a/b"])
def test_a_key_is_short_and_the_environments_own(name: str) -> None:
    assert 0 < len(key_of(name)) <= LONGEST_KEY
    assert key_of(name).isascii()
    assert key_of(name) == key_of(name)
    assert key_of(name) != key_of(f"{name}2")


def verdict(status: str, **more: Any) -> tuple[str, str] | None:
    known: dict[str, Any] = {"why": None, "rolled_back": False, "because": None, "verified": False, **more}
    found = verdict_of("production", status=status, **known)
    return (found.state, found.description) if found else None


def test_there_is_no_verdict_before_the_end_and_none_is_too_long() -> None:
    assert verdict("DEPLOYING") is None
    assert verdict("FAILED", why="a\nb") == ("FAILED", "Not deployed to production: a b")
    state, text = verdict("SUCCESS", rolled_back=True, because="x" * 1000) or ("", "")
    assert (state, len(text)) == ("FAILED", LONGEST_TEXT)
