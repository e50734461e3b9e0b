"""What is secret goes in and comes out nowhere: not in an answer, a stream, a log, the database's bytes."""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import Route

from service.store.sealed import SEALED
from service.store.tables import metadata
from service.web import pages, variables
from service.web.api import OPERATIONS, credentials, session
from tests.living import Living, push, status
from tests.web.people import ADMIN, OWNER, STRANGER, people_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# One for each way in; each is looked for as it is, in base64 and in a URL.
PLANTED = {
    "variable": "planted-variable-value/+one",
    "changed": "planted-variable-value/+two",
    "environment": "planted-variable-value/+three",
    "token": "planted-access-token-four",
    "client": "planted-client-secret-five",
    "password": "planted-password-six",
    "trigger": "planted-trigger-variable-seven",
    "kept": "planted-kept-variable-value/+eight",
    "target": "planted-path-of-a-target-nine",
    "moved": "planted-path-of-a-target-ten",
    "forgotten": "planted-access-token-eleven",
    "link": "planted-token-of-a-link-twelve",
}

# What a webhook's messages are signed with.
SIGNING = {"signing": b"planted-signing-key-of-24", "resigning": b"planted-resigning-key-24b"}
PLANTED |= {name: f"whsec_{base64.b64encode(key).decode()}" for name, key in SIGNING.items()}


def spellings(secret: str) -> set[bytes]:
    inside = base64.b64encode(secret.encode())[4:-4]
    return {secret.encode(), inside, quote(secret, safe="").encode()}


def found_in(raw: bytes) -> set[str]:
    return {name for name, secret in PLANTED.items() if any(one in raw for one in spellings(secret))}


def bytes_below(directory: Path) -> bytes:
    """The database, its write-ahead log, and whatever else was written."""
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


Send = Callable[..., Awaitable[httpx.Response]]


async def plant(penstock: Living) -> list[httpx.Response]:
    """Sends each secret by each call that takes one; what was answered."""
    client, answers = penstock.client, []

    async def send(method: str, path: str, body: Any, **headers: str) -> httpx.Response:
        answer = await client.request(method, path, json=body, headers=headers)
        answers.append(answer)
        return answer

    await send(
        "POST", "/api/credentials", {"kind": "access_token", "token": PLANTED["token"]}, **{"Idempotency-Key": "1"}
    )
    oauth = {"kind": "oauth_client", "client_id": "key", "client_secret": PLANTED["client"]}
    await send("POST", "/api/credentials", oauth)
    await send("POST", "/api/credentials", {"kind": "api_token", "token": PLANTED["token"]})  # lacks its e-mail: 422
    await send("POST", "/api/credentials", {"kind": "app_password", "token": PLANTED["token"]})
    wanted = {
        "repository_id": penstock.hook.id,
        "project_type": "react",
        "environment_variables": [{"key": "TOKEN", "value": PLANTED["variable"], "secured": True}],
    }
    made = (await send("POST", "/api/pipelines/generate", wanted, **{"Idempotency-Key": "2"})).json()
    path = f"/api/pipelines/{made['id']}"
    changed = {"environment_variables": [{"key": "TOKEN", "value": PLANTED["changed"], "secured": True}]}
    await send("PUT", path, changed)
    broken = {"environment_variables": [{"key": "not a key", "value": PLANTED["changed"], "secured": True}]}
    await send("PUT", path, broken)
    await send(
        "PUT", path, {"environment_variables": [{"key": "A", "value": f"{PLANTED['changed']}\n", "secured": True}]}
    )
    staging = {
        "name": "staging",
        "kind": "staging",
        "branch_pattern": "develop",
        "environment_variables": [{"key": "TOKEN", "value": PLANTED["environment"], "secured": True}],
    }
    await send("POST", f"{path}/environments", staging)
    await send("PUT", f"{path}/environments/staging", {"environment_variables": staging["environment_variables"]})
    await send("POST", "/api/session", {"username": "ada", "password": PLANTED["password"]})
    wish = {"branch": "main", "variables": [{"key": "TOKEN", "value": PLANTED["trigger"], "secured": True}]}
    await send("POST", f"{path}/trigger", wish)
    await send("POST", f"{path}/regenerate", None)
    await send("POST", "/api/domains", {"name": "example.com", "dns_provider": "somebody"})
    await plant_in_a_release(penstock, path, send)
    await plant_in_a_route(send)
    gone = (await send("POST", "/api/credentials", {"kind": "access_token", "token": PLANTED["forgotten"]})).json()
    await send("DELETE", f"/api/credentials/{gone['id']}", None)
    await send("GET", f"/approvals/1?token={PLANTED['link']}", None)
    await client.post("/approvals/1", content=f"token={PLANTED['link']}&decision=approve".encode())
    return answers


async def plant_in_a_release(penstock: Living, path: str, send: Send) -> None:
    """A value that a release has kept, and that has changed since: a rollback would bring it back."""

    def kept(value: str) -> dict[str, Any]:
        variable = {"key": "KEPT", "value": value, "secured": True}
        return {"keep_variable_values": True, "environment_variables": [variable]}

    await send("PUT", f"{path}/environments/production", kept(PLANTED["kept"]))
    for number, commit in enumerate(("a" * 40, "b" * 40), start=1):
        await penstock.deliver("repo:push", push("main", commit))
        at = f"2026-03-01T09:3{number}:00.000000+00:00"
        await penstock.deliver("repo:commit_status_updated", status(number, "SUCCESSFUL", commit, at=at))
        await penstock.settled()
        await send("PUT", f"{path}/environments/production", kept(PLANTED["environment"]))
    plan = await send("POST", f"{path}/rollback", {"environment": "production", "dry_run": True})
    assert plan.json()["variables"] == [{"key": "KEPT", "change": "changed", "secured": True}], plan.text
    await send("POST", f"{path}/rollback", {"environment": "production", "reason": "it is slow"})


