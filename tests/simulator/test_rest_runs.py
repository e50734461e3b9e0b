"""Runs over REST: listed, started, stopped, their logs read."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from service.simulator import Actor, Repository, Run, Simulator
from tests.simulator.conftest import Receiver

pytestmark = pytest.mark.anyio

PIPELINES = """\
pipelines:
  default:
    - step: {name: Build, script: [make]}
    - step: {name: Deploy, trigger: manual, script: [ship]}
  custom:
    rollback:
      - step: {name: Back, script: [back]}
"""


async def values(rest: httpx.AsyncClient, path: str, **params: str | int) -> list[Any]:
    answer = await rest.get(path, params=params)
    return list(answer.json()["values"])


async def log_of(rest: httpx.AsyncClient, run: Run, step: str, **headers: str) -> httpx.Response:
    path = f"/pipelines/{quote(run.uuid)}/steps/{quote(run.step(step).uuid)}/log"
    return await rest.get(path, headers={"Accept": "*/*", **{k.replace("_", "-"): v for k, v in headers.items()}})


async def test_pages_have_ten_rows_unless_asked_and_the_last_has_no_next(
    shop: Repository, rest: httpx.AsyncClient
) -> None:
    for _ in range(12):
        shop.queue_run()
    first = (await rest.get("/pipelines")).json()
    last = (await rest.get(first["next"])).json()

    assert (len(first["values"]), first["page"], first["pagelen"], first["size"]) == (10, 1, 10, 12)
    assert (len(last["values"]), last["page"], "next" in last, "previous" in last) == (2, 2, False, True)


@pytest.mark.parametrize(("name", "value"), [("pagelen", "101"), ("pagelen", "0"), ("page", "0"), ("page", "x")])
async def test_a_page_that_cannot_be_is_a_400(rest: httpx.AsyncClient, name: str, value: str) -> None:
    answer = await rest.get("/pipelines", params={name: value})

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, f"Invalid {name}")


@pytest.mark.parametrize(("sort", "order"), [("created_on", [1, 2, 3]), ("-created_on", [3, 2, 1])])
async def test_runs_are_sorted_by_their_time(
    shop: Repository, rest: httpx.AsyncClient, sort: str, order: list[int]
) -> None:
    for _ in range(3):
        shop.queue_run()

    assert [run["build_number"] for run in await values(rest, "/pipelines", sort=sort)] == order


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("target.ref_name", "main", [1, 2, 3, 4]),
        ("target.branch", "side", [5]),
        ("target.ref_type", "TAG", []),
        ("trigger_type", "MANUAL", [4]),
        ("target.selector.type", "CUSTOM", [4]),
        ("status", "PASSED", [1]),
        ("status", "FAILED", [2]),
        ("status", "HALTED", [3]),
        ("status", "BUILDING", [5]),
        ("status", "PARSING", [4]),
        ("status", "COMPLETED", []),
        ("no.such.filter", "whatever", [1, 2, 3, 4, 5]),
    ],
)
async def test_runs_are_filtered_and_an_unknown_filter_is_ignored(
    shop: Repository, rest: httpx.AsyncClient, name: str, value: str, found: list[int]
) -> None:
    await (await shop.start_run()).finish()
    await (await shop.start_run()).finish("FAILED")
    await (await shop.start_run()).halt()
    shop.queue_run(custom="rollback", steps=["Back"], trigger="MANUAL")
    await shop.create_branch("side")
    await shop.start_run("side")

    assert [run["build_number"] for run in await values(rest, "/pipelines", **{name: value})] == found


async def test_runs_are_found_by_commit_and_by_creator(shop: Repository, rest: httpx.AsyncClient) -> None:
    kim = Actor("Kim")
    old = shop.head()
    await shop.push()
    shop.queue_run(commit=old, creator=kim)
    shop.queue_run()

    by_commit = await values(rest, "/pipelines", **{"target.commit.hash": old.hash})
    by_creator = await values(rest, "/pipelines", **{"creator.uuid": kim.uuid})
    assert [run["build_number"] for run in by_commit] == [run["build_number"] for run in by_creator] == [1]


async def test_a_run_is_found_by_braced_uuid_or_by_number(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    by_uuid = await rest.get(f"/pipelines/{quote(run.uuid)}")
    by_number = await rest.get("/pipelines/1")
    without_braces = await rest.get(f"/pipelines/{run.uuid.strip('{}')}")

    assert by_uuid.json() == by_number.json()
    assert (without_braces.status_code, without_braces.json()["error"]) == (
        404,
        {"message": "Not found", "detail": "The value provided is not a valid uuid."},
    )


async def test_the_repository_is_found_by_uuid_too(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient
) -> None:
    by_uuid = await rest.get(f"{bitbucket.url}/repositories/{quote(shop.owner.uuid)}/{quote(shop.uuid)}")
    by_bare_uuid = await rest.get(f"{bitbucket.url}/repositories/acme/{shop.uuid.strip('{}')}")

    assert (by_uuid.json()["full_name"], by_bare_uuid.status_code) == ("acme/shop", 404)


@pytest.mark.parametrize(
    ("drive", "state"),
    [
        ("halt", {"name": "IN_PROGRESS", "stage": "HALTED"}),
        ("pause", {"name": "IN_PROGRESS", "stage": "PAUSED"}),
        ("finish", {"name": "COMPLETED", "result": "SUCCESSFUL"}),
        ("stop", {"name": "COMPLETED", "result": "STOPPED"}),
    ],
)
async def test_a_state_has_its_stage_or_its_result(
    shop: Repository, rest: httpx.AsyncClient, drive: str, state: dict[str, str]
) -> None:
    run = await shop.start_run()
    await getattr(run, drive)()

    told = (await rest.get("/pipelines/1")).json()
    assert {
        key: part if key == "name" else part["name"] for key, part in told["state"].items() if key != "type"
    } == state
    assert ("completed_on" in told) == (state["name"] == "COMPLETED")


async def test_steps_appear_when_the_run_begins(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = shop.queue_run()
    before = await values(rest, "/pipelines/1/steps")
    await run.begin()
    await run.pause()
    after = await values(rest, "/pipelines/1/steps")

    assert before == []
    assert [(step["name"], step["state"]["name"]) for step in after] == [
        ("Build", "COMPLETED"),
        ("Test", "PENDING"),
        ("Deploy", "PENDING"),
    ]
    assert after[1]["state"]["stage"]["name"] == "PAUSED"


BRANCH = {"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": "main"}


@pytest.mark.parametrize(
    ("selector", "steps"),
    [(None, ["Build", "Deploy"]), ({"type": "custom", "pattern": "rollback"}, ["Back"])],
)
async def test_a_run_is_started_on_a_branch_by_the_file_or_a_custom_pipeline(
    shop: Repository, rest: httpx.AsyncClient, selector: dict[str, str] | None, steps: list[str]
) -> None:
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})
    target = BRANCH | ({"selector": selector} if selector else {})
    made = await rest.post("/pipelines", json={"target": target, "variables": [{"key": "A", "value": "1"}]})

    run = shop.latest_run
    assert (made.status_code, made.json()["trigger"]["name"], made.json()["has_variables"]) == (201, "MANUAL", True)
    assert made.headers["location"] == f"{shop.api}/pipelines/{quote(run.uuid)}"
    assert [step.name for step in run.all_steps] == steps
    assert [(one.key, one.value, one.secured) for one in run.variables] == [("A", "1", False)]


async def test_a_run_is_started_at_an_older_commit(shop: Repository, rest: httpx.AsyncClient) -> None:
    old = await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})
    await shop.push("main")
    commit = {"type": "commit", "hash": old.hash}
    on_ref = await rest.post("/pipelines", json={"target": {**BRANCH, "commit": commit}})
    custom = {"type": "custom", "pattern": "rollback"}
    target = {"type": "pipeline_commit_target", "commit": commit, "selector": custom}
    bare = await rest.post("/pipelines", json={"target": target})

    assert [made.json()["target"]["commit"]["hash"] for made in (on_ref, bare)] == [old.hash] * 2
    assert (on_ref.json()["target"]["ref_name"], "ref_name" in bare.json()["target"]) == ("main", False)


async def test_yaml_sent_along_is_run_once_in_place_of_the_file(shop: Repository, rest: httpx.AsyncClient) -> None:
    query = {
        "target.type": "pipeline_ref_target",
        "target.ref_type": "branch",
        "target.ref_name": "main",
        "target.selector.type": "custom",
        "target.selector.pattern": "rollback",
        "variables[0].key": "RELEASE",
        "variables[0].value": "7",
        "variables[0].secured": "true",
    }
    made = await rest.post("/pipelines", params=query, content=PIPELINES, headers={"Content-Type": "application/yaml"})

    run = shop.latest_run
    assert made.status_code == 201
    assert [step.name for step in run.all_steps] == ["Back"]
    assert [(one.key, one.value, one.secured) for one in run.variables] == [("RELEASE", "7", True)]
    assert "bitbucket-pipelines.yml" not in shop.head().files


@pytest.mark.parametrize(
    ("body", "because"),
    [
        ({}, "no 'target'"),
        ({"target": {"type": "nonsense"}}, "not a type of target"),
        ({"target": BRANCH | {"ref_name": "nowhere"}}, "no branch named 'nowhere'"),
        ({"target": BRANCH | {"commit": {"hash": "f" * 40}}}, "does not exist"),
        ({"target": BRANCH | {"selector": {"type": "custom", "pattern": "x"}}}, "no pipeline for the target"),
        ({"target": BRANCH, "variables": [{"value": "x"}]}, "list of objects"),
    ],
)
async def test_a_run_that_cannot_be_is_a_400_that_says_why(
    shop: Repository, rest: httpx.AsyncClient, body: dict[str, Any], because: str
) -> None:
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})
    answer = await rest.post("/pipelines", json=body)

    assert (answer.status_code, shop.runs) == (400, [])
    assert because in answer.json()["error"]["detail"]


async def test_nothing_is_started_without_a_file_or_with_pipelines_off(
    shop: Repository, rest: httpx.AsyncClient
) -> None:
    without_file = await rest.post("/pipelines", json={"target": BRANCH})
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})
    await rest.put("/pipelines_config", json={"enabled": False})
    turned_off = await rest.post("/pipelines", json={"target": BRANCH})

    assert (without_file.status_code, turned_off.status_code, shop.runs) == (400, 400, [])


async def test_a_run_is_stopped_once(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient, receiver: Receiver
) -> None:
    run = await shop.start_run()
    stopped = await rest.post(f"/pipelines/{quote(run.uuid)}/stopPipeline")
    again = await rest.post(f"/pipelines/{quote(run.uuid)}/stopPipeline")
    nowhere = await rest.post("/pipelines/99/stopPipeline")
    await bitbucket.settled()

    assert (stopped.status_code, again.status_code, nowhere.status_code) == (204, 400, 404)
    assert (await rest.get("/pipelines/1")).json()["state"]["result"]["terminator"]["type"] == "user"
    assert receiver.received[1].payload["commit_status"]["state"] == "STOPPED"


async def test_fields_select_and_links_then_lead_inside(shop: Repository, rest: httpx.AsyncClient) -> None:
    shop.queue_run()
    answer = (await rest.get("/pipelines", params={"fields": "values.build_number,values.links.self,page"})).json()

    assert answer.keys() == {"page", "values"}
    assert answer["values"][0].keys() == {"build_number", "links"}
    assert answer["values"][0]["links"]["self"]["href"].startswith("http://bitbucket-pipelines.prod")


async def test_fields_leave_out(shop: Repository, rest: httpx.AsyncClient) -> None:
    shop.queue_run()
    run = (await rest.get("/pipelines/1", params={"fields": "-repository,-target.commit"})).json()

    assert "repository" not in run
    assert "commit" not in run["target"]
    assert "selector" in run["target"]


async def test_a_log_is_read_as_it_grows(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    nothing = await log_of(rest, run, "Build")
    await run.write("één\n")
    all_of_it = await log_of(rest, run, "Build", Range="bytes=0-")
    no_more = await log_of(rest, run, "Build", Range="bytes=6-")
    await run.write("two\n")
    the_rest = await log_of(rest, run, "Build", Range="bytes=6-")
    within_a_letter = await log_of(rest, run, "Build", Range="bytes=1-2")
    whole = await log_of(rest, run, "Build")

    assert nothing.status_code == 404
    assert (all_of_it.status_code, all_of_it.content) == (206, "één\n".encode())
    assert (no_more.status_code, no_more.headers["content-range"]) == (416, "bytes */6")
    assert (the_rest.content, the_rest.headers["content-range"]) == (b"two\n", "bytes 6-9/10")
    assert within_a_letter.content == b"\xa9\xc3"
    assert (whole.status_code, whole.content) == (200, "één\ntwo\n".encode())


async def test_a_log_that_has_not_changed_is_a_304(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    await run.write("one\n")
    etag = (await log_of(rest, run, "Build")).headers["etag"]
    same = await log_of(rest, run, "Build", If_None_Match=etag)
    await run.write("two\n")
    changed = await log_of(rest, run, "Build", If_None_Match=etag)

    assert (same.status_code, changed.status_code) == (304, 200)


async def test_a_log_is_not_json(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    await run.write("one\n")

    assert (await log_of(rest, run, "Build", Accept="application/json")).status_code == 406


async def test_a_range_may_be_ignored(shop: Repository, rest: httpx.AsyncClient) -> None:
    shop.logs_honour_range = False
    run = await shop.start_run()
    await run.write("one\ntwo\n")
    answer = await log_of(rest, run, "Build", Range="bytes=4-")

    assert (answer.status_code, answer.content) == (200, b"one\ntwo\n")


async def test_a_finished_log_lies_in_a_storage_that_wants_no_authorization(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient
) -> None:
    run = await shop.start_run()
    await run.write("one\ntwo\n")
    await run.finish()
    moved = await log_of(rest, run, "Build", Authorization="Bearer secret")
    where = httpx.URL(moved.headers["location"])
    stored = await rest.get(where, headers={"Range": "bytes=4-"})
    leaked = await rest.get(where, headers={"Authorization": "Bearer secret"})

    assert moved.status_code == 307
    assert (where.host, where.port) != ("127.0.0.1", httpx.URL(bitbucket.url).port)
    assert (stored.status_code, stored.content) == (206, b"two\n")
    assert (leaked.status_code, bitbucket.storage.authorizations) == (400, ["Bearer secret"])


async def test_the_announcement_of_a_stop_does_not_hold_up_its_answer(
    shop: Repository, rest: httpx.AsyncClient, receiver: Receiver
) -> None:
    run = await shop.start_run()
    receiver.answers.append(None)
    async with asyncio.timeout(5):
        answer = await rest.post(f"/pipelines/{quote(run.uuid)}/stopPipeline")

    assert answer.status_code == 204
