"""Every operation, every page, every stream: who gets which answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.routing import Route

from service.web import pages
from service.web.api import OPERATIONS
from service.web.operation import Right
from tests.living import living
from tests.web.people import ADMIN, NOBODY, OWNER, ROLES, People, people_of

pytestmark = pytest.mark.anyio

# Operation → the answer for nobody, a stranger, viewer, operator, owner, administrator, and an owner whose token may
# only look. What somebody may not see is not there for him (404); what he may see and not do is refused (403).
EVERYBODY, ITS_OWN = "401 200 200 200 200 200 200", "401 404 404 404 200 200 200"
SEEN = "401 404 200 200 200 200 200"
TABLE = {
    "POST /api/session": "401 401 401 401 401 401 401",  # a wrong password is one, whoever says it
    "DELETE /api/session": "401 204 204 204 204 204 204",
    "GET /api/notifications": EVERYBODY,
    "POST /api/notifications": "401 201 201 201 201 201 403",
    "GET /api/notifications/{id}": "401 404 404 404 200 200 200",
    "PUT /api/notifications/{id}": "401 404 404 404 200 200 403",
    "DELETE /api/notifications/{id}": "401 404 404 404 204 204 403",
    "POST /api/notifications/{id}/test": "401 404 404 404 202 202 403",
    "POST /api/notifications/{id}/preview": "401 404 404 404 200 200 200",
    "GET /api/notifications/{id}/messages": "401 404 404 404 200 200 200",
    "POST /api/notifications/{id}/send-again": "401 404 404 404 202 202 403",
    "GET /api/credentials": EVERYBODY,
    "POST /api/credentials": "401 201 201 201 201 201 403",
    "DELETE /api/credentials/{id}": "401 404 404 404 204 204 403",
    "GET /api/domains": EVERYBODY,
    "POST /api/domains": "401 201 201 201 201 201 403",
    "GET /api/domains/{id}": ITS_OWN,
    "PUT /api/domains/{id}": "401 404 404 404 200 200 403",
    "DELETE /api/domains/{id}": "401 404 404 404 204 204 403",
    "GET /api/repositories": EVERYBODY,
    "POST /api/repositories": "401 201 201 201 201 201 403",
    "GET /api/repositories/{id}": SEEN,
    "PUT /api/repositories/{id}": "401 404 403 403 200 200 403",
    "DELETE /api/repositories/{id}": "401 404 403 403 204 204 403",
    "POST /api/repositories/{id}/rotate-secret": "401 404 403 403 200 200 403",
    "GET /api/repositories/{id}/members": SEEN,
    "PUT /api/repositories/{id}/members/{username}": "401 404 403 403 200 200 403",
    "DELETE /api/repositories/{id}/members/{username}": "401 404 403 403 204 204 403",
    "GET /api/pipelines": EVERYBODY,
    "POST /api/pipelines/generate": "401 404 403 403 201 201 403",
    "GET /api/pipelines/{id}": SEEN,
    "PUT /api/pipelines/{id}": "401 404 403 403 200 200 403",
    "DELETE /api/pipelines/{id}": "401 404 403 403 204 204 403",
    "POST /api/pipelines/{id}/regenerate": "401 404 403 403 200 200 403",
    "GET /api/pipelines/{id}/executions": SEEN,
    "GET /api/pipelines/{id}/revisions/{number}": SEEN,
    "GET /api/pipelines/{id}/environments": SEEN,
    "POST /api/pipelines/{id}/environments": "401 404 403 403 201 201 403",
    "GET /api/pipelines/{id}/environments/{name}": SEEN,
    "PUT /api/pipelines/{id}/environments/{name}": "401 404 403 403 200 200 403",
    "DELETE /api/pipelines/{id}/environments/{name}": "401 404 403 403 204 204 403",
    "POST /api/pipelines/{id}/trigger": "401 404 403 409 409 409 403",  # it has no credential
    "POST /api/pipelines/{id}/rollback": "401 404 403 409 409 409 403",  # it has no credential
    "GET /api/pipelines/{id}/releases": SEEN,
    "GET /api/pipelines/{id}/holds": SEEN,
    "POST /api/pipelines/{id}/release-hold": "401 404 403 409 409 409 403",  # it is not held
    "POST /api/pipelines/{id}/sync-env": "401 404 403 409 409 409 403",
    "GET /api/pipelines/{id}/logs": SEEN,
    "GET /api/executions/{id}": SEEN,
    "GET /api/executions/{id}/logs/stream": SEEN,
    "POST /api/executions/{id}/stop": "401 404 403 202 202 202 403",
    "POST /api/executions/{id}/approve": "401 404 403 409 409 409 403",  # it waits for no approval
    "GET /api/deliveries": EVERYBODY,
    "GET /api/deliveries/{id}": SEEN,
    "POST /api/deliveries/{id}/replay": "401 404 403 202 202 202 403",
    "GET /api/events": EVERYBODY,
    "GET /api/events?pipeline_id={id}": SEEN,
    "GET /api/insights/dora": EVERYBODY,
    "GET /api/drift": EVERYBODY,
    "POST /api/pipelines/{id}/look-for-drift": "401 404 403 409 409 409 403",  # it has no credential
    "POST /api/pipelines/{id}/revisions/{number}/confirm": "401 404 403 403 409 409 403",  # it waits for nobody
    "GET /drift": "303 200 200 200 200 200 200",
    "GET /api/audit": "401 403 403 403 403 200 403",
    "GET /api/audit/verify": "401 403 403 403 403 200 403",
    "GET /api/openapi.json": "200 200 200 200 200 200 200",
    "GET /api/docs": "303 200 200 200 200 200 200",
    "GET /": "303 200 200 200 200 200 200",
    "GET /insights": "303 200 200 200 200 200 200",
    "GET /approvals/{id}": "303 404 303 303 303 303 303",  # with a link's token it is anybody's
    "POST /approvals/{id}": "403 403 403 403 403 403 403",  # it is decided by the token alone
    "GET /connect": "303 200 200 200 200 200 200",
    "GET /deliveries": "303 200 200 200 200 200 200",
    "GET /notifications": "303 200 200 200 200 200 200",
    "GET /executions/{id}": "303 404 200 200 200 200 200",
    "GET /pipelines/{id}": "303 404 200 200 200 200 200",
    "GET /pipelines/{id}/rollback": "303 404 200 200 200 200 200",
    "GET /sign-in": "200 303 303 303 303 303 303",
    "GET /sign-in/bitbucket": "404 404 404 404 404 404 404",  # unless it is set up
    "GET /sign-in/bitbucket/callback": "404 404 404 404 404 404 404",
}

ROUTE = {"name": "the team", "target": {"kind": "email", "address": "team@example.com"}}

EXECUTIONS = ("/api/executions", "/executions", "/approvals")

BODIES: dict[str, Any] = {
    "POST /api/session": {"username": "nobody", "password": "correct horse battery"},
    "POST /api/credentials": {"kind": "access_token", "token": "ATCTT3xFfGN0"},
    "POST /api/notifications": ROUTE,
    "PUT /api/notifications/{id}": {"name": "elsewhere"},
    "POST /api/notifications/{id}/preview": {"event": "failed"},
    "POST /api/domains": {"name": "{domain}"},
    "PUT /api/domains/{id}": {"email": "ada@example.com"},
    "POST /api/repositories": {"workspace": "else", "slug": "{domain}"},
    "PUT /api/repositories/{id}": {"credential_id": None},
    "PUT /api/repositories/{id}/members/{username}": {"role": "viewer"},
    "PUT /api/pipelines/{id}": {"port": 8081},
    "POST /api/pipelines/{id}/trigger": {"branch": "main"},
    "POST /api/pipelines/{id}/rollback": {"environment": "production", "reason": "it is slow"},
    "POST /api/pipelines/{id}/release-hold": {"environment": "production"},
    "POST /api/pipelines/{id}/sync-env": {"dry_run": True},
    "POST /api/pipelines/{id}/environments": {"name": "staging", "kind": "staging", "branch_pattern": "develop"},
    "PUT /api/pipelines/{id}/environments/{name}": {"port": 8082},
}


@pytest.fixture(scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[People]:
    mail = {"PENSTOCK_SMTP_URL": "smtp://127.0.0.1:9?starttls=never", "PENSTOCK_MAIL_FROM": "penstock@example.com"}
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path_factory.mktemp("rights")), **mail}) as penstock:
        yield await people_of(penstock)


class Scene:
    """What an operation is tried on: made anew for each role, since some operations leave nothing behind."""

    def __init__(self, people: People, number: int) -> None:
        self.people = people
        self.domain = f"site-{number}.example.com"

    async def path_of(self, name: str) -> str:
        """The operation's path, with the ids of what belongs to the owner."""
        path = name.partition(" ")[2]
        if "{" not in path:
            return path
        return path.format(
            id=await self._id(path),
            username="viewer",
            name="spare" if path.startswith("/api/pipelines") else "",
            number=1,
        )

    async def body_of(self, name: str) -> Any:
        if name == "POST /api/pipelines/generate":
            repository = await self.people.repository()
            return {"repository_id": repository["id"], "project_type": "react"}
        body = BODIES.get(name)
        return body and {key: self.domain if value == "{domain}" else value for key, value in body.items()}

    async def _id(self, path: str) -> int | str:
        people = self.people
        if path.startswith("/api/credentials"):
            wanted = {"kind": "access_token", "token": "ATCTT3xFfGN0"}
            return int((await people.made(OWNER, "/api/credentials", wanted))["id"])
        if path.startswith("/api/notifications"):
            return int((await people.made(OWNER, "/api/notifications", ROUTE))["id"])
        if path.startswith("/api/domains"):
            return int((await people.made(OWNER, "/api/domains", {"name": self.domain}))["id"])
        repository = await people.repository()
        if path.startswith("/api/repositories"):
            return int(repository["id"])
        if path.startswith("/api/deliveries"):
            return await people.delivered(repository)
        pipeline = await people.pipeline_of(repository)
        if path.startswith(EXECUTIONS) or path.endswith("/logs"):
            await people.delivered(repository)
        if path.startswith(EXECUTIONS):
            found = await people.ask(OWNER, "GET", f"/api/pipelines/{pipeline}/executions")
            return int(found.json()["items"][0]["id"])
        if "environments/" in path:
            spare = {"name": "spare", "kind": "test", "branch_pattern": "spare"}
            await people.made(OWNER, f"/api/pipelines/{pipeline}/environments", spare)
        if "revisions" in path or "regenerate" in path:
            wanted = {"repository_id": repository["id"], "project_type": "react"}
            await people.made(OWNER, "/api/pipelines/generate", wanted)
        return pipeline


