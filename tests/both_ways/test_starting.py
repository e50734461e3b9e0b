"""Runs are started and stopped at Bitbucket as people ask, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from service.simulator import Plan, Run, uneventful
from service.store import accounts
from service.store.tables import work
from service.workers import following
from tests.both_ways.conftest import Both

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_a_trigger_starts_a_run_and_follows_it_to_its_end(both: Both) -> None:
    both.shop.plays = _at_once
    execution = await both.trigger()
    assert (execution["status"], execution["trigger_type"], execution["branch"]) == ("PLANNED", "manual", "main")

    ended = await both.execution(execution["id"], status="SUCCESS", confirmed=True)

    [run] = both.shop.runs
    assert ended["bitbucket_build_number"] == run.build_number
    assert ended["bitbucket_commit_hash"] == both.shop.head("main").hash
    assert ended["environment"] == "production"
    assert [one["id"] for one in await both.executions()] == [execution["id"]]


async def test_a_commit_can_be_named(both: Both) -> None:
    first = both.shop.head("main")
    await both.shop.push("main", {"a.txt": "1"})
    execution = await both.trigger(commit=first.hash)

    run = await _begun(both)

    assert run.target.commit.hash == first.hash
    assert (await both.execution(run))["id"] == execution["id"]


async def test_the_same_key_starts_one_run(both: Both) -> None:
    path, body = f"/api/pipelines/{both.pipeline_id}/trigger", {"branch": "main"}
    answers = [await both.post(path, body, **{"Idempotency-Key": "once"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}

    run = await _begun(both)
    await both.execution(run)

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(both.shop.runs) == 1


@pytest.mark.parametrize("hears", [True, False], ids=["its webhook arrives", "its webhook is lost"])
async def test_a_start_whose_answer_was_cut_has_started_exactly_one_run(
    both: Both, monkeypatch: pytest.MonkeyPatch, hears: bool
) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.2)
    if not hears:
        both.bitbucket.delivery_faults.lose(1.0, seed=1)
    both.bitbucket.route_faults.truncate("POST", "/pipelines$")
    execution = await both.trigger()
    run = await _begun(both)
    await run.begin()

    found = await both.execution(execution["id"], status="BUILDING", confirmed=True)

    assert found["bitbucket_build_number"] == run.build_number
    assert both.shop.runs == [run]
    assert both.asked("POST", "/pipelines") == 1
    assert len(await both.executions()) == 1


async def test_a_start_that_never_arrived_is_tried_again(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.2)
    both.bitbucket.route_faults.cut("POST", "/pipelines$", times=2)
    execution = await both.trigger()

    run = await _begun(both)

    assert (await both.execution(run))["id"] == execution["id"]
    assert len(both.shop.runs) == 1


async def test_a_run_that_somebody_else_started_is_not_taken_for_it(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.2)
    await both.shop.create_branch("feature")
    other = await both.shop.start_run("feature", trigger="PUSH")
    theirs = await both.execution(other)
    both.bitbucket.route_faults.cut("POST", "/pipelines$")
    execution = await both.trigger()

    mine = await both.until(lambda: _run_number(both, 2))

    assert (await both.execution(mine))["id"] == execution["id"] != theirs["id"]


@pytest.mark.parametrize(
    ("prepare", "body", "reason"),
    [
        (lambda shop: setattr(shop, "pipelines_enabled", False), {}, "Pipelines is not enabled"),
        (lambda shop: None, {"branch": "nowhere"}, "nowhere"),
        (lambda shop: None, {"commit": "f" * 40}, "does not exist"),
    ],
    ids=["Pipelines is off", "no such branch", "no such commit"],
)
async def test_a_start_that_is_refused_has_failed_with_the_reason(
    both: Both, prepare: Callable[[Any], None], body: dict[str, str], reason: str
) -> None:
    prepare(both.shop)
    execution = await both.trigger(**body)

    ended = await both.execution(execution["id"], status="FAILED", confirmed=True)

    assert ended["error_message"].startswith("not started: ")
    assert reason in ended["error_message"]
    assert both.shop.runs == []


async def test_what_is_stopped_before_it_began_never_begins(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.2)
    both.bitbucket.route_faults.answer("GET", "/refs/branches/", 503, times=None)
    execution = await both.trigger()
    stopped = await both.post(f"/api/executions/{execution['id']}/stop")
    assert (stopped.status_code, stopped.json()["status"]) == (202, "FAILED")
    both.bitbucket.route_faults.clear()

    await both.until(lambda: _done(both, "start", execution["id"]))

    assert both.shop.runs == []
    assert (await both.execution(execution["id"]))["error_message"] == "stopped by ada"


async def test_a_run_that_has_begun_is_stopped_at_bitbucket(both: Both) -> None:
    run = await both.shop.start_run("main")
    execution = await both.execution(run, status="BUILDING")

    answer = await both.post(f"/api/executions/{execution['id']}/stop")

    assert answer.status_code == 202
    ended = await both.execution(run, status="FAILED", confirmed=True)
    assert run.result == "STOPPED"
    assert ended["error_message"] == "the run was stopped"


async def test_what_has_ended_is_not_stopped(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.finish()
    execution = await both.execution(run, status="SUCCESS", confirmed=True)

    answer = await both.post(f"/api/executions/{execution['id']}/stop")

    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "the execution is SUCCESS already: there is nothing to stop",
    )


async def test_variables_reach_the_run_and_secured_ones_are_readable_nowhere(both: Both) -> None:
    secret = "a-secret-of-this-run"
    variables = [
        {"key": "COLOUR", "value": "green", "secured": False},
        {"key": "PASSWORD", "value": secret, "secured": True},
    ]
    execution = await both.trigger(variables=variables)

    run = await _begun(both)

    sent = {one.key: (one.value, one.secured) for one in run.variables}
    assert sent == {
        "COLOUR": ("green", False),
        "PASSWORD": (secret, True),
        "PENSTOCK_EXECUTION_ID": (str(execution["id"]), False),
    }
    await both.execution(run)
    async with both.penstock.house.database.read() as connection:
        kept = (await connection.execute(select(work.c.payload, work.c.error))).all()
    assert secret not in str(kept)
    for path in (f"/api/executions/{execution['id']}", f"/api/pipelines/{both.pipeline_id}", "/api/audit"):
        assert secret not in str(await both.penstock.get(path))
    directory = both.penstock.house.settings.data_dir
    for path in directory.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"branch": "ma in"}, "branch"),
        ({"branch": ""}, "branch"),
        ({"commit": "abc"}, "commit"),
        ({"variables": [{"key": "A-B", "value": "x"}]}, "variables[0].key"),
        ({"variables": [{"key": "A", "value": "short", "secured": True}]}, "variables[0].value"),
        ({"environment": "moon"}, "environment"),
        ({"colour": "green"}, "colour"),
    ],
)
async def test_what_cannot_be_run_is_refused_by_name(both: Both, body: dict[str, Any], field: str) -> None:
    answer = await both.post(f"/api/pipelines/{both.pipeline_id}/trigger", {"branch": "main", **body})

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert await both.executions() == []


async def test_without_a_credential_nothing_can_be_started(both: Both) -> None:
    hookless = await both.penstock.get("/api/pipelines", repository_id=both.penstock.hook.id)

    answer = await both.post(f"/api/pipelines/{hookless['items'][0]['id']}/trigger", {"branch": "main"})

    assert answer.status_code == 409
    assert "credential" in answer.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [(None, 404), ("viewer", 403), ("operator", 202), ("owner", 202)])
async def test_who_may_operate_the_repository_may_start_and_stop(both: Both, role: str | None, status: int) -> None:
    async with both.penstock.house.recorder.record() as record:
        user = await accounts.add_user(record.connection, "bob", None, is_admin=False, now=record.now)
        token = await accounts.add_token(record.connection, user, "tests", now=record.now, expires_at=None)
        if role is not None:
            await accounts.grant(record.connection, both.repository_id, user, role)
    await both.shop.create_branch("feature")
    run = await both.shop.start_run("feature")
    execution = await both.execution(run)
    bob = {"Authorization": f"Bearer {token}"}

    async def ask(path: str, body: dict[str, Any]) -> httpx.Response:
        return await both.penstock.client.post(path, json=body, headers=bob)

    started = await ask(f"/api/pipelines/{both.pipeline_id}/trigger", {"branch": "main"})
    stopped = await ask(f"/api/executions/{execution['id']}/stop", {})

    assert (started.status_code, stopped.status_code) == (status, status)


def _at_once(run: Run) -> Plan:
    return uneventful(run, seconds=0.05)


async def _begun(both: Both) -> Run:
    """The run that Bitbucket was asked for."""

    async def look() -> Run | None:
        return both.shop.runs[-1] if both.shop.runs else None

    return await both.until(look)


async def _run_number(both: Both, number: int) -> Run | None:
    return next((run for run in both.shop.runs if run.build_number == number), None)


async def _done(both: Both, kind: str, key: int) -> bool:
    async with both.penstock.house.database.read() as connection:
        question = select(work.c.status).where(work.c.kind == kind, work.c.key == str(key))
        return (await connection.execute(question)).scalar() == "done"
