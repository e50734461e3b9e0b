"""The OpenAPI 3.1 document, made from the operations that the routes are made from.

https://spec.openapis.org/oas/v3.1.0. Bodies and answers are msgspec types, and so are their schemas: nothing about the
API is written down twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from service import __version__
from service.web.operation import LIST, Operation, Query, Right

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")

TYPES = {int: "integer", str: "string", bool: "boolean"}

REF = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class ListOf:
    """An answer of `{"items": [kind, …], "next_cursor": …}`."""

    kind: Any


class ProblemShape(msgspec.Struct, frozen=True, rename={"title_": "title"}):
    """An error, RFC 9457. `errors` names fields where there are any to name."""

    type: str
    title_: str
    status: int
    detail: str
    errors: list[dict[str, str]] | msgspec.UnsetType = msgspec.UNSET


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document, ready to be encoded."""
    kinds = list(dict.fromkeys(_kinds(operations)))
    _, components = msgspec.json.schema_components([*kinds, ProblemShape], ref_template=REF)
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(PARAMETER.sub(r"{\1}", operation.path), {})[operation.method.lower()] = _told(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock",
            "version": __version__,
            "description": "The control room for Bitbucket Pipelines.",
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "session"},
            },
        },
    }


def _kinds(operations: Iterable[Operation]) -> Iterable[Any]:
    for operation in operations:
        for kind in (operation.body, operation.answer, operation.plan):
            if kind is not None:
                yield kind.kind if isinstance(kind, ListOf) else kind


def _told(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "summary": operation.summary,
        "description": f"Needs: {operation.right}.",
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path}").strip("_"),
        "parameters": [*_in_path(operation.path), *map(_in_query, operation.query)],
        "responses": _responses(operation),
    }
    if operation.right is Right.ANYBODY:
        told["security"] = []
    if operation.once:
        told["parameters"].append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}})
    if operation.matches:
        told["parameters"].append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    if operation.body is not None:
        content = {"application/json": {"schema": _schema(operation.body)}}
        told["requestBody"] = {"required": not operation.optional, "content": content}
    return told


def _in_path(path: str) -> list[dict[str, Any]]:
    names = PARAMETER.findall(path)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0}
            if name == "number" or (name == "id" and "deliveries" not in path)
            else {"type": "string"},
        }
        for name in names
    ]


def _in_query(query: Query) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": TYPES[query.kind]}
    if query.words:
        schema["enum"] = list(query.words)
    if query.kind is int:
        schema["minimum"] = 0
    if query is LIST[0]:
        schema |= {"minimum": 1, "maximum": 200, "default": 50}
    return {"name": query.name, "in": "query", "description": query.meaning, "schema": schema}


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer is not None:
        good["content"] = {operation.media: {"schema": _schema(operation.answer)}}
    elif operation.status != 204:
        good["content"] = {operation.media: {}}
    more: dict[str, Any] = {}
    if operation.plan is not None:
        shown = {"application/json": {"schema": _schema(operation.plan)}}
        more["200"] = {"description": "What it would do: the answer to a dry run", "content": shown}
    if operation.text:
        good["content"]["text/plain"] = {}
        more["206"] = {"description": HTTPStatus(206).phrase, "content": {"text/plain": {}}}
    problem = {"application/problem+json": {"schema": {"$ref": REF.format(name="ProblemShape")}}}
    errors = {status: {"description": HTTPStatus(status).phrase, "content": problem} for status in statuses(operation)}
    return {str(operation.status): good, **more, **{str(status): told for status, told in sorted(errors.items())}}


def statuses(operation: Operation) -> set[int]:
    """The errors that an operation may answer: those it names, and those that its declaration implies."""
    found = {*operation.also, 421}
    if operation.plain:
        found.add(503)
    if operation.matches:
        found.add(412)
    if operation.right is not Right.ANYBODY:
        found |= {401, 403}
    if "{" in operation.path:
        found.add(404)
    if operation.body is not None:
        found |= {400, 413, 415, 422}
    if operation.query:
        found.add(422)
    if operation.once:
        found |= {409, 413, 422}
    return found - {operation.status}


def _schema(kind: Any) -> dict[str, Any]:
    if isinstance(kind, ListOf):
        following = {"anyOf": [{"type": "string"}, {"type": "null"}]}
        properties = {"items": {"type": "array", "items": _schema(kind.kind)}, "next_cursor": following}
        return {"type": "object", "properties": properties, "required": ["items", "next_cursor"]}
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return dict(schema)