async def status_of(people: People, role: str, method: str, path: str, body: Any) -> int:
    """Of a stream only the beginning is read."""
    content = {} if body is None else {"json": body}
    async with people.penstock.client.stream(method, path, headers=people.as_(role), **content) as answer:
        return answer.status_code


def elsewhere(path: str) -> str:
    """The same path, about something that is not there."""
    return re.sub(r"(?<=/)[0-9a-f]+(?=/|$)|(?<=pipeline_id=)\d+", "999999", path, count=1)


def test_every_operation_and_every_page_has_its_row() -> None:
    operations = {f"{operation.method} {operation.path}" for operation in OPERATIONS}
    found = [route for route in pages.routes if isinstance(route, Route)]
    shown = {f"{method} {route.path}" for route in found for method in (route.methods or set()) - {"HEAD"}}
    extra = {"GET /api/events?pipeline_id={id}", "GET /api/openapi.json", "GET /api/docs"}

    assert set(TABLE) == operations | shown | extra


def test_H2_every_operation_has_a_right_and_only_signing_in_is_for_anybody() -> None:
    open_to_all = {f"{one.method} {one.path}" for one in OPERATIONS if one.right is Right.ANYBODY}

    assert open_to_all == {"POST /api/session"}
    assert all(isinstance(one.right, Right) for one in OPERATIONS)


