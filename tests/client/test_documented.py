"""What is asked is what Bitbucket documents: method, path, query, media type, the fields of bodies.

Compared with Atlassian's OpenAPI document where a copy lies beside this checkout; a simulator answers the calls.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
import msgspec
import pytest
import yaml

from service.bitbucket import requests
from service.client import Assignment, Client, Clients
from service.client.exchange import pool
from service.simulator import Repository, Simulator
from service.store.database import Database
from service.vault import Vault
from tests.client.conftest import PER_HOUR, SHOP, add_credential

pytestmark = pytest.mark.anyio

DOCUMENTS = Path(__file__).parents[2] / ".." / "shared" / "bitbucket" / "openapi"

# Told in the description of the operation, not in its list of parameters.
ON_DEMAND = re.compile(r"target\.(type|ref_type|ref_name|commit\.hash|selector\.(type|pattern))|variables\[\d+\]\.\w+")
# Real and not in the document: the environment's kind.
UNDOCUMENTED_FIELDS = {"environment_type", "environment_type.name"}
# Every paged operation takes these, whether its list of parameters says so or not.
PAGING = {"page", "pagelen"}

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
    complaints = [complaint for request in recording.requests for complaint in undocumented(request)]
    await clients.close()

    assert complaints == []
    assert len(recording.requests) >= len(methods())


def test_every_public_method_of_a_client_is_asked_here() -> None:
    text = Path(__file__).read_text()

    assert [name for name in methods() if f"client.{name}(" not in text] == []


def methods() -> list[str]:
    plumbing = {"ask", "call", "rows", "pages"}
    return [name for name in dir(Client) if not name.startswith("_") and name not in plumbing]


# What the document describes in words alone, or as something that lists have: filtering and sorting.
IN_PROSE = {
    "/repositories/{workspace}/{repo_slug}/commits": {"include", "exclude"},
    "/repositories/{workspace}/{repo_slug}/deployments": {"sort"},
}


def undocumented(request: httpx.Request) -> Iterator[str]:
    """What about the request is not in the document."""
    path = request.url.raw_path.decode().partition("?")[0].removeprefix("/2.0")
    template, operation = operation_of(request.method, path)
    if operation is None:
        yield f"{request.method} {path}"
        return
    for name, _ in parse_qsl(request.url.query.decode()):
        on_demand = request.headers.get("content-type") == "application/yaml" and ON_DEMAND.fullmatch(name)
        if name not in parameters(template, operation) | PAGING | IN_PROSE.get(template, set()) and not on_demand:
            yield f"{request.method} {template}: the parameter {name}"
    if request.headers.get("content-type") == "application/json":
        schema = body_schema(operation)
        for name in unknown(msgspec.json.decode(request.content), [schema]) if schema else ():
            if name not in UNDOCUMENTED_FIELDS:
                yield f"{request.method} {template}: the field {name}"


@cache
def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """The paths, and the schemas by name."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for file in sorted(DOCUMENTS.glob("*.yaml")):
        document = yaml.load(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for path, item in document["paths"].items():
            paths.setdefault(path, {}).update(item)
        schemas.update(document.get("components", {}).get("schemas", {}))
    return paths, schemas


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any] | None]:
    """The template that fits the encoded path best: with the fewest parameters. Only `{path}` may hold slashes."""
    paths, _ = documents()
    patterns = {known: re.sub(r"\{[^}]+\}", "[^/]+", known.replace("{path}", ".*")) for known in paths}
    fitting = [known for known, pattern in patterns.items() if re.fullmatch(pattern, path)]
    for template in sorted(fitting, key=lambda template: template.count("{")):
        if method.lower() in paths[template]:
            return template, paths[template][method.lower()]
    return path, None


def parameters(template: str, operation: dict[str, Any]) -> set[str]:
    both = operation.get("parameters", []) + documents()[0][template].get("parameters", [])
    return {parameter["name"] for parameter in both if parameter.get("in") == "query"}


def body_schema(operation: dict[str, Any]) -> dict[str, Any]:
    """Empty where the document describes the body in words alone."""
    content: dict[str, Any] = (operation.get("requestBody") or {}).get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return schema


def unknown(value: Any, schemas: list[dict[str, Any]], prefix: str = "") -> Iterator[str]:
    """The fields of `value`, as paths, that none of the schemas has."""
    if isinstance(value, list):
        items = [schema["items"] for schema in widened(schemas) if "items" in schema]
        for inner in value:
            yield from unknown(inner, items, prefix)
    elif isinstance(value, dict):
        known = [schema.get("properties", {}) for schema in widened(schemas)]
        for key, inner in value.items():
            found = [properties[key] for properties in known if key in properties]
            if not found:
                yield prefix + key
            else:
                yield from unknown(inner, found, f"{prefix}{key}.")


def widened(schemas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The schemas, with all that they refer to, consist of, or are built upon by: a target is of a ref or a commit."""
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    waiting = list(schemas)
    for schema in waiting:
        found.append(schema)
        waiting += schema.get("allOf", [])
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and name not in seen:
            seen.add(name)
            waiting += [documents()[1].get(name, {}), *kinds_of(name)]
    return found


@cache
def kinds_of(name: str) -> tuple[dict[str, Any], ...]:
    """What schemas that build on the named one add to it: a target is of a ref, a commit or a pull request."""
    found = []
    for schema in documents()[1].values():
        parts = schema.get("allOf", [])
        if any(part.get("$ref", "").endswith(f"/{name}") for part in parts):
            found += [part for part in parts if "$ref" not in part]
    return tuple(found)


def test_a_branch_with_a_slash_is_one_part_of_its_path() -> None:
    assert unquote(requests.branch(SHOP, "penstock/config#1").path).endswith("/refs/branches/penstock/config#1")
