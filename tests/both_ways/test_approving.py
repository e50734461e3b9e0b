"""Approvals: what asks for one is not started before somebody has said yes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.approving import is_valid, token_for
from service.simulator import Run
from service.store import executions, log
from service.vault import Vault
from tests.both_ways.conftest import Both
from tests.client.peer import answers, playing

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@pytest.fixture
async def asking(both: Both) -> dict[str, Any]:
    """An execution that waits for an approval of production."""
    await configured(both, requires_approval=True)
    return await both.trigger()


async def configured(both: Both, **fields: Any) -> None:
    path = f"/api/pipelines/{both.pipeline_id}/environments/production"
    answer = await both.penstock.client.put(path, json=fields)
    assert answer.status_code == 200, answer.text


async def told(both: Both, kind: str) -> list[dict[str, Any]]:
    async with both.penstock.house.database.read() as connection:
        return [msgspec.json.decode(one.payload) for one in await log.read_after(connection, 0) if one.kind == kind]


async def begun(both: Both) -> Run:
    async def look() -> Run | None:
        return both.shop.runs[-1] if both.shop.runs else None

    return await both.until(look)


def link(both: Both, execution_id: int, days: float = 1) -> str:
    house = both.penstock.house
    return token_for(house.vault, execution_id, house.recorder.now() + timedelta(days=days))


async def test_it_waits_for_the_approval_and_says_so(both: Both, asking: dict[str, Any]) -> None:
    [entry] = await told(both, "execution.waiting")

    assert (asking["status"], asking["waiting_on"]) == ("PLANNED", "approval")
    assert entry["execution_id"] == asking["id"]
    assert (entry["environment"], entry["branch"], entry["waiting_on"]) == ("production", "main", "approval")
    assert both.shop.runs == []


@pytest.mark.parametrize("body", [None, {}, {"decision": "approve", "comment": "go"}])
async def test_an_approval_starts_it(both: Both, asking: dict[str, Any], body: dict[str, str] | None) -> None:
    path = f"/api/executions/{asking['id']}/approve"
    answer = await (both.penstock.client.post(path) if body is None else both.post(path, body))
    assert answer.status_code == 200, answer.text
    run = await begun(both)
    await run.begin()
    await run.finish()

    execution = await both.execution(asking["id"], status="SUCCESS")
    [entry] = await told(both, "execution.approved")

    assert (answer.json()["status"], answer.json()["waiting_on"]) == ("PLANNED", None)
    assert execution["bitbucket_build_number"] == run.build_number
    assert (entry["by"], entry["comment"]) == ("ada", (body or {}).get("comment"))


async def test_a_refusal_ends_it_with_the_reason(both: Both, asking: dict[str, Any]) -> None:
    body = {"decision": "refuse", "comment": "not on a Friday"}
    answer = await both.post(f"/api/executions/{asking['id']}/approve", body)

    ended = await both.execution(asking["id"], status="FAILED")

    assert answer.status_code == 200
    assert (ended["error_message"], ended["waiting_on"]) == ("refused by ada: not on a Friday", None)
    assert both.shop.runs == []


async def test_what_was_decided_is_not_decided_again(both: Both, asking: dict[str, Any]) -> None:
    path = f"/api/executions/{asking['id']}/approve"
    answers = [(await both.post(path)).status_code for _ in range(3)]

    assert answers == [200, 409, 409]
    await begun(both)
    assert len(await told(both, "execution.approved")) == 1


async def test_it_holds_no_lock_while_it_waits(both: Both, asking: dict[str, Any]) -> None:
    run = await both.shop.start_run("main", trigger="PUSH")
    pushed = await both.execution(run, status="BUILDING")

    refused = await both.post(f"/api/executions/{asking['id']}/approve")
    still = await both.execution(asking["id"])

    assert pushed["waiting_on"] is None
    assert (refused.status_code, refused.json()["holder"]["execution_id"]) == (409, pushed["id"])
    assert (still["status"], still["waiting_on"]) == ("PLANNED", "approval")
    assert await told(both, "execution.approved") == []


async def test_an_approved_execution_waits_for_its_turn_where_others_may_wait(
    both: Both, asking: dict[str, Any]
) -> None:
    await configured(both, when_busy="queue")
    run = await both.shop.start_run("main", trigger="PUSH")
    pushed = await both.execution(run, status="BUILDING")
    answer = await both.post(f"/api/executions/{asking['id']}/approve")
    await run.finish()

    async def mine() -> Run | None:
        return next((one for one in both.shop.runs if one.build_number == 2), None)

    started = await both.until(mine)
    assert answer.json()["waiting_on"] == f"execution {pushed['id']}, which deploys to production"
    assert (await both.execution(started))["id"] == asking["id"]


async def test_what_nobody_approves_ends(both: Both, asking: dict[str, Any]) -> None:
    house = both.penstock.house
    async with house.recorder.record() as record:
        await executions.change(record.connection, asking["id"], deadline_at=record.now - timedelta(seconds=1))
        await record.work("deadline", str(asking["id"]), {"execution_id": asking["id"]})

    ended = await both.execution(asking["id"], status="FAILED")

    assert ended["error_message"] == "nobody approved it until its deadline"


async def test_a_rerun_of_the_same_commit_by_bitbucket_is_not_the_one_that_waits(
    both: Both, asking: dict[str, Any]
) -> None:
    run = await both.shop.start_run("main", trigger="PUSH")

    assert (await both.execution(run))["id"] != asking["id"]


# -- the link of a notification ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "word"), [("webhook", "decide_url"), ("slack", "Approve or refuse")])
async def test_the_message_has_a_link_by_which_its_reader_decides(both: Both, kind: str, word: str) -> None:
    async with playing() as peer:
        peer.plays(answers(b"ok"))
        route = {"name": "ops", "target": {"kind": kind, "url": peer.origin}, "filter": {}}
        made = await both.post("/api/notifications", route)
        assert made.status_code == 201, made.text
        await configured(both, requires_approval=True)
        asking = await both.trigger()

        async def sent() -> str | None:
            return peer.requests[0].body.decode() if peer.requests else None

        message = await both.until(sent)
    [address] = set(re.findall(rf"{both.penstock.url}(/approvals/{asking['id']}\?token=[\w-]+)", message))
    nobody = {"Authorization": ""}
    looked = await both.penstock.client.get(address, headers=nobody)
    before = await both.execution(asking["id"])
    path, _, token = address.partition("?token=")
    posted = await both.penstock.client.post(path, data={"token": token, "decision": "approve"}, headers=nobody)

    assert word in message
    assert (looked.status_code, before["waiting_on"]) == (200, "approval")
    assert posted.status_code == 200
    await begun(both)


async def test_the_link_shows_what_is_asked_and_decides_nothing_by_being_looked_at(
    both: Both, asking: dict[str, Any]
) -> None:
    path = f"/approvals/{asking['id']}?token={link(both, asking['id'])}"
    answer = await both.penstock.client.get(path, headers={"Authorization": ""})

    assert answer.status_code == 200
    assert "acme/till to production" in answer.text
    assert "Approve and start" in answer.text
    assert (await both.execution(asking["id"]))["waiting_on"] == "approval"


@pytest.mark.parametrize("decision", ["approve", "refuse"])
async def test_the_link_decides_once(both: Both, asking: dict[str, Any], decision: str) -> None:
    form = {"token": link(both, asking["id"]), "decision": decision, "comment": "by phone"}
    path, nobody = f"/approvals/{asking['id']}", {"Authorization": ""}
    first = await both.penstock.client.post(path, data=form, headers=nobody)
    again = await both.penstock.client.post(path, data={**form, "decision": "refuse"}, headers=nobody)

    assert (first.status_code, again.status_code) == (200, 409)
    assert "by an approval link" in first.text
    if decision == "approve":
        await begun(both)
        assert (await told(both, "execution.approved"))[0]["by"] == "an approval link"
    else:
        ended = await both.execution(asking["id"], status="FAILED")
        assert ended["error_message"] == "refused by an approval link: by phone"


@pytest.mark.parametrize("wrong", ["expired", "altered", "another's", "none"])
async def test_a_link_that_is_not_right_decides_nothing(both: Both, asking: dict[str, Any], wrong: str) -> None:
    right = link(both, asking["id"])
    token = {
        "expired": link(both, asking["id"], days=-1),
        "altered": right[:-3] + ("AAA" if right[-3:] != "AAA" else "BBB"),
        "another's": link(both, asking["id"] + 1),
        "none": "",
    }[wrong]
    path, nobody = f"/approvals/{asking['id']}", {"Authorization": ""}
    posted = await both.penstock.client.post(path, data={"token": token, "decision": "approve"}, headers=nobody)
    looked = await both.penstock.client.get(f"{path}?token={token}", headers=nobody)

    assert (posted.status_code, looked.status_code) == (403, 403)
    assert (await both.execution(asking["id"]))["waiting_on"] == "approval"


def test_a_token_is_for_one_execution_and_a_time() -> None:
    vault, now = Vault([bytes(32)]), datetime(2026, 3, 1, tzinfo=UTC)
    token = token_for(vault, 7, now + timedelta(minutes=1))

    assert is_valid(vault, 7, token, now)
    assert not is_valid(vault, 8, token, now)
    assert not is_valid(vault, 7, token, now + timedelta(minutes=1))


async def test_the_log_holds_nothing_that_lets_its_readers_decide(both: Both, asking: dict[str, Any]) -> None:
    [entry] = await told(both, "execution.waiting")

    assert "token" not in str(entry)


# -- a step that waits at Bitbucket -----------------------------------------------------------------------------------


async def test_a_step_that_waits_at_bitbucket_is_shown_with_the_page_where_it_is_started(both: Both) -> None:
    text = """
