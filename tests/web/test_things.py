"""Credentials, domains and environments by the API, and how many of each there may be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from service import render
from service.configs import Request as GenerationRequest
from service.configs import generate
from service.projects.model import Detection
from service.web import limits, operation
from service.web.variables import OF_THE_STEPS
from tests.living import Living, push
from tests.web.people import OWNER, STRANGER, People, people_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def people(penstock: Living) -> People:
    return await people_of(penstock)


# ── credentials


@pytest.mark.parametrize(
    ("wanted", "account"),
    [
        ({"kind": "access_token", "token": "ATCTT3xFfGN0abc"}, None),
        ({"kind": "access_token", "name": "shop", "token": "ATCTT3xFfGN0abc"}, None),
        ({"kind": "api_token", "email": "ada@example.com", "token": "ATATT3xFfGF0abc"}, "ada@example.com"),
        ({"kind": "oauth_client", "client_id": "key", "client_secret": "secret-of-it"}, "key"),
    ],
)
async def test_a_credential_is_kept_and_its_secret_not_told(
    penstock: Living, wanted: dict[str, str], account: str | None
) -> None:
    answer = await penstock.client.post("/api/credentials", json=wanted)
    listed = await penstock.client.get("/api/credentials")

    made = answer.json()
    assert answer.status_code == 201
    assert (made["kind"], made["account"], made["secret_set"], made["broken"]) == (wanted["kind"], account, True, None)
    assert listed.json()["items"] == [made]
    secret = wanted.get("token") or wanted["client_secret"]
    assert secret not in answer.text + listed.text


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/api/credentials", {"kind": "access_token", "token": "ATCTT3xFfGN0abc"}),
        ("/api/domains", {"name": "example.com"}),
        ("/api/notifications", {"name": "ours", "target": {"kind": "webhook", "url": "https://ops.example/in/told"}}),
    ],
)
async def test_an_id_that_the_audit_log_names_is_never_anothers(
    penstock: Living, path: str, wanted: dict[str, Any]
) -> None:
    first = (await penstock.client.post(path, json=wanted)).json()["id"]
    removed = await penstock.client.delete(f"{path}/{first}")
    second = (await penstock.client.post(path, json=wanted)).json()["id"]

    assert removed.status_code == 204
    assert second > first


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"kind": "app_password", "token": "x"}, "kind"),
        ({"kind": "access_token", "token": "ATBBxyz"}, "token"),
        ({"kind": "password", "token": "x"}, "kind"),
        ({"kind": "access_token"}, "token"),
        ({"kind": "access_token", "token": "two words"}, "token"),
        ({"kind": "access_token", "token": "x", "email": "ada@example.com"}, "email"),
        ({"kind": "api_token", "token": "x"}, "email"),
        ({"kind": "api_token", "token": "x", "email": "ada"}, "email"),
        ({"kind": "oauth_client", "client_id": "key"}, "client_secret"),
        ({"kind": "oauth_client", "client_secret": "secret"}, "client_id"),
        ({"kind": "access_token", "token": "x", "user_id": 7}, "user_id"),
    ],
)
async def test_a_credential_that_cannot_work_is_refused_by_its_field(
    penstock: Living, wanted: dict[str, Any], field: str
) -> None:
    answer = await penstock.client.post("/api/credentials", json=wanted)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_app_passwords_are_refused_with_the_reason_and_what_to_make_instead(penstock: Living) -> None:
    answer = await penstock.client.post("/api/credentials", json={"kind": "app_password", "token": "x"})

    assert "removed app passwords" in answer.json()["detail"]
    assert "API token" in answer.json()["detail"]


async def test_a_credential_that_a_repository_works_with_stays(penstock: Living) -> None:
    made = (await penstock.client.post("/api/credentials", json={"kind": "access_token", "token": "ATCTT3x"})).json()
    wanted = {"workspace": "acme", "slug": "blog", "credential_id": made["id"]}
    repository = (await penstock.client.post("/api/repositories", json=wanted)).json()

    used = await penstock.client.delete(f"/api/credentials/{made['id']}")
    await penstock.client.delete(f"/api/repositories/{repository['id']}")
    free = await penstock.client.delete(f"/api/credentials/{made['id']}")

    assert (used.status_code, free.status_code) == (409, 204)
    assert "acme/blog" in used.json()["detail"]


async def test_nobody_connects_with_somebody_elses_credential(people: People) -> None:
    theirs = await people.made(OWNER, "/api/credentials", {"kind": "access_token", "token": "ATCTT3x"})

    for path in ("/api/repositories", "/api/pipelines/generate"):
        wanted = {"workspace": "acme", "slug": "mine", "credential_id": theirs["id"]}
        answer = await people.ask(STRANGER, "POST", path, wanted)
        assert answer.status_code == 422, answer.text
        assert [error["field"] for error in answer.json()["errors"]] == ["credential_id"]
    assert (await people.ask(STRANGER, "GET", "/api/repositories")).json()["items"] == []


# ── domains


async def test_a_domain_is_kept_in_one_spelling(penstock: Living) -> None:
    answer = await penstock.client.post("/api/domains", json={"name": "Bücher.Example", "email": "ada@example.com"})
    changed = await penstock.client.put(f"/api/domains/{answer.json()['id']}", json={"dns_provider": "Hetzner"})
    again = await penstock.client.post("/api/domains", json={"name": "xn--bcher-kva.example"})

    assert (answer.status_code, answer.json()["name"]) == (201, "xn--bcher-kva.example")
    assert (changed.json()["email"], changed.json()["dns_provider"]) == ("ada@example.com", "Hetzner")
    assert again.status_code == 409


@pytest.mark.parametrize(
    "name", ["", "localhost", "10.0.0.1", "a b.example", "*.example.com", "example.com;", "-a.example", "a" * 300]
)
async def test_what_is_no_domain_is_refused(penstock: Living, name: str) -> None:
    answer = await penstock.client.post("/api/domains", json={"name": name})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]


@pytest.mark.parametrize("domain", ["example.com", "EXAMPLE.com", "shop.example.com"])
async def test_somebody_elses_domain_is_not_served(people: People, domain: str) -> None:
    await people.made(STRANGER, "/api/domains", {"name": "example.com"})
    repository = await people.repository()
    wanted = {"repository_id": repository["id"], "project_type": "static", "domain": domain}

    generated = await people.ask(OWNER, "POST", "/api/pipelines/generate", wanted)
    pipeline = await people.pipeline_of(repository)
    changed = await people.ask(OWNER, "PUT", f"/api/pipelines/{pipeline}", {"domain": domain})
    path = f"/api/pipelines/{pipeline}/environments"
    environment = {"name": "staging", "kind": "staging", "branch_pattern": "develop", "domain": domain}
    added = await people.ask(OWNER, "POST", path, environment)

    for answer in (generated, changed, added):
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["domain"]


async def test_ones_own_domain_and_nobodys_are_served_and_give_the_certificates_address(people: People) -> None:
    await people.made(OWNER, "/api/domains", {"name": "example.com", "email": "certificates@example.com"})
    first, second = await people.repository(), await people.repository()

    own = await people.made(
        OWNER,
        "/api/pipelines/generate",
        {"repository_id": first["id"], "project_type": "static", "domain": "example.com", "subdomain": "shop"},
    )
    wanted = {"repository_id": second["id"], "project_type": "static", "domain": "a.example"}
    nobodys = await people.made(OWNER, "/api/pipelines/generate", wanted)

    assert "certificates@example.com" in own["certbot_command"]
    assert "shop.example.com" in own["certbot_command"]
    assert "a.example" in nobodys["nginx_config"]


async def test_a_name_below_somebody_elses_domain_is_his(people: People) -> None:
    await people.made(STRANGER, "/api/domains", {"name": "example.com"})

    below = await people.ask(OWNER, "POST", "/api/domains", {"name": "shop.example.com"})
    same = await people.ask(OWNER, "POST", "/api/domains", {"name": "example.com"})

    assert (below.status_code, same.status_code) == (422, 409)


# ── environments

STAGING = {"name": "staging", "kind": "staging", "branch_pattern": "release/*"}


async def environments_of(penstock: Living) -> str:
    pipeline = (await penstock.get("/api/pipelines"))["items"][0]
    return f"/api/pipelines/{pipeline['id']}/environments"


async def test_an_environment_has_what_was_asked_for_it(penstock: Living) -> None:
    path = await environments_of(penstock)
    wanted = {
        **STAGING,
        "server_ip": "10.0.0.8",
        "domain": "example.com",
        "subdomain": "staging",
        "port": 8082,
        "requires_approval": True,
        "rollback_policy": "on_failure",
        "when_busy": "queue",
        "health_check": {"path": "/healthz"},
        "keep_variable_values": True,
        "commit_status": True,
        "environment_variables": [{"key": "MODE", "value": "staging"}],
    }

    answer = await penstock.client.post(path, json=wanted)

    probe = {"path": "/healthz", "expected_status": 200, "timeout_seconds": 5, "attempts": 5, "interval_seconds": 2}
    assert answer.status_code == 201
    assert answer.json() == {
        **wanted,
        "health_check": probe,
        "environment_variables": [{"key": "MODE", "secured": False, "value": "staging"}],
        "hold": None,
        "lock": None,
        "live_execution_id": None,
    }
    assert await penstock.get(f"{path}/staging") == answer.json()
    assert [one["name"] for one in (await penstock.get(path))["items"]] == ["production", "staging"]


@pytest.mark.parametrize("name", ["production", "Production", "staging"])
async def test_an_existing_name_is_a_conflict(penstock: Living, name: str) -> None:
    path = await environments_of(penstock)
    await penstock.client.post(path, json=STAGING)

    assert (await penstock.client.post(path, json={**STAGING, "name": name})).status_code == 409


async def test_of_many_of_one_name_at_once_one_is_made(penstock_on_each: Living) -> None:
    path = await environments_of(penstock_on_each)

    answers = await asyncio.gather(*(penstock_on_each.client.post(path, json=STAGING) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_fields_are_changed_one_by_one_and_taken_away_by_null(penstock: Living) -> None:
    path = await environments_of(penstock)
    await penstock.client.post(path, json={**STAGING, "port": 8082, "health_check": {"path": "/"}})

    first = (await penstock.client.put(f"{path}/staging", json={"when_busy": "supersede"})).json()
    second = (await penstock.client.put(f"{path}/staging", json={"port": None, "health_check": None})).json()

    assert (first["when_busy"], first["port"]) == ("supersede", 8082)
    assert (second["when_busy"], second["port"], second["health_check"]) == ("supersede", None, None)


async def test_the_last_environment_stays(penstock: Living) -> None:
    path = await environments_of(penstock)
    await penstock.client.post(path, json=STAGING)

    assert (await penstock.client.delete(f"{path}/production")).status_code == 204
    assert (await penstock.client.delete(f"{path}/production")).status_code == 404
    assert (await penstock.client.delete(f"{path}/staging")).status_code == 409


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "../x"}, "name"),
        ({"kind": "playground"}, "kind"),
        ({"branch_pattern": "a b"}, "branch_pattern"),
        ({"branch_pattern": "x;y"}, "branch_pattern"),
        ({"domain": "a_b.example"}, "domain"),
        ({"server_ip": "$(id)"}, "server_ip"),
        ({"port": -1}, "port"),
        ({"port": True}, "port"),
        ({"rollback_policy": "always"}, "rollback_policy"),
        ({"health_check": {}}, "health_check"),
        ({"health_check": {"path": "/", "url": "https://a.example/"}}, "health_check"),
        ({"health_check": {"path": "healthz"}}, "health_check.path"),
        ({"health_check": {"url": "file:///etc/passwd"}}, "health_check.url"),
        ({"health_check": {"url": "https://user:word@a.example/"}}, "health_check.url"),
        ({"health_check": {"url": "http://a.example/"}}, "health_check.url"),
        ({"health_check": {"url": "https://127.0.0.1/"}}, "health_check.url"),
        ({"health_check": {"url": "https://[::1]/"}}, "health_check.url"),
        ({"health_check": {"url": "https://localhost/"}}, "health_check.url"),
        ({"health_check": {"url": "https://0x7f000001/"}}, "health_check.url"),
        ({"health_check": {"url": "https://2130706433/"}}, "health_check.url"),
        ({"health_check": {"url": "https://169.254.169.254/latest"}}, "health_check.url"),
        ({"health_check": {"url": "https://[::ffff:10.0.0.1]/"}}, "health_check.url"),
        ({"health_check": {"path": "/", "attempts": 10**30}}, "health_check.attempts"),
        ({"health_check": {"path": "/", "interval_seconds": -1}}, "health_check.interval_seconds"),
        ({"pipeline_id": 7}, "pipeline_id"),
    ],
)
async def test_H12_H13_what_no_environment_can_be_is_refused_by_its_field(
    penstock: Living, wanted: dict[str, Any], field: str
) -> None:
    answer = await penstock.client.post(await environments_of(penstock), json={**STAGING, **wanted})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_variables_of_the_steps_are_those_that_generation_asks_people_for() -> None:
    asked = {
        variable.name
        for kind in ("static", "node", "docker")
        for variable in generate(
            Detection(type=kind, confidence=1.0), GenerationRequest(domain="example.com"), render.environment()
        ).variables
    }

    assert asked == OF_THE_STEPS


# ── limits


@pytest.mark.parametrize(
    ("limit", "path", "body"),
    [
        ("CREDENTIALS", "/api/credentials", {"kind": "access_token", "token": "ATCTT3x"}),
        ("DOMAINS", "/api/domains", {"name": "example.com"}),
        ("REPOSITORIES", "/api/repositories", {"workspace": "acme", "slug": "blog"}),
        ("ENVIRONMENTS", "environments", STAGING),
    ],
)
async def test_a_limit_is_named_when_it_is_reached(
    penstock: Living, monkeypatch: pytest.MonkeyPatch, limit: str, path: str, body: dict[str, Any]
) -> None:
    known = getattr(limits, limit)
    reached = 0 if limit in ("CREDENTIALS", "DOMAINS") else 1  # a repository and its environment are there
    monkeypatch.setattr(limits, limit, replace(known, most=reached))

    answer = await penstock.client.post(path if path.startswith("/") else await environments_of(penstock), json=body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [known.what]
    assert "at most" in answer.json()["detail"]


async def test_a_pipeline_has_five_hundred_variables_and_no_more(penstock: Living) -> None:
    pipeline = (await penstock.get("/api/pipelines"))["items"][0]
    many = [{"key": f"V{number}", "value": "1"} for number in range(limits.VARIABLES.most)]
    path = f"/api/pipelines/{pipeline['id']}"

    full = await penstock.client.put(path, json={"environment_variables": many})
    over = await penstock.client.put(path, json={"environment_variables": [*many, {"key": "ONE", "value": "1"}]})
    more = {**STAGING, "environment_variables": [{"key": "ONE", "value": "1"}]}
    beside = await penstock.client.post(f"{path}/environments", json=more)

    assert (full.status_code, over.status_code, beside.status_code) == (200, 422, 422)


async def test_a_call_that_takes_too_long_is_undone_and_answered_503(
    penstock: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "SECONDS", 0.05)
    async with penstock.house.database.write():  # somebody else is writing, and does not end
        answer = await penstock.client.post("/api/domains", json={"name": "example.com"})

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    monkeypatch.undo()
    assert (await penstock.get("/api/domains"))["items"] == []


async def test_a_pattern_with_a_choice_deploys_what_it_matches(penstock: Living) -> None:
    path = await environments_of(penstock)
    made = await penstock.client.post(path, json={**STAGING, "branch_pattern": "release/{1,2}.?"})

    for branch in ("release/1.x", "release/2.y", "release/3.x", "release/1.xy"):
        await penstock.deliver("repo:push", push(branch, branch.encode().hex()[-8:] * 5))
    found = {one["branch"]: one["environment"] for one in await penstock.executions()}

    assert made.status_code == 201, made.text
    assert found == {"release/1.x": "staging", "release/2.y": "staging"}


@pytest.mark.parametrize("value", ["", "short", "1234567"])
async def test_F7_a_secret_too_short_to_be_masked_is_422_and_says_so(penstock: Living, value: str) -> None:
    path = (await environments_of(penstock)).removesuffix("/environments")
    body = {"environment_variables": [{"key": "TOKEN", "value": value, "secured": True}]}

    answer = await penstock.client.put(path, json=body)

    [error] = answer.json()["errors"]
    assert answer.status_code == 422
    assert error["field"] == "environment_variables[0].value"
    assert "8 characters" in error["message"]
    assert "masked in logs" in error["message"]
