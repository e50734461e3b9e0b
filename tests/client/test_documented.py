"""What is asked is what Bitbucket documents: method, path, query, media type, the fields of bodies.

Compared with Atlassian's OpenAPI document where a copy lies beside this checkout; a simulator answers the calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from service.bitbucket import requests
from service.client import Assignment, Client, Clients
from service.client.exchange import pool
from service.simulator import Repository, Simulator
from service.store.database import Database
from service.vault import Vault
from tests.client.conftest import PER_HOUR, SHOP, add_credential
from tests.documented import BASE, DOCUMENTS, Asked, undocumented

pytestmark = pytest.mark.anyio

YAML = "pipelines: {default: [{step: {script: [a]}}]}"


class Recording(httpx.AsyncBaseTransport):
    """Keeps the requests that pass."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.fixture
async def recording() -> AsyncIterator[Recording]:
    transport = Recording()
    yield transport
    await transport.aclose()


async def ask_everything(client: Client, shop: Repository) -> None:
    """Every call once, in an order in which each goes well."""
    head = shop.head().hash
    await client.repository(SHOP)
    await client.pipelines_enabled(SHOP)
    await client.enable_pipelines(SHOP)
    environment = (await client.create_environment(SHOP, "production", kind="Production")).uuid
    await client.environments(SHOP)
    for place in (None, environment):
        made = await client.create_variable(SHOP, Assignment("K", "v", secured=True), environment=place)
        await client.update_variable(SHOP, made.uuid, Assignment("K", "w", secured=True), environment=place)
        await client.variables(SHOP, environment=place)
        await client.delete_variable(SHOP, made.uuid, environment=place)
    await ask_about_runs(client, shop, head)
    await ask_about_hooks(client)
    await ask_about_files(client, shop, head)


async def ask_about_runs(client: Client, shop: Repository, head: str) -> None:
    variables = [Assignment("K", "v")]
    await client.start_run(SHOP, commit=head, custom="rollback", variables=variables)
    await client.start_run(SHOP, branch="main", commit=head, yaml=YAML, variables=variables)
    run = await client.start_run(SHOP, branch="main")
    started = shop.runs[-1]
    await started.begin()
    await started.advance_to("Build")
    await started.write("+ make\n")
    await client.runs(SHOP, commit=head, branch="main", status="BUILDING")
    await client.run(SHOP, run.uuid)
    step = (await client.steps(SHOP, run.uuid))[0]
    await client.log(SHOP, run.uuid, step.uuid, offset=0, limit=10)
    await client.stop_run(SHOP, run.uuid)
    await client.deployments(SHOP)
    await client.newest_deployments(SHOP)


async def ask_about_hooks(client: Client) -> None:
    url, events = "https://penstock.example.com/webhooks/1", ["repo:push"]
    hook = await client.create_hook(SHOP, url=url, events=events, secret="s" * 20, description="Penstock")
    await client.update_hook(SHOP, hook.uuid, url=url, events=events, secret="t" * 20, description="Penstock")
    await client.hooks(SHOP)
    await client.delete_hook(SHOP, hook.uuid)


async def ask_about_files(client: Client, shop: Repository, head: str) -> None:
    await client.create_branch(SHOP, "config", commit=head)
    made = await client.write_source(SHOP, {"a": "b", "src/app.js": None}, message="m", branch="config", parent=head)
    await client.source(SHOP, made, "a")
    await client.list_source(SHOP, made, max_depth=3)
    await client.diffstat(SHOP, made, head)
    pull_request = await client.create_pull_request(
        SHOP, title="t", description="d", source="config", destination="main"
    )
    await client.update_pull_request(SHOP, pull_request.id, title="u", description="d")
    await client.pull_requests(SHOP)
    await client.pull_request(SHOP, pull_request.id)
    await client.decline(SHOP, pull_request.id)
    await client.commits(SHOP, include=head, exclude=head, limit=10)
    await client.branches(SHOP)
    await client.newest_heads(SHOP, since=shop.created_on)
    await client.branch(SHOP, "config")
    await client.delete_branch(SHOP, "config")
    await client.set_status(
        SHOP, head, key="k", state="FAILED", url="https://p.example.com", name="n", description="d", refname="main"
    )


async def test_every_call_is_one_that_bitbucket_documents(
    bitbucket: Simulator, sqlite: Database, vault: Vault, shop: Repository, recording: Recording
) -> None:
    if not DOCUMENTS.is_dir():
        pytest.skip("no copy of the OpenAPI document beside this checkout")
    clients = Clients(sqlite, vault, base_url=bitbucket.url, per_hour=PER_HOUR, http=pool(transport=recording))
    await ask_everything(await clients.of((await add_credential(sqlite, vault)).id), shop)
    complaints = [complaint for request in recording.requests for complaint in undocumented(as_asked(request))]
    await clients.close()

    assert complaints == []
    assert len(recording.requests) >= len(methods())


def test_every_public_method_of_a_client_is_asked_here() -> None:
    text = Path(__file__).read_text()

    assert [name for name in methods() if f"client.{name}(" not in text] == []


def methods() -> list[str]:
    plumbing = {"ask", "call", "rows", "pages"}
    return [name for name in dir(Client) if not name.startswith("_") and name not in plumbing]


def as_asked(request: httpx.Request) -> Asked:
    path = request.url.raw_path.decode().partition("?")[0].removeprefix(BASE)
    kind = request.headers.get("content-type", "")
    return Asked(request.method, path, request.url.query.decode(), kind, request.content)


@pytest.mark.parametrize(
    ("request_of", "complaint"),
    [
        (
            lambda: Asked("POST", "/repositories/a/b/pipelines/1/redo", "", "", b""),
            "POST /repositories/a/b/pipelines/1/redo",
        ),
        (
            lambda: Asked("GET", "/repositories/a/b/pipelines", "state=FAILED", "", b""),
            "GET /repositories/{workspace}/{repo_slug}/pipelines: the parameter state",
        ),
        (
            lambda: Asked("POST", "/repositories/a/b/hooks", "", "application/json", b'{"uri": "x"}'),
            "POST /repositories/{workspace}/{repo_slug}/hooks: the field uri",
        ),
    ],
    ids=["path", "parameter", "field"],
)
def test_what_is_not_documented_is_told(request_of: Callable[[], Asked], complaint: str) -> None:
    if not DOCUMENTS.is_dir():
        pytest.skip("no copy of the OpenAPI document beside this checkout")
    assert list(undocumented(request_of())) == [complaint]


def test_a_branch_with_a_slash_is_one_part_of_its_path() -> None:
    assert unquote(requests.branch(SHOP, "penstock/config#1").path).endswith("/refs/branches/penstock/config#1")
