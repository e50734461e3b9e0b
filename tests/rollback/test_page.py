"""The page of a rollback."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from service.store import accounts
from tests.living import client_of
from tests.rollback.conftest import Story
from tests.web.people import people_of

pytestmark = pytest.mark.anyio


async def shown(story: Story, page: str = "/rollback", **query: int | str) -> str:
    """The text of a page of the pipeline, as somebody signed in sees it."""
    async with story.both.penstock.house.recorder.record() as record:
        user = await accounts.user_named(record.connection, "ada")
        assert user is not None
        ends = record.now + timedelta(minutes=5)
        ticket = await accounts.add_ticket(record.connection, user_id=user.id, expires_at=ends)
    async with client_of(story.both.penstock.url) as browser:
        await browser.get("/sign-in", params={"ticket": ticket})
        answer = await browser.get(f"/pipelines/{story.both.pipeline_id}{page}", params=query)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())


async def test_it_shows_the_plan_and_every_release(story: Story) -> None:
    good = await story.deploy()
    bad = await story.deploy(files={"db/migrate/7.sql": "ALTER"})

    text = await shown(story)

    assert f"Back to execution {good['id']} , build #1" in text or f"Back to execution {good['id']}, build #1" in text
    assert bad["bitbucket_commit_hash"][:7] in text
    assert "the undone commits hold migrations" in text
    assert "it is live already" in text
    assert f"Go back to execution {good['id']}" in text


async def test_without_a_release_it_says_why(story: Story) -> None:
    assert "nothing was ever deployed to production successfully" in await shown(story)


async def test_a_release_that_cannot_be_gone_back_to_is_refused_and_the_rest_is_shown(story: Story) -> None:
    good, bad = await story.deploy(), await story.deploy()

    text = await shown(story, to=bad["id"])

    assert "production cannot be rolled back: it is live already" in text
    assert f"Go back to execution {good['id']}" in text


async def test_H8_for_who_may_only_look_bitbucket_is_asked_nothing(story: Story) -> None:
    good = await story.deploy()
    await story.deploy()
    people = await people_of(story.both.penstock)
    await people.ask("admin", "PUT", f"/api/repositories/{story.both.repository_id}/members/viewer", {"role": "viewer"})

    async def page_of(role: str) -> tuple[str, int]:
        before = story.both.asked("GET", "/commits")
        answer = await people.ask(role, "GET", f"/pipelines/{story.both.pipeline_id}/rollback")
        return answer.text, story.both.asked("GET", "/commits") - before

    shown_to_viewer, asked_for_viewer = await page_of("viewer")
    _, asked_for_admin = await page_of("admin")

    assert f"execution {good['id']}" in shown_to_viewer
    assert (asked_for_viewer, asked_for_admin) == (0, 1)
