"""The edges of calls: bodies left out, flags in a query, cursors and forms that nobody makes in earnest."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from service.web.api import OPERATIONS
from service.web.openapi import document
from tests.living import Living, push

pytestmark = pytest.mark.anyio


async def the_pipeline(penstock: Living) -> int:
    number: int = (await penstock.get("/api/pipelines"))["items"][0]["id"]
    return number


# Each field of these bodies has a value of its own: without a body, all of them have.
BODILESS = {
    "/api/pipelines/{pipeline}/sync-env": 409,  # it has no credential
    "/api/executions/{execution}/approve": 409,  # it waits for nobody
    "/api/notifications/{notification}/preview": 200,
}


@pytest.mark.parametrize("path", BODILESS)
async def test_a_body_whose_fields_may_all_be_left_out_may_be_left_out(penstock: Living, path: str) -> None:
    await penstock.deliver("repo:push", push("main", "a" * 40))
    [execution] = await penstock.executions()
    told = {"name": "us", "target": {"kind": "email", "address": "us@example.com"}}
    route = (await penstock.client.post("/api/notifications", json=told)).json()
    numbers = {"pipeline": execution["pipeline_id"], "execution": execution["id"], "notification": route["id"]}

    without = await penstock.client.post(path.format(**numbers))
    nothing = await penstock.client.post(path.format(**numbers), json={})
    broken = await penstock.client.post(path.format(**numbers), content=b"{", headers={"Content-Type": "text/plain"})

    assert (without.status_code, nothing.status_code, broken.status_code) == (BODILESS[path], BODILESS[path], 415)
    told_there = document(OPERATIONS)["paths"]
    required = {
        there: methods["post"]["requestBody"]["required"]
        for there, methods in told_there.items()
        if "requestBody" in methods.get("post", {})
    }
    assert [there for there in required if there.endswith(path.rpartition("/")[2]) and not required[there]] != []


@pytest.mark.parametrize(("text", "status"), [("true", 200), ("True", 200), ("1", 200), ("yes", 422), ("", 422)])
async def test_a_flag_that_is_neither_is_refused_and_not_taken_for_no(penstock: Living, text: str, status: int) -> None:
    answer = await penstock.deliver("repo:push", push("main", "a" * 40))
    await penstock.settled()
    path = f"/api/deliveries/{answer.json()['delivery_id']}/replay"

    replayed = await penstock.client.post(path, params={"dry_run": text})

    assert replayed.status_code == status
    assert status == 200 or [error["field"] for error in replayed.json()["errors"]] == ["dry_run"]


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


LISTS = sorted(
    one.path
    for one in OPERATIONS
    if one.method == "GET" and "{" not in one.path and any(query.name == "cursor" for query in one.query)
)


@pytest.mark.parametrize("place", ["9" * 5000, "-1", "1.5", "x", "1:", "\N{FULLWIDTH DIGIT ONE}", "9" * 19 + ":a"])
@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_no_list_gave_is_422(penstock: Living, path: str, place: str) -> None:
    found = await penstock.client.get(path, params={"cursor": cursor(place)})

    real = path == "/api/insights/dora" and place == "1:"  # so it is, after an environment without a name
    assert (found.status_code, path) == (200 if real else 422, path)


# What a query or a page is given by hand, and what PostgreSQL cannot hold.
GIVEN: list[tuple[str, dict[str, str]]] = [
    ("/api/pipelines/{pipeline}/releases", {"environment": "a\x00b"}),
    ("/api/pipelines", {"project_type": "a\x00b"}),
    ("/api/deliveries", {"event_key": "a\x00b"}),
    ("/api/insights/dora", {"environment": "a\x00b"}),
    ("/api/insights/dora", {"cursor": cursor("1:%00")}),
    ("/deliveries", {"before": "a\x00b"}),
    ("/deliveries", {"before": "zz"}),
    ("/drift", {"after": "9" * 5000, "kind": "\x00", "pipeline_id": "9" * 30}),
    ("/", {"after": "9" * 5000}),
    ("/pipelines/{pipeline}/rollback", {"to": "0" * 18 + "1" + "9" * 5000, "environment": "\x00"}),
    ("/insights", {"days": "9" * 5000}),
    ("/notifications", {"after": "\x00"}),
]


@pytest.mark.parametrize(("path", "query"), GIVEN)
async def test_what_stands_in_a_query_is_never_an_error_of_the_service(
    penstock_on_each: Living, path: str, query: dict[str, str]
) -> None:
    answer = await penstock_on_each.client.get(path.format(pipeline=await the_pipeline(penstock_on_each)), params=query)

    assert answer.status_code == 200, answer.text


async def test_a_form_with_ever_more_fields_decides_nothing(penstock: Living) -> None:
    form = "&".join(f"a{number}=1" for number in range(100))

    answer = await penstock.client.post("/approvals/1", content=form.encode())

    assert answer.status_code == 403


def test_the_limit_of_a_log_is_told_in_bytes_and_that_of_a_list_in_items() -> None:
    def limit(path: str) -> Any:
        told = document(OPERATIONS)["paths"][path]["get"]["parameters"]
        return next(one["schema"] for one in told if one["name"] == "limit")

    assert limit("/api/pipelines") == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert limit("/api/pipelines/{id}/logs") == {"type": "integer", "minimum": 0}
