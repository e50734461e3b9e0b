"""The API's description: the document for programs, the page for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.web.api import OPERATIONS
from service.web.openapi import document, statuses
from tests.living import Living, client_of

pytestmark = pytest.mark.anyio

README = Path(__file__).parents[2] / "README.md"

DOCUMENT = document(OPERATIONS)


def references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


def test_every_operation_is_in_the_document_under_a_name_of_its_own() -> None:
    told = [told for methods in DOCUMENT["paths"].values() for told in methods.values()]

    assert len(told) == len(OPERATIONS)
    assert len({one["operationId"] for one in told}) == len(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}

    assert references(DOCUMENT) <= known


def test_every_parameter_of_a_path_is_declared() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for told in methods.values():
            declared = {one["name"] for one in told["parameters"] if one["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path)), path


def test_errors_follow_from_the_declaration() -> None:
    change = next(one for one in OPERATIONS if one.method == "PUT" and one.path == "/api/pipelines/{id}")

    assert statuses(change) == {400, 401, 403, 404, 409, 412, 413, 415, 421, 422, 503}


def test_the_readme_names_every_operation() -> None:
    told: dict[str, set[str]] = {}
    for words, path in re.findall(r"^\| `([A-Z ]+) (/api/[^`]*)`", README.read_text(encoding="utf-8"), re.MULTILINE):
        told.setdefault(path, set()).update(words.split())
    there: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        there.setdefault(operation.path, set()).add(operation.method)

    assert {path: told[path] for path in told if path != "/api/docs"} == there


def test_the_document_is_valid_openapi() -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")

    validator.validate(DOCUMENT)


async def test_the_document_is_for_everybody_and_the_page_for_who_is_signed_in(penstock: Living) -> None:
    async with client_of(penstock.url) as stranger:
        open_to_all, hidden = await stranger.get("/api/openapi.json"), await stranger.get("/api/docs")
    shown = await penstock.client.get("/api/docs")

    assert open_to_all.json()["openapi"] == "3.1.0"
    assert (hidden.status_code, hidden.headers["location"]) == (303, "/sign-in")
    assert shown.status_code == 200
    for operation in OPERATIONS:
        assert f"<code>{operation.path}</code>" in shown.text


async def test_the_page_needs_nothing_from_elsewhere(penstock: Living) -> None:
    shown = await penstock.client.get("/api/docs")

    addresses = re.findall(r'(?:src|href)="([^"]*)"', shown.text)
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert [one for one in addresses if not one.startswith(("/", "#"))] == []
    assert "<style" not in shown.text
    assert not re.search(r"\son\w+=", shown.text)
    for one in {one for one in addresses if one.startswith("/static/")}:
        assert (await penstock.client.get(one)).status_code == 200


async def test_what_stands_between_back_quotes_is_shown_as_code(penstock: Living) -> None:
    shown = await penstock.client.get("/api/docs")

    assert "the answer sets the cookie <code>session</code>" in shown.text
    assert "`" not in shown.text


def test_an_answer_that_is_no_error_is_not_told_as_one() -> None:
    told = [told["responses"] for methods in DOCUMENT["paths"].values() for told in methods.values()]

    good = [answer for answers in told for status, answer in answers.items() if status < "400"]
    assert [answer for answer in good if "application/problem+json" in answer.get("content", {})] == []
    logs = DOCUMENT["paths"]["/api/pipelines/{id}/logs"]["get"]["responses"]
    assert (set(logs["200"]["content"]), set(logs["206"]["content"])) == (
        {"application/json", "text/plain"},
        {"text/plain"},
    )
