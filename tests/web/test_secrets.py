"""What is secret goes in and comes out nowhere: not in an answer, a stream, a log, the database's bytes."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from service.store.sealed import SEALED
from service.store.tables import metadata
from service.web import variables
from service.web.api import credentials, session
from tests.living import Living
from tests.web.people import ADMIN, OWNER, STRANGER, people_of

pytestmark = pytest.mark.anyio

# One for each way in; each is looked for as it is, in base64 and in a URL.
PLANTED = {
    "variable": "planted-variable-value/+one",
    "changed": "planted-variable-value/+two",
    "environment": "planted-variable-value/+three",
    "token": "planted-access-token-four",
    "client": "planted-client-secret-five",
    "password": "planted-password-six",
    "trigger": "planted-trigger-variable-seven",
}


def spellings(secret: str) -> set[bytes]:
    inside = base64.b64encode(secret.encode())[4:-4]
    return {secret.encode(), inside, quote(secret, safe="").encode()}


def found_in(raw: bytes) -> set[str]:
    return {name for name, secret in PLANTED.items() if any(one in raw for one in spellings(secret))}


def bytes_below(directory: Path) -> bytes:
    """The database, its write-ahead log, and whatever else was written."""
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


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
    return answers


async def test_H_no_planted_secret_is_found_anywhere(
    penstock: Living, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    people = await people_of(penstock)
    answers = await plant(penstock)
    pipeline = (await penstock.get("/api/pipelines"))["items"][0]["id"]

    told = b"".join(answer.content + str(answer.headers).encode() for answer in answers)
    for role in (ADMIN, OWNER, STRANGER):
        for path in (
            "/api/credentials",
            "/api/pipelines",
            f"/api/pipelines/{pipeline}",
            f"/api/pipelines/{pipeline}/environments",
            f"/api/pipelines/{pipeline}/revisions/1",
            "/api/repositories",
            "/api/deliveries",
            "/api/audit?limit=200",
            "/",
            f"/pipelines/{pipeline}",
        ):
            told += (await people.ask(role, "GET", path)).content
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