pipelines:
  default:
    - step: {name: Build, script: [make]}
    - step: {name: Deploy, deployment: production, trigger: manual, script: [make deploy]}
"""
    await both.shop.push("main", {"bitbucket-pipelines.yml": text})
    run = await both.shop.start_run("main", trigger="PUSH")
    await run.pause()

    waiting = await both.execution(run, waiting_on="somebody to start the step 'Deploy' at Bitbucket")
    await both.looks(run, 2)
    [entry] = await told(both, "execution.waiting")
    refused = await both.post(f"/api/executions/{waiting['id']}/approve")

    assert entry["approve_url"] == f"https://bitbucket.org/acme/till/pipelines/results/{run.build_number}"
    assert refused.status_code == 409
    assert "on its own page alone" in refused.json()["detail"]


async def test_the_page_of_an_execution_that_waits_offers_both_answers(both: Both, asking: dict[str, Any]) -> None:
    client, path = both.penstock.client, f"/executions/{asking['id']}"

    followed = await client.get(f"/approvals/{asking['id']}")
    waiting = (await client.get(path)).text
    await both.post(f"/api{path}/approve", {})
    approved = (await client.get(path)).text

    assert (followed.status_code, followed.headers["location"]) == (303, path)
    assert "It waits: approval." in waiting
    assert waiting.count(f'data-post="/api{path}/approve"') == 2
    assert f'data-post="/api{path}/approve"' not in approved
