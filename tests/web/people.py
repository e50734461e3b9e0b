"""Accounts of every role around one repository, for tests of what each may do."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from service.store import accounts
from tests.living import Living, push, signed

# Who may turn up. `reader` is an owner whose token may only look.
NOBODY, STRANGER, VIEWER, OPERATOR, OWNER, ADMIN, READER = ROLES = (
    "nobody",
    "stranger",
    "viewer",
    "operator",
    "owner",
    "admin",
    "reader",
)

_numbers = itertools.count(1)


@dataclass
class People:
    """`as_(role)` are the headers of a request that somebody of that role makes."""

    penstock: Living
    tokens: dict[str, str] = field(default_factory=dict)

    def as_(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"} if role in self.tokens else {"Authorization": ""}

    async def ask(self, role: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        content = {} if body is None else {"json": body}
        headers = {**self.as_(role), **{name.replace("_", "-"): text for name, text in headers.items()}}
        return await self.penstock.client.request(method, path, headers=headers, **content)

    async def made(self, role: str, path: str, body: Any) -> dict[str, Any]:
        answer = await self.ask(role, "POST", path, body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def repository(self) -> Mapping[str, Any]:
        """One that the owner has connected, with a viewer and an operator."""
        name = f"shop-{next(_numbers)}"
        repository = await self.made(OWNER, "/api/repositories", {"workspace": "acme", "slug": name})
        for role in (VIEWER, OPERATOR):
            path = f"/api/repositories/{repository['id']}/members/{role}"
            answer = await self.ask(OWNER, "PUT", path, {"role": role})
            assert answer.status_code == 200, answer.text
        return repository

    async def pipeline_of(self, repository: Mapping[str, Any]) -> int:
        found = await self.ask(OWNER, "GET", f"/api/pipelines?repository_id={repository['id']}")
        number: int = found.json()["items"][0]["id"]
        return number

    async def delivered(self, repository: Mapping[str, Any], commit: str = "c" * 40) -> str:
        """The id of a push's delivery, processed: it has opened an execution."""
        webhook = repository["webhook"]
        of = {"type": "repository", "full_name": repository["full_name"], "uuid": f"{{{next(_numbers)}}}"}
        body = msgspec.json.encode({"repository": of, **push("main", commit)})
        hook = type(self.penstock.hook)(repository["id"], repository["full_name"], webhook["url"], webhook["secret"])
        answer = await self.penstock.post(body, signed(body, hook, "repo:push"), hook)
        assert answer.status_code == 202, answer.text
        await self.penstock.settled()
        delivery: str = answer.json()["delivery_id"]
        return delivery


async def people_of(penstock: Living) -> People:
    """Makes the accounts, named by their roles; `admin` is the one that the service started with."""
    people = People(penstock, {ADMIN: penstock.token})
    async with penstock.house.recorder.record() as record:
        now = record.now
        for role in (STRANGER, VIEWER, OPERATOR, OWNER):
            user = await accounts.add_user(record.connection, role, None, is_admin=False, now=now)
            people.tokens[role] = await accounts.add_token(record.connection, user, "tests", now=now, expires_at=None)
        owner = await accounts.user_named(record.connection, OWNER)
        assert owner is not None
        people.tokens[READER] = await accounts.add_token(
            record.connection, owner.id, "look", now=now, expires_at=None, scopes=("read",)
        )
    return people