@pytest.mark.parametrize("name", TABLE)
async def test_H1_every_role_gets_its_answer(people: People, name: str) -> None:
    method = name.partition(" ")[0]
    found: list[int] = []
    for place, role in enumerate(ROLES):
        if method != "GET" or not found:  # looking leaves everything as it was
            scene = Scene(people, list(TABLE).index(name) * len(ROLES) + place)
            path, body = await scene.path_of(name), await scene.body_of(name)
        found.append(await status_of(people, role, method, path, body))

    assert dict(zip(ROLES, found, strict=True)) == dict(zip(ROLES, map(int, TABLE[name].split()), strict=True))


@pytest.mark.parametrize("name", [one for one in TABLE if "{" in one and "/api/" in one])
async def test_nobody_learns_what_is_there(people: People, name: str) -> None:
    scene = Scene(people, 100_000 + list(TABLE).index(name))
    there = await scene.path_of(name)
    nowhere = elsewhere(there)

    answers = [await people.ask(NOBODY, name.partition(" ")[0], path) for path in (there, nowhere)]

    assert answers[0].status_code == answers[1].status_code == 401
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("name", [one for one in TABLE if TABLE[one].split()[1] == "404" and "/api/" in one])
async def test_a_strangers_answer_is_the_same_for_what_is_there_and_what_is_not(people: People, name: str) -> None:
    method = name.partition(" ")[0]
    scene = Scene(people, 200_000 + list(TABLE).index(name))
    there, body = await scene.path_of(name), await scene.body_of(name)
    other = {**body, "repository_id": 999_999} if body and "repository_id" in body else body

    answers = [
        await people.ask("stranger", method, there, body),
        await people.ask("stranger", method, elsewhere(there), other),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


async def test_a_strangers_list_holds_nothing_of_others(people: People) -> None:
    repository = await people.repository()
    await people.delivered(repository)

    for path in ("/api/repositories", "/api/pipelines", "/api/deliveries"):
        found = (await people.ask("stranger", "GET", path)).json()["items"]
        assert [one for one in found if repository["full_name"] in str(one)] == [], path


async def test_rights_come_before_the_body(people: People) -> None:
    repository = await people.repository()
    pipeline = await people.pipeline_of(repository)
    broken = {"Content-Type": "text/plain"}

    for path in (f"/api/pipelines/{pipeline}", f"/api/pipelines/{pipeline}/environments/production"):
        answers = [
            await people.penstock.client.put(path, content=b"{", headers={**people.as_(role), **broken})
            for role in (NOBODY, "stranger", "viewer", OWNER, ADMIN)
        ]
        assert [answer.status_code for answer in answers] == [401, 404, 403, 415, 415]
