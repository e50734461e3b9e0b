"""The page at `/api/docs`: the OpenAPI document for people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.web.api import OPERATIONS
from service.web.call import viewer_or_none
from service.web.openapi import document
from service.web.pages.rendering import page, to_sign_in


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a body or an answer, or a parameter; `kind` is its type in words."""

    name: str
    kind: str
    required: bool
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    needs: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    answers: tuple[tuple[str, str], ...]


async def show_reference(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    return page(request, "reference.html", viewer=viewer, groups=groups())


@cache
def groups() -> dict[str, list[Told]]:
    """The kind of thing → its operations, in the order in which they are declared."""
    whole = document(OPERATIONS)
    schemas = whole["components"]["schemas"]
    found: dict[str, list[Told]] = {}
    for path, methods in whole["paths"].items():
        for method, told in methods.items():
            found.setdefault(path.split("/")[2], []).append(_told(path, method.upper(), told, schemas))
    return found


def _told(path: str, method: str, told: dict[str, Any], schemas: dict[str, Any]) -> Told:
    sent = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = told["responses"]
    good = next(iter(answers.values())).get("content", {}).get("application/json", {}).get("schema")
    return Told(
        anchor=told["operationId"],
        method=method,
        path=path,
        summary=told["summary"],
        needs=told["description"].removeprefix("Needs: ").rstrip("."),
        parameters=tuple(_parameter(one) for one in told["parameters"]),
        body=_fields(sent, schemas) if sent else (),
        answer=_fields(good, schemas) if good else (),
        answers=tuple((status, answer["description"]) for status, answer in answers.items()),
    )


def _parameter(one: dict[str, Any]) -> Field:
    kind = f"{_kind(one['schema'])}, in the {one['in']}"
    return Field(one["name"], kind, bool(one.get("required")), one.get("description", ""))


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> tuple[Field, ...]:
    known = schemas[_name(schema)] if "$ref" in schema else schema
    required = known.get("required", [])
    members = known.get("properties", {})
    return tuple(Field(name, _kind(member), name in required) for name, member in members.items())


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _kind(schema: dict[str, Any]) -> str:
    """A schema's type in words: `string`, `integer or null`, `list of Execution`."""
    if "$ref" in schema:
        return _name(schema).removesuffix("Shape")
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"{word!r}" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "anything"))
