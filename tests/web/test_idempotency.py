"""A call that is sent again with the same Idempotency-Key: the same answer, and nothing happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.store import answers
from service.web.api import OPERATIONS
from tests.living import Living
from tests.web.people import OWNER, STRANGER, people_of

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
BLOG = {"workspace": "acme", "slug": "blog"}


async def connect(penstock: Living, body: dict[str, Any] = BLOG, **headers: str) -> Any:
    return await penstock.client.post("/api/repositories", json=body, headers=headers or KEY)


async def test_the_same_call_again_is_answered_alike_and_does_nothing(penstock: Living) -> None:
    first, again = await connect(penstock), await connect(penstock)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await penstock.get("/api/repositories"))["items"]) == 2


async def test_the_answer_again_says_where_what_was_made_is_and_at_which_version(penstock: Living) -> None:
    pipeline = f"/api/pipelines/{(await penstock.get('/api/pipelines'))['items'][0]['id']}"
    before = (await penstock.client.get(pipeline)).headers["etag"]
    staging = {"name": "staging", "kind": "staging", "branch_pattern": "develop"}

    async def add() -> Any:
        headers = {**KEY, "If-Match": before}
        return await penstock.client.post(f"{pipeline}/environments", json=staging, headers=headers)

    first, again = await add(), await add()

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == again.headers["location"] == f"{pipeline}/environments/staging"
    assert first.headers["etag"] == again.headers["etag"] != before


async def test_of_many_at_once_one_does_it(penstock_on_each: Living) -> None:
    made = await asyncio.gather(*(connect(penstock_on_each) for _ in range(8)))

    assert {answer.status_code for answer in made} <= {201, 409}
    assert len({answer.text for answer in made if answer.status_code == 201}) == 1
    assert len((await penstock_on_each.get("/api/repositories"))["items"]) == 2


async def test_another_call_needs_another_key(penstock: Living) -> None:
    await connect(penstock)

    other_body = await connect(penstock, {"workspace": "acme", "slug": "wiki"})
    other_path = await penstock.client.post("/api/domains", json={"name": "example.com"}, headers=KEY)

    assert (other_body.status_code, other_path.status_code) == (422, 422)


async def test_a_refused_call_may_be_tried_again_with_its_key(penstock: Living) -> None:
    refused = await connect(penstock, {"workspace": "acme", "slug": "shop"})
    await penstock.client.delete(f"/api/repositories/{penstock.hook.id}")
    again = await connect(penstock, {"workspace": "acme", "slug": "shop"})

    assert (refused.status_code, again.status_code) == (409, 201)


async def test_a_key_is_its_callers_own(penstock: Living) -> None:
    people = await people_of(penstock)

    mine = await people.ask(OWNER, "POST", "/api/domains", {"name": "a.example"}, Idempotency_Key="one")
    theirs = await people.ask(STRANGER, "POST", "/api/domains", {"name": "b.example"}, Idempotency_Key="one")

    assert (mine.json()["name"], theirs.json()["name"]) == ("a.example", "b.example")


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_has_one_to_two_hundred_characters(penstock: Living, key: str) -> None:
    assert (await connect(penstock, **{"Idempotency-Key": key})).status_code == 422


async def test_a_call_that_was_cut_off_with_its_process_may_be_made_again(
    penstock: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = penstock.house
    now = house.recorder.now()
    async with house.recorder.record() as record:
        await answers.begin(record.connection, user_id=1, key=KEY["Idempotency-Key"], digest="0" * 64, now=now)

    first = await connect(penstock)
    monkeypatch.setattr(house.recorder, "now", lambda: now + answers.ABANDONED * 2)
    second = await connect(penstock)

    # at first it is another call's, as far as anybody can tell
    assert (first.status_code, second.status_code) == (422, 201)


def test_every_post_that_makes_or_starts_something_honours_a_key() -> None:
    without = {one.path for one in OPERATIONS if one.method == "POST" and not one.once}

    assert without == {"/api/session", "/api/notifications/{id}/preview"}  # neither is started by
