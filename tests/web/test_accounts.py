"""Signing in, tokens, members, and the audit log that tells of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from service import passwords
from service.store import accounts, audit, failed_tries
from service.store.tables import audit as audit_table
from service.store.tables import tokens
from tests.living import Living, client_of
from tests.web.people import OPERATOR, OWNER, People, people_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

PASSWORD = "correct horse battery staple"


@pytest.fixture
async def people(penstock: Living) -> People:
    return await people_of(penstock)


async def with_password(penstock: Living, name: str = "grace") -> None:
    async with penstock.house.recorder.record() as record:
        await accounts.add_user(
            record.connection, name, passwords.hash_password(PASSWORD), is_admin=False, now=record.now
        )


async def sign_in(penstock: Living, name: str = "grace", password: str = PASSWORD) -> httpx.Response:
    async with client_of(penstock.url) as browser:
        return await browser.post("/api/session", json={"username": name, "password": password})


async def deeds(penstock: Living) -> list[tuple[str, str]]:
    """(actor, action), oldest first."""
    lines = (await penstock.get("/api/audit", limit=200))["items"]
    return [(line["actor"], line["action"]) for line in reversed(lines)]


async def test_H5_ten_wrong_passwords_make_the_eleventh_wait_even_a_right_one(
    penstock: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_password(penstock)

    wrong = [await sign_in(penstock, password="wrong password here") for _ in range(failed_tries.MOST)]
    blocked = await sign_in(penstock)
    unknown = [await sign_in(penstock, name="nobody") for _ in range(failed_tries.MOST + 1)]

    assert {answer.status_code for answer in wrong} == {401}
    assert blocked.status_code == 429
    assert 0 < int(blocked.headers["retry-after"]) <= failed_tries.WINDOW.total_seconds()
    assert blocked.json()["detail"] == wrong[0].json()["detail"]
    assert [answer.status_code for answer in unknown] == [401] * failed_tries.MOST + [429]
    assert {answer.json()["detail"] for answer in unknown} == {blocked.json()["detail"]}
    later = penstock.house.recorder.now() + failed_tries.WINDOW
    monkeypatch.setattr(penstock.house.recorder, "now", lambda: later)
    assert (await sign_in(penstock)).status_code == 204


async def test_H5_tries_at_once_all_count(penstock: Living) -> None:
    await with_password(penstock)

    answers = await asyncio.gather(*(sign_in(penstock, password="wrong password here") for _ in range(14)))

    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 4


async def test_the_right_password_forgets_the_wrong_ones(penstock: Living) -> None:
    await with_password(penstock)

    for _ in range(2):
        for _ in range(failed_tries.MOST - 1):
            assert (await sign_in(penstock, password="wrong password here")).status_code == 401
        assert (await sign_in(penstock)).status_code == 204


async def test_H4_a_link_makes_the_first_account_and_never_a_second(penstock: Living) -> None:
    async with penstock.house.recorder.record() as record:
        ends = record.now + timedelta(hours=1)
        ticket = await accounts.add_ticket(record.connection, user_id=None, expires_at=ends)

    async with client_of(penstock.url) as browser:
        answer = await browser.get("/sign-in", params={"ticket": ticket})

    assert answer.status_code == 410
    assert "set-cookie" not in answer.headers


async def test_H6_of_two_who_use_a_link_at_once_one_is_let_in(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    async with penstock.house.recorder.record() as record:
        ends = record.now + timedelta(hours=1)
        ticket = await accounts.add_ticket(record.connection, user_id=1, expires_at=ends)

    async def follow() -> int:
        async with client_of(penstock.url) as browser:
            return (await browser.get("/sign-in", params={"ticket": ticket})).status_code

    assert sorted(await asyncio.gather(*(follow() for _ in range(6)))) == [303] + [410] * 5


async def test_H9_who_is_removed_is_out_at_once(penstock: Living, people: People) -> None:
    async with penstock.house.recorder.record() as record:
        await accounts.remove_user(record.connection, OPERATOR)

    assert (await people.ask(OPERATOR, "GET", "/api/pipelines")).status_code == 401


async def test_a_session_ends_with_its_account(penstock: Living) -> None:
    await with_password(penstock)
    async with client_of(penstock.url) as browser:
        await browser.post("/api/session", json={"username": "grace", "password": PASSWORD})
        before = await browser.get("/api/pipelines")
        async with penstock.house.recorder.record() as record:
            await accounts.remove_user(record.connection, "grace")
        after = await browser.get("/api/pipelines")

    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_H7_another_sites_page_changes_nothing_with_the_cookie(
    penstock: Living, headers: dict[str, str], status: int
) -> None:
    await with_password(penstock)
    async with client_of(penstock.url) as browser:
        await browser.post("/api/session", json={"username": "grace", "password": PASSWORD})
        answer = await browser.post("/api/domains", json={"name": "example.com"}, headers=headers)

    assert answer.status_code == status


async def test_H10_strangers_learn_nothing_of_version_or_state(penstock: Living) -> None:
    async with client_of(penstock.url) as stranger:
        health = await stranger.get("/healthz")

    assert health.json() == {"status": "ok"}
    assert "server" not in health.headers


async def test_a_tokens_use_is_noted_once_an_hour(penstock: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    async def used() -> Any:
        async with penstock.house.database.read() as connection:
            return (await connection.execute(select(tokens.c.used_at))).scalar()

    await penstock.get("/api/pipelines")
    first, now = await used(), penstock.house.recorder.now()
    monkeypatch.setattr(penstock.house.recorder, "now", lambda: now + timedelta(minutes=59))
    await penstock.get("/api/pipelines")
    same = await used()
    monkeypatch.setattr(penstock.house.recorder, "now", lambda: now + timedelta(minutes=61))
    await penstock.get("/api/pipelines")

    assert first is not None
    assert same == first
    assert await used() == now + timedelta(minutes=61)


async def test_a_role_is_given_changed_and_taken_away(penstock: Living, people: People) -> None:
    repository = await people.repository()
    path = f"/api/repositories/{repository['id']}/members"

    listed = (await people.ask(OWNER, "GET", path)).json()["items"]
    raised = await people.ask(OWNER, "PUT", f"{path}/operator", {"role": "owner"})
    gone = await people.ask(OPERATOR, "DELETE", f"{path}/owner")
    unseen = await people.ask(OWNER, "GET", path)

    assert listed == [
        {"username": "viewer", "role": "viewer"},
        {"username": "operator", "role": "operator"},
        {"username": "owner", "role": "owner"},
    ]
    assert (raised.json(), gone.status_code, unseen.status_code) == (
        {"username": "operator", "role": "owner"},
        204,
        404,
    )


async def test_it_is_told_how_somebody_signed_in(penstock: Living) -> None:
    await with_password(penstock)
    await sign_in(penstock)
    async with penstock.house.recorder.record() as record:
        ends = record.now + timedelta(hours=1)
        ticket = await accounts.add_ticket(record.connection, user_id=1, expires_at=ends)
    async with client_of(penstock.url) as browser:
        await browser.get("/sign-in", params={"ticket": ticket})

    lines = (await penstock.get("/api/audit", limit=2))["items"]
    found = [(line["actor"], line["action"], line["details"], line["address"]) for line in lines]
    assert found == [
        ("ada", "session.begun", {"by": "link"}, "127.0.0.1"),
        ("grace", "session.begun", {"by": "password"}, "127.0.0.1"),
    ]


async def test_the_last_owner_stays(people: People) -> None:
    repository = await people.repository()
    path = f"/api/repositories/{repository['id']}/members/owner"

    lowered = await people.ask(OWNER, "PUT", path, {"role": "viewer"})
    removed = await people.ask(OWNER, "DELETE", path)
    kept = await people.ask(OWNER, "PUT", path, {"role": "owner"})

    assert (lowered.status_code, removed.status_code, kept.status_code) == (409, 409, 200)


@pytest.mark.parametrize(("username", "status"), [("nobody-at-all", 422), ("%00", 422), ("a%2Fb", 404)])
async def test_only_an_account_becomes_a_member(people: People, username: str, status: int) -> None:
    repository = await people.repository()

    answer = await people.ask(
        OWNER, "PUT", f"/api/repositories/{repository['id']}/members/{username}", {"role": "viewer"}
    )

    assert answer.status_code == status


async def test_who_did_what_is_told_with_where_from(penstock: Living, people: People) -> None:
    repository = await people.repository()
    await people.made(OWNER, "/api/pipelines/generate", {"repository_id": repository["id"], "project_type": "static"})
    pipeline = await people.pipeline_of(repository)
    await people.ask(OWNER, "PUT", f"/api/pipelines/{pipeline}", {"port": 8081})
    await people.ask(OWNER, "DELETE", f"/api/pipelines/{pipeline}")
    await people.ask("viewer", "DELETE", f"/api/pipelines/{pipeline}")

    found = [deed for deed in await deeds(penstock) if deed[0] != "ada"]
    line = (await penstock.get("/api/audit", limit=2))["items"][1]
    told = (line["object"], line["details"], line["address"])
    assert found == [
        ("owner", "repository.connected"),
        ("owner", "member.set"),
        ("owner", "member.set"),
        ("owner", "pipeline.generated"),
        ("owner", "pipeline.changed"),
        ("owner", "pipeline.deleted"),
        ("viewer", "refused"),
    ]
    assert told == (f"pipeline {pipeline}", {"remote": False}, "127.0.0.1")


async def test_the_chain_shows_where_it_was_changed(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    for number in range(5):
        await penstock.client.post("/api/domains", json={"name": f"site-{number}.example.com"})
    whole = await penstock.get("/api/audit/verify")
    async with penstock.house.recorder.record() as record:
        await record.connection.execute(update(audit_table).where(audit_table.c.id == 3).values(actor="mallory"))

    broken = await penstock.get("/api/audit/verify")
    assert (whole["valid"], whole["lines"], whole["broken_at"]) == (True, 6, None)
    assert (broken["valid"], broken["lines"], broken["broken_at"]) == (False, 2, 3)


async def test_lines_written_at_once_follow_one_another(penstock_on_each: Living) -> None:
    penstock = penstock_on_each

    async def act(number: int) -> None:
        async with penstock.house.recorder.record() as record:
            record.audit(audit.CONSOLE, "tried", f"thing {number}")
            record.audit(audit.CONSOLE, "tried", f"thing {number} again")

    await asyncio.gather(*(act(number) for number in range(20)))

    found = await penstock.get("/api/audit/verify")
    assert (found["valid"], found["lines"]) == (True, 41)
