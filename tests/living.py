"""The service as its users have it, for tests: a real socket, real HTTP, a real database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from service.app import Application, Role
from service.bitbucket.signature import sign
from service.cli.serve import listen, url_of
from service.client.exchange import public_trust
from service.settings import from_environ
from service.store import accounts
from service.web.house import House
from service.web.server import make_server
from tests.schema import lay

REPOSITORY_UUID = "{6a9d0c3e-5f5b-4c55-9d0f-2f8f0c4b7a10}"


@dataclass
class Hook:
    """A connected repository as Bitbucket knows it: where to deliver to, and what to sign with."""

    id: int
    full_name: str
    url: str
    secret: str
    uuid: str = REPOSITORY_UUID


@dataclass
class Living:
    """A running service, and an account's way into it."""

    url: str
    house: House
    client: httpx.AsyncClient
    token: str
    hook: Hook
    hooks: list[Hook] = field(default_factory=list)

    async def connect(self, full_name: str, repository_uuid: str | None = None) -> Hook:
        """Connects one more repository."""
        workspace, slug = full_name.split("/")
        answer = await self.client.post("/api/repositories", json={"workspace": workspace, "slug": slug})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        webhook = made["webhook"]
        hook = Hook(made["id"], full_name, webhook["url"], webhook["secret"], repository_uuid or f"{{{uuid.uuid4()}}}")
        self.hooks.append(hook)
        return hook

    async def post(self, body: bytes, headers: Mapping[str, str], hook: Hook | None = None) -> httpx.Response:
        """One HTTP request to the hook's URL, exactly as given."""
        return await self.client.post((hook or self.hook).url, content=body, headers={"Authorization": "", **headers})

    async def deliver(
        self, key: str, payload: Mapping[str, Any], *, hook: Hook | None = None, request_uuid: str | None = None
    ) -> httpx.Response:
        """A delivery as Bitbucket makes it: `payload` about the hook's repository, signed with its secret."""
        hook = hook or self.hook
        body = msgspec.json.encode({"repository": repository(hook), **payload})
        return await self.post(body, signed(body, hook, key, request_uuid), hook)

    async def settled(self) -> None:
        """Waits until every accepted delivery has been processed."""
        for _ in range(2000):
            answer = await self.client.get("/api/deliveries", params={"status": "accepted", "limit": 1})
            if not answer.json()["items"]:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("deliveries were still waiting after twenty seconds")

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    async def verdicts(self, answer: httpx.Response) -> list[dict[str, Any]]:
        """What became of the delivery that was answered thus, once it is processed."""
        await self.settled()
        delivery = await self.get(f"/api/deliveries/{answer.json()['delivery_id']}")
        verdicts: list[dict[str, Any]] = delivery["verdicts"]
        return verdicts

    async def executions(self, hook: Hook | None = None) -> list[dict[str, Any]]:
        """The executions of the repository's pipeline, newest first."""
        await self.settled()
        found = await self.get("/api/pipelines", repository_id=(hook or self.hook).id)
        items: list[dict[str, Any]] = (await self.get(f"/api/pipelines/{found['items'][0]['id']}/executions"))["items"]
        return items

    async def assert_alive(self) -> None:
        """A probe: a push to a repository of its own is still accepted, processed, and opens an execution."""
        probe = await self.connect(f"probe/{uuid.uuid4().hex[:12]}")
        answer = await self.deliver("repo:push", push("main", uuid.uuid4().hex + "0" * 8), hook=probe)
        assert answer.status_code == 202, answer.text
        assert [verdict["verdict"] for verdict in await self.verdicts(answer)] == ["opened"]


def repository(hook: Hook) -> dict[str, Any]:
    return {"type": "repository", "full_name": hook.full_name, "uuid": hook.uuid, "name": hook.full_name.split("/")[1]}


def signed(body: bytes, hook: Hook, key: str, request_uuid: str | None = None) -> dict[str, str]:
    """Bitbucket's headers for this body."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Bitbucket-Webhooks/2.0",
        "X-Event-Key": key,
        "X-Hook-UUID": "{0a4b9b3c-9a57-4d8e-8b6f-1c1f6b1f0c11}",
        "X-Request-UUID": request_uuid or str(uuid.uuid4()),
        "X-Attempt-Number": "1",
        "X-Hub-Signature": sign(body, hook.secret.encode()),
    }


def push(branch: str, commit: str, *, message: str = "Sell more shoes\n", **flags: Any) -> dict[str, Any]:
    """What a push of one branch says, without the repository."""
    return {"actor": ACTOR, "push": {"changes": [change(branch, commit, message=message, **flags)]}}


def change(branch: str, commit: str, *, message: str = "Sell more shoes\n", **flags: Any) -> dict[str, Any]:
    author = {"type": "author", "raw": "Ada Quill <ada@example.com>"}
    target = {
        "type": "commit",
        "hash": commit,
        "message": message,
        "date": "2026-03-01T09:30:00+00:00",
        "author": author,
    }
    new = {"type": "branch", "name": branch, "target": target}
    return {"old": None, "new": new, "created": True, "closed": False, "forced": False, "truncated": False, **flags}


def status(
    build_number: int, state: str, commit: str, *, branch: str = "main", at: str, full_name: str = "acme/shop"
) -> dict[str, Any]:
    """What a commit status that Pipelines writes says, without the repository."""
    url = f"https://bitbucket.org/{full_name}/addon/pipelines/home#!/results/{build_number}"
    name = f"Pipeline #{build_number} for {branch}"
    said = {"type": "build", "key": "3343801", "state": state, "name": name, "refname": branch, "url": url}
    times = {"created_on": "2026-03-01T09:30:00.000000+00:00", "updated_on": at}
    return {"actor": ACTOR, "commit_status": {**said, **times, "description": "", "commit": {"hash": commit}}}


ACTOR = {
    "type": "user",
    "display_name": "Ada Quill",
    "uuid": "{0d1a7c3f-7c8e-4f1f-9a57-2f9b4c1d7e01}",
    "nickname": "ada",
}


def client_of(url: str, **settings: Any) -> httpx.AsyncClient:
    """A client of the service at `url`, as a stranger has it; what a client costs is reading certificates."""
    return httpx.AsyncClient(base_url=url, verify=public_trust(), **{"timeout": 20, **settings})


@asynccontextmanager
async def living(environ: Mapping[str, str], *, role: Role = Role.ALL) -> AsyncIterator[Living]:
    """Starts the service in this event loop, with an administrator and the repository acme/shop connected."""
    settings = from_environ(environ)
    await lay(settings.database)
    listener = listen("127.0.0.1", 0)
    url = url_of("127.0.0.1", listener)
    application = Application(settings, role=role, public_url=lambda: settings.public_url or url)
    server = make_server(application, host="127.0.0.1", port=0, on_stopping=[application.say_goodbye])
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.started_listening()
        house = application.house
        token = await _token(house)
        headers = {"Authorization": f"Bearer {token}"}
        async with client_of(url, headers=headers) as client:
            started = Living(url, house, client, token, hook=Hook(0, "", "", ""))
            known = await client.get("/api/repositories")
            if not known.json()["items"]:
                started.hook = await started.connect("acme/shop", REPOSITORY_UUID)
            yield started
    finally:
        server.should_exit = True
        await serving


async def _token(house: House) -> str:
    async with house.recorder.record() as record:
        known = await accounts.user_named(record.connection, "ada")
        number = (
            known.id
            if known
            else await accounts.add_user(record.connection, "ada", None, is_admin=True, now=record.now)
        )
        return await accounts.add_token(record.connection, number, "tests", now=record.now, expires_at=None)
