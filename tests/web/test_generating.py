"""Pipelines by the API: generated, changed, rendered anew, ended."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from service.store import log
from service.store.pipelines import USUAL_BRANCHES
from tests.living import Living

pytestmark = pytest.mark.anyio

SECRET = "sk_live_51H8x0000secret"


async def generated(penstock: Living, **wanted: Any) -> dict[str, Any]:
    answer = await penstock.client.post(
        "/api/pipelines/generate", json={"repository_id": penstock.hook.id, "project_type": "react", **wanted}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def entries(penstock: Living, kind: str) -> list[dict[str, Any]]:
    """The payloads of that kind in the log, oldest first."""
    async with penstock.house.database.read() as connection:
        found = await log.read_after(connection, 0)
    return [msgspec.json.decode(entry.payload) for entry in found if entry.kind == kind]


async def test_the_adopted_pipeline_is_taken_over(penstock: Living) -> None:
    before = (await penstock.get("/api/pipelines"))["items"]
    answer = await penstock.client.post(
        "/api/pipelines/generate",
        json={
            "repository_id": penstock.hook.id,
            "project_type": "react",
            "branch": "release",
            "subdomain": "Shop",
            "domain": "Example.com",
            "server_ip": "10.0.0.7",
            "port": 8080,
            "environment_variables": [
                {"key": "MODE", "value": "shop", "secured": False},
                {"key": "STRIPE_KEY", "value": SECRET, "secured": True},
            ],
        },
    )

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/pipelines/{before[0]['id']}"
    assert (made["id"], made["is_active"], made["status"]) == (before[0]["id"], True, "PLANNED")
    assert (made["project_type"], made["detection"]) == ("react", None)
    assert (made["domain"], made["subdomain"], made["server_ip"], made["port"]) == (
        "example.com",
        "shop",
        "10.0.0.7",
        8080,
    )
    assert made["environment_variables"] == [
        {"key": "MODE", "secured": False, "value": "shop"},
        {"key": "STRIPE_KEY", "secured": True, "value": None},
    ]
    assert "server_name shop.example.com" in made["nginx_config"]
    assert "shop.example.com" in made["certbot_command"]
    assert "release:" in made["bitbucket_pipelines_yml"]
    assert "webhook" not in made


async def test_the_first_revision_is_written_and_told(penstock: Living) -> None:
    made = await generated(penstock, domain="example.com")

    detail = await penstock.get(f"/api/pipelines/{made['id']}")
    revision = await penstock.get(f"/api/pipelines/{made['id']}/revisions/1")
    told = await entries(penstock, "config.regenerated")
    assert [one["revision"] for one in detail["config_revisions"]] == [1]
    assert revision["files"]["bitbucket-pipelines.yml"] == made["bitbucket_pipelines_yml"]
    assert revision["files"]["nginx/example.com.conf"] == made["nginx_config"]
    assert (revision["delivery"], revision["delivered"]) == ("pull_request", "waiting")
    assert revision["diff"].startswith("--- /dev/null\n+++ b/bitbucket-pipelines.yml\n")
    assert {"why", "override"} <= revision["decisions"][0].keys()
    assert [(one["pipeline_id"], one["revision"], one["pull_request_url"]) for one in told] == [(made["id"], 1, None)]
    assert told[0]["changed_files"] == sorted(revision["files"])


async def test_one_environment_is_for_the_branch_and_says_what_is_live(penstock: Living) -> None:
    made = await generated(penstock)

    production = (await penstock.get(f"/api/pipelines/{made['id']}"))["environments"]
    assert [(one["name"], one["kind"], one["branch_pattern"]) for one in production] == [
        ("production", "production", "main")
    ]
    assert (production[0]["hold"], production[0]["live_execution_id"]) == (None, None)


async def test_a_second_active_pipeline_is_refused_with_what_can_be_done(penstock: Living) -> None:
    made = await generated(penstock)

    answer = await penstock.client.post(
        "/api/pipelines/generate", json={"repository_id": penstock.hook.id, "project_type": "vue"}
    )

    assert answer.status_code == 409
    assert answer.json()["existing_pipeline_id"] == made["id"]
    assert f"PUT /api/pipelines/{made['id']}" in str(answer.json()["options"])


async def test_of_fifty_that_generate_at_once_one_gets_the_pipeline(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    wanted = {"repository_id": penstock.hook.id, "project_type": "static"}

    answers = await asyncio.gather(
        *(penstock.client.post("/api/pipelines/generate", json=wanted, timeout=60) for _ in range(50))
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 49
    assert {answer.json().get("existing_pipeline_id") for answer in answers if answer.status_code == 409} == {
        next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    }
    assert len((await penstock.get("/api/pipelines"))["items"]) == 1


async def test_of_many_that_connect_and_generate_at_once_one_gets_the_pipeline(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    wanted = {"workspace": "acme", "slug": "brand-new", "project_type": "static"}

    answers = await asyncio.gather(
        *(penstock.client.post("/api/pipelines/generate", json=wanted, timeout=60) for _ in range(10))
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert len((await penstock.get("/api/repositories"))["items"]) == 2


async def test_a_repository_that_is_not_connected_yet_is_connected_on_the_way(penstock: Living) -> None:
    answer = await penstock.client.post(
        "/api/pipelines/generate", json={"workspace": "Acme", "slug": "Blog", "project_type": "static"}
    )

    made = answer.json()
    assert answer.status_code == 201
    assert made["repository"]["full_name"] == "acme/blog"
    assert made["webhook"]["url"].startswith(penstock.url)
    assert len(made["webhook"]["secret"]) >= 32
    assert "acme/blog > Repository settings > Webhooks" in made["webhook"]["instructions"]


def with_variables(*variables: dict[str, Any]) -> dict[str, Any]:
    return {"project_type": "react", "environment_variables": list(variables)}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "project_type"),
        ({"project_type": "auto"}, "project_type"),
        ({"project_type": "fortran"}, "project_type"),
        ({"project_type": "react", "repository_id": None}, "repository_id"),
        ({"project_type": "react", "workspace": "acme", "slug": "shop"}, "repository_id"),
        ({"project_type": "react", "domain": "not a domain"}, "domain"),
        ({"project_type": "react", "domain": "10.0.0.1"}, "domain"),
        ({"project_type": "react", "subdomain": "a;b"}, "subdomain"),
        ({"project_type": "react", "server_ip": "10.0.0.1; rm -rf /"}, "server_ip"),
        ({"project_type": "react", "branch": "--upload-pack=x"}, "branch"),
        ({"project_type": "react", "port": 0}, "port"),
        ({"project_type": "react", "port": 65536}, "port"),
        ({"project_type": "react", "port": 10**30}, "port"),
        ({"project_type": "react", "credential_id": 7}, "credential_id"),
        ({"project_type": "react", "status": "SUCCESS"}, "status"),
        ({"project_type": "react", "is_active": False}, "is_active"),
        (with_variables({"key": "a b", "value": "x"}), "environment_variables[0].key"),
        (with_variables({"key": "LD_PRELOAD", "value": "x"}), "environment_variables[0].key"),
        (with_variables({"key": "A", "value": "x\ny"}), "environment_variables[0].value"),
        (with_variables({"key": "A"}), "environment_variables[0].value"),
        (with_variables({"key": "A", "value": "short", "secured": True}), "environment_variables[0].value"),
        (with_variables({"key": "A", "value": "1"}, {"key": "A", "value": "2"}), "environment_variables[1].key"),
    ],
)
async def test_H12_H13_what_cannot_be_is_refused_by_its_field(
    penstock: Living, wanted: dict[str, Any], field: str
) -> None:
    answer = await penstock.client.post("/api/pipelines/generate", json={"repository_id": penstock.hook.id, **wanted})

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await penstock.get("/api/pipelines"))["items"][0]["bitbucket_pipelines_yml"] is None


async def test_what_depends_on_a_setting_is_rendered_anew(penstock: Living) -> None:
    made = await generated(penstock, domain="example.com", subdomain="shop", project_type="node", port=8080)

    answer = await penstock.client.put(f"/api/pipelines/{made['id']}", json={"port": 8081, "subdomain": "newapp"})

    changed = answer.json()
    revision = await penstock.get(f"/api/pipelines/{made['id']}/revisions/2")
    assert answer.status_code == 200
    assert (changed["port"], changed["subdomain"], changed["domain"]) == (8081, "newapp", "example.com")
    assert "8081" in changed["nginx_config"]
    assert "server_name newapp.example.com" in changed["nginx_config"]
    assert "nginx/newapp.example.com.conf" in revision["changed_files"]
    assert revision["diff_summary"].endswith("removed")


async def test_a_change_that_touches_no_file_makes_no_revision(penstock: Living) -> None:
    made = await generated(penstock)

    answer = await penstock.client.put(f"/api/pipelines/{made['id']}", json={"config_delivery": "manual"})

    detail = await penstock.get(f"/api/pipelines/{made['id']}")
    assert answer.status_code == 200
    assert (detail["config_delivery"], len(detail["config_revisions"])) == ("manual", 1)


async def test_a_setting_is_taken_away_by_null(penstock: Living) -> None:
    made = await generated(penstock, domain="example.com", subdomain="shop", server_ip="10.0.0.7")

    changed = (await penstock.client.put(f"/api/pipelines/{made['id']}", json={"subdomain": None})).json()

    assert (changed["subdomain"], changed["server_ip"]) == (None, "10.0.0.7")
    assert "server_name example.com" in changed["nginx_config"]


async def test_variables_are_replaced_as_a_whole_and_null_keeps_a_value(penstock: Living) -> None:
    first = [{"key": "A", "value": "1"}, {"key": "TOKEN", "value": SECRET, "secured": True}]
    made = await generated(penstock, environment_variables=first)
    wanted = [{"key": "B", "value": "2"}, {"key": "TOKEN", "value": None, "secured": True}]

    changed = (await penstock.client.put(f"/api/pipelines/{made['id']}", json={"environment_variables": wanted})).json()
    unsecured = [{"key": "TOKEN", "value": None, "secured": False}]
    refused = await penstock.client.put(f"/api/pipelines/{made['id']}", json={"environment_variables": unsecured})

    assert changed["environment_variables"] == [
        {"key": "B", "secured": False, "value": "2"},
        {"key": "TOKEN", "secured": True, "value": None},
    ]
    assert refused.status_code == 422


async def test_who_looked_at_an_older_version_is_told_so(penstock: Living) -> None:
    made = await generated(penstock)
    path = f"/api/pipelines/{made['id']}"
    seen = (await penstock.client.get(path)).headers["etag"]

    first = await penstock.client.put(path, json={"port": 8081}, headers={"If-Match": seen})
    second = await penstock.client.put(path, json={"port": 8082}, headers={"If-Match": seen})
    third = await penstock.client.put(path, json={"port": 8083}, headers={"If-Match": f'"0", {first.headers["etag"]}'})
    ended = await penstock.client.delete(path, headers={"If-Match": seen})

    assert [answer.status_code for answer in (first, second, third, ended)] == [200, 412, 200, 412]
    assert (await penstock.get(path))["port"] == 8083


async def test_changes_at_once_are_all_kept(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    made = await generated(penstock)
    path = f"/api/pipelines/{made['id']}"
    names = [f"stage-{number}" for number in range(5)]

    answers = await asyncio.gather(
        *(
            penstock.client.post(
                f"{path}/environments", json={"name": name, "kind": "staging", "branch_pattern": name}, timeout=60
            )
            for name in names
        )
    )

    detail = await penstock.get(path)
    assert [answer.status_code for answer in answers] == [201] * 5
    assert sorted(one["name"] for one in detail["environments"]) == ["production", *names]
    assert all(f"{name}:" in detail["bitbucket_pipelines_yml"] for name in names)


async def test_rendering_anew_without_a_difference_makes_no_revision(penstock: Living) -> None:
    made = await generated(penstock)

    answer = await penstock.client.post(f"/api/pipelines/{made['id']}/regenerate")

    assert answer.status_code == 200
    assert (answer.json()["revision"], answer.json()["changed"]) == (1, False)


async def test_nothing_is_rendered_anew_that_was_never_generated(penstock: Living) -> None:
    adopted = (await penstock.get("/api/pipelines"))["items"][0]

    answer = await penstock.client.post(f"/api/pipelines/{adopted['id']}/regenerate")

    assert answer.status_code == 409


async def test_an_ended_pipeline_stays_readable_and_makes_room_for_another(penstock: Living) -> None:
    first = await generated(penstock)
    path = f"/api/pipelines/{first['id']}"

    ended = await penstock.client.delete(path)
    again = await penstock.client.delete(path)
    changed = await penstock.client.put(path, json={"port": 8081})
    second = await generated(penstock)

    assert (ended.status_code, again.status_code, changed.status_code) == (204, 409, 409)
    assert (await penstock.get(path))["is_active"] is False
    assert second["id"] != first["id"]
    assert [one["pipeline_id"] for one in await entries(penstock, "pipeline.deleted")] == [first["id"]]
    assert [one["pipeline_id"] for one in await entries(penstock, "pipeline.created")] == [first["id"], second["id"]]


async def test_nothing_can_be_removed_at_bitbucket_without_a_credential(penstock: Living) -> None:
    made = await generated(penstock)

    answer = await penstock.client.delete(f"/api/pipelines/{made['id']}?remote=true")

    assert answer.status_code == 409
    assert "webhook" in answer.json()["detail"]
    assert (await penstock.get(f"/api/pipelines/{made['id']}"))["is_active"] is True


async def test_an_adopted_pipeline_takes_settings_before_anything_is_generated(penstock: Living) -> None:
    adopted = (await penstock.get("/api/pipelines"))["items"][0]
    path = f"/api/pipelines/{adopted['id']}"

    changed = await penstock.client.put(path, json={"port": 8081})
    production = await penstock.client.put(f"{path}/environments/production", json={"requires_approval": True})

    assert (changed.status_code, production.status_code) == (200, 200)
    assert changed.json()["bitbucket_pipelines_yml"] is None
    assert production.json()["branch_pattern"] == USUAL_BRANCHES
