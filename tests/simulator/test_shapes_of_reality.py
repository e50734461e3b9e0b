"""The simulator's JSON has the shape of recorded Bitbucket JSON.

The recordings are not part of this repository; they are compared where they lie beside it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from service.bitbucket.signature import sign
from service.simulator import Actor, CreateTag, Delete, Repository, Simulator, Update
from service.simulator.settings import HOOK_EVENTS
from tests.simulator.conftest import Receiver

SHARED = Path(__file__).parents[2] / "../shared/bitbucket"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no recordings beside the repository (../shared/bitbucket)"),
]


def kind_of(value: Any) -> str:
    return {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", type(None): "null"}.get(
        type(value), "number"
    )


def differences(real: Any, ours: Any, where: str, ignore: frozenset[str] = frozenset()) -> list[str]:
    """Keys the simulator lacks or invents, types that differ; null stands for any type. Of a list, the first item."""
    if where in ignore or real is None or ours is None:
        return []
    if kind_of(real) != kind_of(ours):
        return [f"{where}: {kind_of(real)} in reality, {kind_of(ours)} here"]
    if isinstance(real, list):
        return differences(real[0], ours[0], f"{where}[]", ignore) if real and ours else []
    if not isinstance(real, dict):
        return []
    found = [f"{where}.{key}: missing" for key in real.keys() - ours.keys() if f"{where}.{key}" not in ignore]
    found += [f"{where}.{key}: invented" for key in ours.keys() - real.keys() if f"{where}.{key}" not in ignore]
    for key in real.keys() & ours.keys():
        found += differences(real[key], ours[key], f"{where}.{key}", ignore)
    return sorted(found)


def payload(name: str) -> Any:
    return json.loads((SHARED / "payloads" / name).read_text())


def sample(name: str) -> Any:
    return json.loads((SHARED / "api-samples" / name).read_text())


@pytest.fixture
async def shop(bitbucket: Simulator, receiver: Receiver) -> Repository:
    maya = Actor("Maya")
    repository = bitbucket.repository("acme/shop", files={"README.md": "hello\n", "src/a.js": "1\n"}, owner=maya)
    repository.hook(receiver.url)
    return repository


async def test_a_pushed_branch(shop: Repository, receiver: Receiver) -> None:
    await shop.push("feature/webhook", {"a": "b"})

    assert differences(payload("repo-push--jenkins-branch-source--10.json"), receiver.received[0].payload, "") == []


async def test_a_deleted_branch(shop: Repository, receiver: Receiver) -> None:
    await shop.create_branch("feature/test")
    await shop.push_refs(Delete("feature/test"))

    assert differences(payload("repo-push--jenkins-branch-source--8.json"), receiver.received[1].payload, "") == []


async def test_a_lightweight_tag(shop: Repository, receiver: Receiver) -> None:
    await shop.tag("simple-tag")

    assert differences(payload("repo-push--jenkins-branch-source--11.json"), receiver.received[0].payload, "") == []


async def test_three_refs_in_one_push(shop: Repository, receiver: Receiver) -> None:
    await shop.push_refs(Update("main", {"a": "1"}), Update("manchu", commits=6), CreateTag("v0.1", message="One"))

    real = payload("repo-push--jenkins-branch-source--3.json")["push"]["changes"]
    ours = receiver.received[0].payload["push"]["changes"]
    for then, now in zip(real, ours, strict=True):
        assert {key: type(value) for key, value in then.items()} == {key: type(value) for key, value in now.items()}
        assert {key: then[key] for key in FLAGS} == {key: now[key] for key in FLAGS}


FLAGS = ("created", "closed", "forced", "truncated")


async def test_an_empty_push(shop: Repository, receiver: Receiver) -> None:
    await shop.push_refs()

    assert payload("repo-push--zulip--10.json")["push"] == receiver.received[0].payload["push"]


@pytest.mark.parametrize("word", ["created", "updated"])
async def test_a_commit_status_of_a_run(bitbucket: Simulator, receiver: Receiver, word: str) -> None:
    shop = bitbucket.repository("acme/shop")
    shop.hook(receiver.url)
    run = await shop.start_run(creator=Actor("Acme", kind="team"))
    await run.finish()

    real = payload(f"repo-commit_status_{word}--go-scm--1.json")
    ours = next(one.payload for one in receiver.received if one.event_key.endswith(word))
    assert differences(real, ours, "") == []
    assert real["commit_status"]["key"] == ours["commit_status"]["key"]


async def test_a_rename(shop: Repository, receiver: Receiver) -> None:
    await shop.rename("Boutique")

    # The recording is of before workspaces, and of a change of website, language and description as well.
    old = frozenset(
        {".repository.parent", ".repository.workspace", ".repository.project", ".changes.slug"}
        | {f".changes.{name}" for name in ("website", "language", "description")}
    )
    assert differences(payload("repo-updated--go-playground--1.json"), receiver.received[0].payload, "", old) == []


async def test_a_span(shop: Repository, receiver: Receiver) -> None:
    run = await shop.start_run()
    await run.finish()

    assert differences(payload("pipeline-span_created--bitslack--1.json"), receiver.received[-1].payload, "") == []


async def test_a_run_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    await run.finish("FAILED")

    real = sample("pipeline--tramline--pipeline_fail.json")
    ours = (await rest.get("/pipelines/1")).json()
    of_a_ref = frozenset({".target.ref_name", ".target.ref_type", ".target.selector.pattern"})
    assert differences(real, ours, "", of_a_ref) == []


async def test_a_step_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    await run.finish("FAILED")

    ours = (await rest.get("/pipelines/1/steps")).json()["values"][0]
    assert differences(sample("pipeline-step--gildas.json"), ours, "") == []


async def test_a_deployment_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    await run.finish()

    real = sample("deployments-list--devlake.json")["values"][0]
    ours = (await rest.get("/deployments")).json()["values"][0]
    # The recording was made with `fields=`, which left these out.
    left_out = frozenset(
        {".environment.uuid", ".state.type", ".state.status", ".release.commit.type", ".release.commit.links.self"}
    )
    assert differences(real, ours, "", left_out) == []


async def test_a_hook_over_rest(rest: httpx.AsyncClient) -> None:
    made = await rest.post("/hooks", json={"description": "x", "url": "https://example.com", "events": ["repo:push"]})

    assert made.status_code == 201
    assert differences(sample("hook--tramline.json"), made.json(), "") == []


async def test_a_repository_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    issues = frozenset({".links.issues"})
    assert differences(sample("repository--gildas.json"), (await rest.get("")).json(), "", issues) == []


async def test_a_file_over_rest(rest: httpx.AsyncClient) -> None:
    ours = (await rest.get("/src/main/README.md", params={"format": "meta"})).json()
    assert differences(sample("src-meta--jenkins.json"), ours, "") == []


async def test_a_directory_over_rest(rest: httpx.AsyncClient) -> None:
    ours = (await rest.get("/src/main/")).json()["values"][0]
    assert differences(sample("content_list--go-scm.json")["values"][0], ours, "") == []


async def test_a_diffstat_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    old = shop.head()
    new = await shop.push(files={"README.md": "hello\nworld\n"})

    ours = (await rest.get(f"/diffstat/{new.hash}..{old.hash}")).json()["values"][0]
    newer = frozenset({".old.escaped_path", ".new.escaped_path"})
    assert differences(sample("diffstat--go-scm.json")["values"][0], ours, "", newer) == []


async def test_a_status_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    await shop.set_status(shop.head(), "drone", "SUCCESSFUL")

    ours = (await rest.get(f"/commit/{shop.head().hash}/statuses")).json()["values"][0]
    assert differences(sample("statuses--go-scm.json")["values"][0], ours, "") == []


async def test_a_tag_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    await shop.tag("v1", message="One")

    ours = (await rest.get("/refs/tags/v1")).json()
    real = sample("tag-special-chars--jenkins.json")
    newer = frozenset(f".target.{key}" for key in ("committer", "summary", "rendered", "participants"))
    assert differences(real, ours, "", newer) == []


async def test_a_pull_request_over_rest(shop: Repository, rest: httpx.AsyncClient) -> None:
    await shop.create_branch("change")
    made = await rest.post("/pullrequests", json={"title": "Change", "source": {"branch": {"name": "change"}}})

    assert made.status_code == 201
    newer = frozenset({".draft"})
    assert differences(sample("pullrequest--tramline.json"), made.json(), "", newer) == []


@pytest.mark.parametrize(
    ("document", "schema", "path"),
    [
        ("pipelines.yaml", "pipeline_variable", "/pipelines_config/variables"),
        ("pipelines.yaml", "pipelines_config", "/pipelines_config"),
        ("pipelines.yaml", "pipeline", "/pipelines"),
        ("pipelines.yaml", "pipeline_step", "/pipelines/1/steps"),
        ("deployments.yaml", "deployment_environment", "/environments"),
        ("deployments.yaml", "deployment", "/deployments"),
        ("hooks.yaml", "webhook_subscription", "/hooks"),
        ("refs.yaml", "branch", "/refs/branches"),
        ("commit-statuses.yaml", "commitstatus", "/commit/main/statuses"),
        ("commits.yaml", "diffstat", "/diffstat/main"),
        ("repositories.yaml", "repository", ""),
    ],
)
async def test_what_the_openapi_document_names_has_its_type(
    shop: Repository, rest: httpx.AsyncClient, document: str, schema: str, path: str
) -> None:
    shop.variables.add("PORT", "80")
    run = await shop.start_run()
    await run.finish()

    schemas = yaml.load((SHARED / "openapi" / document).read_text(), Loader=yaml.CSafeLoader)["components"]["schemas"]
    parts = [schemas[schema], *schemas[schema].get("allOf", [])]
    typed = {k: v["type"] for part in parts for k, v in part.get("properties", {}).items() if "type" in v}
    answer = (await rest.get(path)).json()
    ours = answer["values"][0] if "values" in answer else answer
    known = typed.keys() & ours.keys()
    assert known
    assert {key: kind_of(ours[key]) for key in known if ours[key] is not None} == {
        key: typed[key] for key in known if ours[key] is not None
    }


def test_a_published_signed_body_has_the_published_signature() -> None:
    facts = (SHARED / "FACTS.md").read_text()
    vector = re.search(r"file P/(\S+) \(.*?secret `(.+?)` → `(sha256=[0-9a-f]{64})`", facts)

    assert vector
    assert sign((SHARED / "payloads" / vector[1]).read_bytes(), vector[2].encode()) == vector[3]


def test_a_hook_can_ask_for_the_events_of_the_openapi_document() -> None:
    document = yaml.load((SHARED / "openapi/hooks.yaml").read_text(), Loader=yaml.CSafeLoader)
    parts = document["components"]["schemas"]["webhook_subscription"]["allOf"]
    events = next(part["properties"]["events"] for part in parts if "properties" in part)

    assert set(HOOK_EVENTS) == set(events["items"]["enum"])
