"""Generating from what is really in a repository, and taking out of Bitbucket what was put there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from service import why
from service.client import Clients
from service.simulator import Repository, Simulator
from service.store import accounts, pipelines
from service.store.work import Work
from service.workers.cleaning import BRANCH, Cleaner
from service.workers.tasks import Later
from tests.living import Living, living
from tests.web.people import OPERATOR, OWNER, People, people_of

pytestmark = pytest.mark.anyio

TOKEN = "ATCTT3xFfGN0-a-token-of-the-tests"
FILES = {
    "package.json": '{"dependencies": {"react": "^18.2.0"}, "devDependencies": {"vite": "^5.0.0"}, '
    '"scripts": {"build": "vite build"}}',
    "package-lock.json": "{}",
    "vite.config.js": "export default {}",
    "index.html": "<div id=root></div>",
    "src/main.jsx": "import React from 'react'",
}


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        simulator.credentials.add_token(TOKEN)
        yield simulator


@pytest.fixture
async def penstock(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Living]:
    settings = {"PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_BITBUCKET_API_URL": bitbucket.url}
    async with living(settings) as started:
        yield started


@pytest.fixture
async def credential(penstock: Living) -> int:
    answer = await penstock.client.post("/api/credentials", json={"kind": "access_token", "token": TOKEN})
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


async def generated(penstock: Living, slug: str, **wanted: Any) -> dict[str, Any]:
    answer = await penstock.client.post("/api/pipelines/generate", json={"workspace": "acme", "slug": slug, **wanted})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def becomes(happened: Callable[[], bool]) -> None:
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it had not happened after ten seconds")


async def test_the_kind_of_project_is_what_is_in_the_repository(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    site = bitbucket.repository("acme/site", files=FILES, main="trunk")

    made = await generated(penstock, "site", credential_id=credential, domain="example.com")

    revision = await penstock.get(f"/api/pipelines/{made['id']}/revisions/1")
    detail = await penstock.get(f"/api/pipelines/{made['id']}")
    assert made["project_type"] == made["detection"]["type"] == "react"
    assert made["detection"]["confidence"] > 0.8
    assert "package.json" in {one["file"] for one in made["detection"]["evidence"]}
    assert revision["commit"] == site.refs.head("trunk").hash
    assert detail["environments"][0]["branch_pattern"] == "trunk"
    assert "trunk:" in made["bitbucket_pipelines_yml"]


async def test_an_explicit_kind_is_taken_against_what_is_found(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    bitbucket.repository("acme/site", files=FILES)

    made = await generated(penstock, "site", credential_id=credential, project_type="static")

    assert (made["project_type"], made["detection"]["type"]) == ("static", "react")


async def test_a_repository_that_says_nothing_is_to_be_named(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    bitbucket.repository("acme/notes", files={"notes.txt": "buy milk"})

    answer = await penstock.client.post(
        "/api/pipelines/generate", json={"workspace": "acme", "slug": "notes", "credential_id": credential}
    )

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["project_type"]
    assert "acme/notes" not in str(await penstock.get("/api/repositories"))


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({"slug": "nowhere"}, 422, "acme/nowhere"),
        ({"slug": "site", "branch": "gone"}, 422, "gone"),
    ],
)
async def test_what_is_not_there_is_named(
    penstock: Living, bitbucket: Simulator, credential: int, wanted: dict[str, str], status: int, said: str
) -> None:
    bitbucket.repository("acme/site", files=FILES)

    answer = await penstock.client.post(
        "/api/pipelines/generate", json={"workspace": "acme", "credential_id": credential, **wanted}
    )

    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


async def test_a_credential_that_is_refused_is_a_persons_to_mend(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    bitbucket.repository("acme/site", files=FILES)
    bitbucket.route_faults.answer("GET", "/repositories/", 403, times=None)

    answer = await penstock.client.post(
        "/api/pipelines/generate", json={"workspace": "acme", "slug": "site", "credential_id": credential}
    )

    assert answer.status_code == 409
    assert TOKEN not in answer.text


async def test_a_new_look_finds_what_was_pushed(penstock: Living, bitbucket: Simulator, credential: int) -> None:
    site = bitbucket.repository("acme/site", files=FILES)
    made = await generated(penstock, "site", credential_id=credential)
    await site.push("main", {"package.json": FILES["package.json"].replace("vite build", "vite build --mode shop"),
                             ".nvmrc": "20\n"})  # fmt: skip

    answer = await penstock.client.post(f"/api/pipelines/{made['id']}/regenerate")

    told = answer.json()
    assert (answer.status_code, told["revision"], told["changed"]) == (200, 2, True)
    assert "bitbucket-pipelines.yml" in told["changed_files"]
    assert told["commit"] == site.refs.head("main").hash
    assert told["diff"].startswith("--- a/bitbucket-pipelines.yml\n+++ b/bitbucket-pipelines.yml\n")


async def hooked(penstock: Living, bitbucket: Simulator, credential: int) -> tuple[Repository, dict[str, Any]]:
    site = bitbucket.repository("acme/site", files=FILES)
    variables = [{"key": "MODE", "value": "shop"}]
    made = await generated(penstock, "site", credential_id=credential, environment_variables=variables)
    await becomes(lambda: len(site.hooks) == 1)
    return site, made


async def test_what_was_put_into_bitbucket_is_taken_out_of_it(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    site, made = await hooked(penstock, bitbucket, credential)
    site.variables.add("THEIRS", "1")
    synced = await penstock.client.post(f"/api/pipelines/{made['id']}/sync-env", json={})
    assert synced.status_code == 200, synced.text
    assert {one.key for one in site.variables} == {"MODE", "THEIRS"}
    await becomes(lambda: len(site.pull_requests) == 1)

    answer = await penstock.client.delete(f"/api/pipelines/{made['id']}?remote=true")

    assert answer.status_code == 204
    await becomes(lambda: not site.hooks and {one.key for one in site.variables} == {"THEIRS"})
    await becomes(lambda: [one.state for one in site.pull_requests] == ["DECLINED"])  # nobody had merged it
    await becomes(lambda: list(site.refs.branches) == ["main"])
    assert (await penstock.get(f"/api/pipelines/{made['id']}"))["is_active"] is False


async def test_delivered_files_are_removed_by_a_pull_request_unless_somebody_edited_them(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    site, made = await hooked(penstock, bitbucket, credential)
    await becomes(lambda: len(site.pull_requests) == 1)
    await site.merge(site.pull_requests[0])
    await site.push("main", {"certbot.sh": "edited by a person\n"})

    await penstock.client.delete(f"/api/pipelines/{made['id']}?remote=true")

    branch = BRANCH.format(made["id"])
    await becomes(lambda: len(site.pull_requests) == 2)
    request = site.pull_requests[1]
    left = site.refs.head(branch).files
    assert (request.source, request.destination, request.state) == (branch, "main", "OPEN")
    assert "bitbucket-pipelines.yml" not in left
    assert "certbot.sh" in left


async def test_cleaning_waits_for_bitbucket_to_come_back(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    site, made = await hooked(penstock, bitbucket, credential)
    house = penstock.house
    async with house.recorder.record() as record:
        await pipelines.deactivate(record.connection, made["repository"]["id"], record.now)
    nowhere = Clients(house.database, house.vault, base_url="http://127.0.0.1:9/2.0", per_hour=900)
    payload = {"pipeline_id": made["id"], "part": "webhook"}
    piece = Work(id=1, kind="cleanup", key="", payload=payload, tries=1, claim="")

    with pytest.raises(Later):
        await Cleaner(house.recorder, nowhere)(piece)
    await nowhere.close()
    assert len(site.hooks) == 1
    await Cleaner(house.recorder, house.clients)(piece)
    assert site.hooks == []


async def test_nothing_is_taken_from_a_repository_that_has_a_pipeline_again(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    site, made = await hooked(penstock, bitbucket, credential)
    payload = {"pipeline_id": made["id"], "part": "webhook"}
    piece = Work(id=1, kind="cleanup", key="", payload=payload, tries=1, claim="")

    await Cleaner(penstock.house.recorder, penstock.house.clients)(piece)

    assert len(site.hooks) == 1


async def test_a_repository_is_given_a_credential_and_its_webhook_is_made(
    penstock: Living, bitbucket: Simulator, credential: int
) -> None:
    site = bitbucket.repository("acme/site", files=FILES)
    made = (await penstock.client.post("/api/repositories", json={"workspace": "acme", "slug": "site"})).json()
    assert (made["credential_id"], site.hooks) == (None, [])
    path = f"/api/repositories/{made['id']}"

    unknown = await penstock.client.put(path, json={"credential_id": 999})
    given = await penstock.client.put(path, json={"credential_id": credential})
    await becomes(lambda: bool(site.hooks))
    taken = await penstock.client.put(path, json={"credential_id": None})

    assert [error["field"] for error in unknown.json()["errors"]] == ["credential_id"]
    assert (given.status_code, given.json()["credential_id"]) == (200, credential)
    assert taken.json()["credential_id"] is None
    assert (await penstock.get(path))["credential_id"] is None
    assert [line["action"] for line in (await penstock.get("/api/audit", limit=2))["items"]] == [
        "repository.credential_changed"
    ] * 2


class Lent:
    """A repository of two owners, which works with the credential of one of them."""

    def __init__(self, people: People, repository_id: int, pipeline_id: int) -> None:
        self.people, self.repository_id, self.pipeline_id = people, repository_id, pipeline_id

    async def works(self) -> tuple[int | None, int]:
        """(the credential it works with, what a look at what is there is answered)."""
        found = (await self.people.ask(OPERATOR, "GET", f"/api/repositories/{self.repository_id}")).json()
        asked = await self.people.ask(
            OPERATOR, "POST", f"/api/pipelines/{self.pipeline_id}/sync-env", {"dry_run": True}
        )
        return found["credential_id"], asked.status_code


@pytest.fixture
async def lent(penstock: Living, bitbucket: Simulator) -> Lent:
    bitbucket.repository("acme/site", files=FILES)
    people = await people_of(penstock)
    own = await people.made(OWNER, "/api/credentials", {"kind": "access_token", "token": TOKEN})
    body = {"workspace": "acme", "slug": "site", "credential_id": own["id"]}
    repository = await people.made(OWNER, "/api/repositories", body)
    await people.ask(OWNER, "PUT", f"/api/repositories/{repository['id']}/members/operator", {"role": "owner"})
    found = Lent(people, repository["id"], await people.pipeline_of(repository))
    assert await found.works() == (own["id"], 200)
    return found


async def test_A17_the_credential_of_an_owner_who_is_removed_goes_with_him(lent: Lent, bitbucket: Simulator) -> None:
    await lent.people.ask(OPERATOR, "DELETE", f"/api/repositories/{lent.repository_id}/members/owner")
    before = [one for one in bitbucket.requests if "variables" in one.path]

    assert await lent.works() == (None, 409)
    assert [one for one in bitbucket.requests if "variables" in one.path] == before != []
    [line] = [
        line
        for line in (await lent.people.penstock.get("/api/audit"))["items"]
        if line["action"] == "repository.credential_withdrawn"
    ]
    assert line["details"] == {"id": lent.repository_id, "why": "it was owner's, who is no longer an owner"}


async def test_A17_an_owner_who_becomes_an_operator_lends_his_credential_no_more(lent: Lent) -> None:
    path = f"/api/repositories/{lent.repository_id}/members/owner"
    await lent.people.ask(OPERATOR, "PUT", path, {"role": "operator"})

    assert await lent.works() == (None, 409)


async def test_A17_the_credential_goes_with_its_account_and_another_members_removal_changes_nothing(lent: Lent) -> None:
    await lent.people.ask(OWNER, "PUT", f"/api/repositories/{lent.repository_id}/members/viewer", {"role": "viewer"})
    await lent.people.ask(OWNER, "DELETE", f"/api/repositories/{lent.repository_id}/members/viewer")
    assert (await lent.works())[1] == 200

    async with lent.people.penstock.house.recorder.record() as record:
        await accounts.remove_user(record.connection, OWNER)

    assert await lent.works() == (None, 409)


async def test_A17_a_credential_that_is_withdrawn_is_missed_where_people_look(lent: Lent) -> None:
    house, page = lent.people.penstock.house, f"/pipelines/{lent.pipeline_id}"
    missed = "Without a credential Penstock takes webhooks at their word"
    assert missed not in unescape((await lent.people.ask(OPERATOR, "GET", page)).text)
    assert missed not in "\n".join(await why.told(house.database, "acme", "site", None))

    await lent.people.ask(OPERATOR, "DELETE", f"/api/repositories/{lent.repository_id}/members/owner")

    assert missed in unescape((await lent.people.ask(OPERATOR, "GET", page)).text)
    told = "\n".join(await why.told(house.database, "acme", "site", None))
    assert missed in told
    assert f"`PUT /api/repositories/{lent.repository_id}` has it used" in told


async def test_a_credential_that_bitbucket_refuses_is_named_on_the_pipelines_page(
    lent: Lent, bitbucket: Simulator
) -> None:
    bitbucket.credentials.add_token("quite another token")
    bitbucket.credentials.revoke(bitbucket.credentials.add_token(TOKEN))
    await lent.works()

    told = unescape((await lent.people.ask(OPERATOR, "GET", f"/pipelines/{lent.pipeline_id}")).text)

    assert "Bitbucket cannot be asked: " in told
    assert "make a new token" in told
    assert TOKEN not in told
