"""Whether a request is one that Bitbucket documents: method, path, query, media type, the fields of its body.

Compared with Atlassian's OpenAPI document where a copy lies beside this checkout. `only_documented_requests` holds
every request of a test to it, whatever else the test is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
import yaml
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.simulator import simulator

DOCUMENTS = Path(__file__).parents[1] / ".." / "shared" / "bitbucket" / "openapi"
BASE = "/2.0"

# Told in the description of the operation, not in its list of parameters.
ON_DEMAND = re.compile(r"target\.(type|ref_type|ref_name|commit\.hash|selector\.(type|pattern))|variables\[\d+\]\.\w+")
# Real and not in the document: the environment's kind.
UNDOCUMENTED_FIELDS = {"environment_type", "environment_type.name"}
# Every paged operation takes these, whether its list of parameters says so or not.
PAGING = {"page", "pagelen"}
# The doctor reads the clock of an answer, whatever it answers.
CLOCK = ("HEAD", "/hook_events")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was sent: the path below the API's base, still encoded."""

    method: str
    path: str
    query: str
    content_type: str
    body: bytes | None  # None where it was answered without being read


# What the document describes in words alone, or as something that lists have: filtering and sorting.
IN_PROSE = {
    "/repositories/{workspace}/{repo_slug}/commits": {"include", "exclude"},
    "/repositories/{workspace}/{repo_slug}/deployments": {"sort"},
}


def undocumented(request: Asked) -> Iterator[str]:
    """What about the request is not in the document."""
    template, operation = operation_of(request.method, request.path)
    if operation is None:
        if (request.method, request.path) != CLOCK and not listed(request.method, request.path):
            yield f"{request.method} {request.path}"
        return
    for name, _ in parse_qsl(request.query):
        on_demand = request.content_type == "application/yaml" and ON_DEMAND.fullmatch(name)
        if name not in parameters(template, operation) | PAGING | IN_PROSE.get(template, set()) and not on_demand:
            yield f"{request.method} {template}: the parameter {name}"
    if request.content_type == "application/json" and request.body:
        schema = body_schema(operation)
        for name in unknown(msgspec.json.decode(request.body), [schema]) if schema else ():
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


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """Template → what fits it. Only `{path}` may hold slashes, and the name of a branch."""
    known = {path: path.replace("{path}", ".*").replace("branches/{name}", "branches/.+") for path in documents()[0]}
    return {path: re.compile(re.sub(r"\{[^}]+\}", "[^/]+", pattern)) for path, pattern in known.items()}


@cache
def listed(method: str, path: str) -> bool:
    """Whether an operation of another part of the API, of which only method and path lie here, is this one."""
    for line in (DOCUMENTS / "ENDPOINTS.tsv").read_text().splitlines():
        fields = line.split("\t")
        template = next((field for field in fields if field.startswith("/")), None)
        if template and method in fields and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            return True
    return False


@cache
def operation_of(method: str, path: str) -> tuple[str, dict[str, Any] | None]:
    """The template that fits the encoded path best: with the fewest parameters."""
    paths, _ = documents()
    fitting = [known for known, pattern in patterns().items() if pattern.fullmatch(path)]
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


class Listening:
    """Keeps what is asked of the application that it stands before."""

    def __init__(self, asked: list[Asked]) -> None:
        self._asked = asked

    def before(self, app: ASGIApp) -> ASGIApp:
        async def heard(scope: Scope, receive: Receive, send: Send) -> None:
            parts: list[Message] = []

            async def gathering() -> Message:
                parts.append(await receive())
                return parts[-1]

            try:
                await app(scope, gathering, send)
            finally:
                read = [part for part in parts if part["type"] == "http.request"]
                whole = bool(read) and not read[-1].get("more_body")
                self._note(scope, b"".join(part.get("body", b"") for part in read) if whole else None)

        return heard

    def _note(self, scope: Scope, body: bytes | None) -> None:
        path = scope["raw_path"].decode()
        if not path.startswith(f"{BASE}/"):
            return  # where people sign in, which is no part of the API
        kind = next((value.decode() for name, value in scope["headers"] if name == b"content-type"), "")
        query = scope["query_string"].decode()
        self._asked.append(Asked(scope["method"], path.removeprefix(BASE), query, kind, body))


@pytest.fixture(autouse=True)
def only_documented_requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test asks of a simulated Bitbucket is what the real one documents."""
    asked: list[Asked] = []
    build = simulator.build
    if DOCUMENTS.is_dir():
        monkeypatch.setattr(simulator, "build", lambda bitbucket: Listening(asked).before(build(bitbucket)))
    yield
    assert sorted({complaint for request in asked for complaint in undocumented(request)}) == []
