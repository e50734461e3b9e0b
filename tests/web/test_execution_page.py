"""The page of an execution, and what the page of a pipeline says of holds."""

from __future__ import annotations

import re
from html import unescape

import pytest

from service import holding
from service.store import environments
from tests.living import Living, push, status
from tests.web.people import OPERATOR, OWNER, VIEWER, People, people_of

pytestmark = pytest.mark.anyio

COMMIT = "4be0c0de" * 5
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def people(penstock: Living) -> People:
    return await people_of(penstock)


async def an_execution(people: People) -> tuple[int, int]:
    """(its number, its pipeline's): pushed, and not ended."""
    repository = await people.repository()
    await people.delivered(repository, COMMIT)
    pipeline = await people.pipeline_of(repository)
    found = await people.ask(OWNER, "GET", f"/api/pipelines/{pipeline}/executions")
    return int(found.json()["items"][0]["id"]), pipeline


async def shown(people: People, role: str, path: str) -> str:
    answer = await people.ask(role, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.text


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html.partition("<main")[2])).split())


async def test_it_says_how_far_it_is_how_it_moved_and_what_bitbucket_said(penstock: Living) -> None:
    await penstock.deliver("repo:push", push("main", COMMIT, message=f"{HOSTILE}\n"))
    said = status(7, "INPROGRESS", COMMIT, at="2026-03-01T09:31:00Z")
    await penstock.deliver("repo:commit_status_updated", said)
    [execution] = await penstock.executions()

    answer = await penstock.client.get(f"/executions/{execution['id']}")

    text = words(answer.text)
    assert f'data-log="/api/executions/{execution["id"]}/logs/stream"' in answer.text
    assert HOSTILE not in answer.text
    assert "acme/shop / Build #7" in text
    assert f"{HOSTILE} by Ada Quill" in text
    assert "PLANNED BUILDING webhook applied" in text
    assert "Push acme/shop" in text
    assert "opened main production deploys main" in text


async def test_the_page_of_the_pipeline_leads_there(people: People) -> None:
    execution, pipeline = await an_execution(people)

    assert f'<a class="name" href="/executions/{execution}">Expected</a>' in await shown(
        people, VIEWER, f"/pipelines/{pipeline}"
    )


async def test_only_who_may_stop_it_is_offered_to(people: People) -> None:
    execution, _ = await an_execution(people)
    path = f"/executions/{execution}"

    before = {role: "Stop</button>" in await shown(people, role, path) for role in (VIEWER, OPERATOR, OWNER)}
    await people.ask(OPERATOR, "POST", f"/api{path}/stop")
    after = "Stop</button>" in await shown(people, OPERATOR, path)

    assert before == {VIEWER: False, OPERATOR: True, OWNER: True}
    assert not after


async def test_a_hold_is_shown_and_its_end_offered_to_who_may_end_it(people: People) -> None:
    execution, pipeline = await an_execution(people)
    async with people.penstock.house.recorder.record() as record:
        place = await environments.named(record.connection, pipeline, "production")
        assert place is not None
        await holding.hold(record, place, execution_id=execution, commit=COMMIT, reason=HOSTILE)
    path = f"/pipelines/{pipeline}"

    seen, offered = await shown(people, VIEWER, path), await shown(people, OPERATOR, path)
    [body] = re.findall(r'release-hold" data-body="([^"]*)"', offered)
    await people.ask(OPERATOR, "POST", f"/api{path}/release-hold", {"environment": "production"})

    assert f"because of execution {execution} : {HOSTILE}" in words(seen)
    assert HOSTILE not in seen
    assert "release-hold" not in seen
    assert unescape(body) == '{"environment": "production"}'
    assert "is held" not in await shown(people, OPERATOR, path)