async def plant_in_a_route(send: Send) -> None:
    """Where messages go and what they are signed with, kept and replaced; and what is refused."""
    target = {"kind": "webhook", "url": f"https://hooks.example/{PLANTED['target']}", "secret": PLANTED["signing"]}
    made = (await send("POST", "/api/notifications", {"name": "us", "target": target})).json()
    moved = {**target, "url": f"https://hooks.example/{PLANTED['moved']}", "secret": PLANTED["resigning"]}
    path = f"/api/notifications/{made['id']}"
    await send("PUT", path, {"target": moved})
    await send("POST", f"{path}/test", None)
    await send("POST", f"{path}/preview", None)
    for refused in (
        {"kind": "slack", "url": f"http://127.0.0.1/{PLANTED['target']}"},
        {"kind": "slack", "url": f"https://{PLANTED['target']}@hooks.example/"},
        {"kind": "email", "url": f"https://hooks.example/{PLANTED['target']}"},
        {"kind": "webhook", "url": "https://hooks.example/", "secret": PLANTED["signing"][:-3]},
    ):
        answer = await send("POST", "/api/notifications", {"name": "us", "target": refused})
        assert answer.status_code == 422, answer.text


async def shown(penstock: Living) -> dict[str, str]:
    """Every address from which anything is read, about what was planted."""
    pipeline = (await penstock.get("/api/pipelines"))["items"][0]
    execution = (await penstock.executions())[0]["id"]
    of = {
        "/api/deliveries": (await penstock.get("/api/deliveries", limit=1))["items"][0]["id"],
        "/api/domains": 1,
        "/api/executions": execution,
        "/approvals": execution,
        "/executions": execution,
        "/api/notifications": (await penstock.get("/api/notifications"))["items"][0]["id"],
        "/api/repositories": pipeline["repository"]["id"],
        "/api/pipelines": pipeline["id"],
        "/pipelines": pipeline["id"],
    }
    addresses = [one.path for one in OPERATIONS if one.method == "GET" and one.plain]
    addresses += [route.path for route in pages.routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    found = {}
    for address in addresses:
        number = next((of[start] for start in of if address.startswith(f"{start}/")), None)
        found[address] = address.format(id=number, name="production", number=1)
    return found


async def test_F1_F8_H_no_planted_secret_is_found_anywhere(
    penstock: Living, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    people = await people_of(penstock)
    answers = await plant(penstock)
    addresses = await shown(penstock)

    told = b"".join(answer.content + str(answer.headers).encode() for answer in answers)
    for role in (ADMIN, OWNER, STRANGER):
        for path in addresses.values():
            answer = await people.ask(role, "GET", path)
            assert role != ADMIN or answer.status_code in (200, 303) or "bitbucket" in path, f"{path}: {answer.text}"
            told += answer.content
    told += (await penstock.client.get("/api/audit?limit=200")).content
    assert found_in(told) == set()

    async with penstock.client.stream("GET", "/api/events?after=0") as stream:
        heard = b""
        async for chunk in stream.aiter_raw():
            heard += chunk
            if b"environment.changed" in heard:
                break
    assert found_in(heard) == set()

    logged = "\n".join(f"{line.getMessage()} {line.__dict__} {line.exc_text}" for line in caplog.records)
    assert found_in(logged.encode()) == set()
    stored = bytes_below(tmp_path)
    assert len(stored) > 100_000
    assert found_in(stored) == set()


async def test_what_is_shown_once_is_not_in_the_database_either(penstock: Living, tmp_path: Path) -> None:
    wanted = {"workspace": "acme", "slug": "blog"}
    headers = {"Idempotency-Key": "shown once"}
    first = await penstock.client.post("/api/repositories", json=wanted, headers=headers)
    again = await penstock.client.post("/api/repositories", json=wanted, headers=headers)

    secret = first.json()["webhook"]["secret"]
    stored = bytes_below(tmp_path)
    assert again.json() == first.json()
    assert secret.encode() not in stored
    assert penstock.token.encode() not in stored


def test_every_sealed_column_is_among_those_that_a_rotation_seals_anew() -> None:
    plain = {"deliveries.digest", "deliveries.body", "log_pieces.body", "looks.paths", "messages.body"}
    binary = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if "LargeBinary" in repr(column.type)
    }

    assert {f"{one.column.table.name}.{one.column.name}" for one in SEALED} == binary - plain


@pytest.mark.parametrize("kind", ["NewCredential", "VariableBody", "SigningIn"])
def test_a_body_with_a_secret_in_it_does_not_show_it(kind: str) -> None:
    made = {
        "NewCredential": lambda: credentials.NewCredential(kind="access_token", token="hidden-secret"),
        "VariableBody": lambda: variables.VariableBody(key="A", value="hidden-secret"),
        "SigningIn": lambda: session.SigningIn("ada", "hidden-secret"),
    }[kind]()

    assert "hidden-secret" not in repr(made)
