"""Row H: who somebody is, and what he may. What tests/web/test_rights.py asks of every operation is not asked again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from service.settings import BadSetting, from_environ
from service.store import refusals as refused_lately
from service.store.tables import refusals
from service.web.api import OPERATIONS
from service.web.operation import Right
from tests.living import Hook, Living, push
from tests.web.people import NOBODY, OPERATOR, OWNER, READER, STRANGER, VIEWER, People, people_of

pytestmark = pytest.mark.anyio

ENORMOUS = 10**30


@pytest.fixture(scope="module")
async def people(penstock: Living) -> People:
    return await people_of(penstock)


async def lines(people: People, actor: str) -> list[dict[str, Any]]:
    """What the audit log says was refused to somebody, the newest first."""
    found = (await people.penstock.get("/api/audit", limit=200))["items"]
    return [line for line in found if line["action"] == "refused" and line["actor"] == actor]


async def test_H11_what_is_refused_on_an_environment_is_told_with_who_what_and_from_where(people: People) -> None:
    repository = await people.repository()
    path = f"/api/pipelines/{await people.pipeline_of(repository)}/environments/production"

    answer = await people.ask(OPERATOR, "PUT", path, {"port": 8081})
    [line, *_] = await lines(people, OPERATOR)

    assert answer.status_code == 403
    assert line["object"] == f"PUT {path}"
    assert line["address"] == "127.0.0.1"
    assert line["details"]["why"] == answer.json()["detail"]
    assert line["details"]["token_id"] > 0


async def test_H11_a_token_that_may_only_look_and_an_account_that_is_no_administrator_are_told_too(
    people: People,
) -> None:
    repository = await people.repository()
    pipeline = await people.pipeline_of(repository)

    await people.ask(READER, "DELETE", f"/api/pipelines/{pipeline}")
    await people.ask(STRANGER, "GET", "/api/audit")

    assert [line["object"] for line in await lines(people, OWNER)] == [f"DELETE /api/pipelines/{pipeline}"]
    assert [line["object"] for line in await lines(people, STRANGER)] == ["GET /api/audit"]


async def test_H11_what_one_may_not_even_see_is_no_refusal(people: People) -> None:
    repository = await people.repository()
    before = await lines(people, STRANGER)

    assert (await people.ask(STRANGER, "DELETE", f"/api/repositories/{repository['id']}")).status_code == 404

    assert await lines(people, STRANGER) == before


async def test_H11_who_asks_again_and_again_fills_no_table(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = await people.repository()
    pipeline = await people.pipeline_of(repository)
    recorder = people.penstock.house.recorder

    async def ask(name: str) -> int:
        path = f"/api/pipelines/{pipeline}/environments/{name}"
        return (await people.ask(VIEWER, "PUT", path, {"port": 8081})).status_code

    again = {await ask("production") for _ in range(10)}
    once = await lines(people, VIEWER)
    await asyncio.gather(*(ask(f"place-{number}") for number in range(refused_lately.MOST * 2)))
    told = await lines(people, VIEWER)
    async with people.penstock.house.database.read() as connection:
        rows = (await connection.execute(select(func.count()).select_from(refusals))).scalar_one()

    assert again == {403}
    assert [line["object"] for line in once] == [f"PUT /api/pipelines/{pipeline}/environments/production"]
    assert len(told) == refused_lately.MOST
    assert [line["details"].get("last_of_the_hour") for line in told].count(True) == 1
    assert rows <= 4 * (refused_lately.MOST + 2)
    later = recorder.now() + refused_lately.WINDOW
    monkeypatch.setattr(recorder, "now", lambda: later)
    await ask("production")
    assert len(await lines(people, VIEWER)) == refused_lately.MOST + 1


# What makes Penstock speak to somebody else, with a body that is right.
OUTGOING = {
    "/trigger": {"branch": "main"},
    "/sync-env": {"dry_run": True},
    "/regenerate": None,
}


@pytest.mark.parametrize("path", OUTGOING)
async def test_H8_who_may_only_look_makes_penstock_call_nobody(people: People, path: str) -> None:
    repository = await people.repository()
    pipeline = await people.pipeline_of(repository)
    made = await people.made(OWNER, "/api/credentials", {"kind": "access_token", "token": "ATCTT3xFfGN0"})

    answer = await people.ask(VIEWER, "POST", f"/api/pipelines/{pipeline}{path}", OUTGOING[path])

    assert made["broken"] is None
    assert answer.status_code == 403


def test_H8_no_operation_that_only_looks_is_made_by_a_call_that_changes_something() -> None:
    looking = {f"{one.method} {one.path}" for one in OPERATIONS if one.method != "GET" and one.right is Right.SEE}

    assert looking == set()


@pytest.mark.parametrize("value", [0, -1, 65536, 2**63, ENORMOUS, 8080.5, "8080", True])
async def test_H13_a_port_that_is_none_is_422(people: People, value: Any) -> None:
    pipeline = await people.pipeline_of(await people.repository())

    answer = await people.ask(OWNER, "PUT", f"/api/pipelines/{pipeline}", {"port": value})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["port"]


@pytest.mark.parametrize("value", [0, -1, 2**63, ENORMOUS, 1e400])
async def test_H13_a_probe_without_end_is_422(people: People, value: float) -> None:
    pipeline = await people.pipeline_of(await people.repository())
    path = f"/api/pipelines/{pipeline}/environments/production"

    for name in ("attempts", "interval_seconds", "timeout_seconds", "expected_status"):
        body = f'{{"health_check": {{"path": "/", "{name}": {str(value).replace("inf", "1e400")}}}}}'
        headers = {**people.as_(OWNER), "Content-Type": "application/json"}
        answer = await people.penstock.client.put(path, content=body.encode(), headers=headers)
        assert answer.status_code in ((200, 422) if (name, value) == ("interval_seconds", 0) else (400, 422)), name


@pytest.mark.parametrize(
    "number", ["-1", "9223372036854775808", str(ENORMOUS), "1.5", "\N{FULLWIDTH DIGIT ONE}", "9" * 5000]
)
async def test_H13_a_number_that_no_row_has_is_404_in_a_path_and_422_in_a_query(people: People, number: str) -> None:
    client = people.penstock.client

    for path in ("/api/repositories/", "/api/pipelines/", "/api/executions/", "/api/domains/", "/api/credentials/"):
        method = "DELETE" if "credentials" in path else "GET"
        assert (await client.request(method, f"{path}{number}")).status_code == 404, path
    for path in ("/api/repositories?limit=", "/api/pipelines?repository_id=", "/api/audit?limit="):
        assert (await client.get(f"{path}{number}")).status_code == 422, path


@pytest.mark.parametrize("value", ["-1", "0", str(ENORMOUS), "nan", "inf"])
@pytest.mark.parametrize("name", ["KEEP_ENTRIES_DAYS", "RECONCILE_SECONDS", "RATE_BUDGET_PER_HOUR", "MAX_BODY_BYTES"])
def test_H13_a_setting_without_measure_is_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        from_environ({f"PENSTOCK_{name}": value})


async def test_A15_who_is_named_as_a_commits_author_decides_nothing_by_that(people: People) -> None:
    repository = await people.repository()
    wrote = push("main", "d" * 40)
    wrote["push"]["changes"][0]["new"]["target"]["author"]["raw"] = f"{OPERATOR} <{OPERATOR}@example.com>"
    wrote["actor"] = {"type": "user", "nickname": OPERATOR, "display_name": OPERATOR, "uuid": f"{{{OPERATOR}}}"}
    webhook = repository["webhook"]
    hook = Hook(repository["id"], repository["full_name"], webhook["url"], webhook["secret"])
    await people.penstock.deliver("repo:push", wrote, hook=hook)
    [execution] = await people.penstock.executions(hook)
    path = f"/api/executions/{execution['id']}/approve"

    for role, status in ((NOBODY, 401), (STRANGER, 404), (VIEWER, 403)):
        assert (await people.ask(role, "POST", path, {"comment": f"by {OPERATOR}"})).status_code == status
    await people.ask(OWNER, "DELETE", f"/api/repositories/{repository['id']}/members/{OPERATOR}")
    removed = await people.ask(OPERATOR, "POST", path)

    assert execution["author"] == OPERATOR
    assert removed.status_code == 404
