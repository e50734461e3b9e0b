"""`penstock hold`, as a process of its own: what is held, and the end of it."""

from __future__ import annotations

import asyncio

import pytest

from service import holding
from service.store import environments
from tests.cli.conftest import Ended, Run
from tests.living import Hook, Living, push

pytestmark = pytest.mark.anyio

BAD = "b" * 40


class Terminal:
    """Commands with the address and the token of the running service."""

    def __init__(self, penstock: Living, run: Run) -> None:
        self._environ = {"PENSTOCK_URL": penstock.url, "PENSTOCK_TOKEN": penstock.token}
        self._run = run

    async def hold(self, *words: str) -> Ended:
        return await asyncio.to_thread(self._run, "hold", *words, **self._environ)


@pytest.fixture
def terminal(penstock: Living, run: Run) -> Terminal:
    return Terminal(penstock, run)


async def held(penstock: Living, hook: Hook, *names: str) -> int:
    """Holds environments of the repository's pipeline, as a rollback does; the execution because of which."""
    await penstock.deliver("repo:push", push("main", BAD), hook=hook)
    [execution] = await penstock.executions(hook)
    pipeline_id = execution["pipeline_id"]
    async with penstock.house.recorder.record() as record:
        for name in names:
            place = await environments.named(record.connection, pipeline_id, name)
            assert place is not None
            await holding.hold(record, place, execution_id=execution["id"], commit=BAD, reason="it did not answer")
    number: int = execution["id"]
    return number


async def staging(penstock: Living, hook: Hook) -> None:
    pipeline = (await penstock.get("/api/pipelines", repository_id=hook.id))["items"][0]
    wanted = {"name": "staging", "kind": "staging", "branch_pattern": "develop"}
    answer = await penstock.client.post(f"/api/pipelines/{pipeline['id']}/environments", json=wanted)
    assert answer.status_code == 201, answer.text


async def test_what_is_held_is_shown_of_all_repositories_or_of_one(penstock: Living, terminal: Terminal) -> None:
    other = await penstock.connect("acme/quay")
    execution = await held(penstock, penstock.hook, "production")
    await held(penstock, other, "production")

    everywhere, here = await terminal.hold("show"), await terminal.hold("show", "acme/quay", "--json")
    elsewhere = await terminal.hold("show", "--env", "staging")

    assert [line.split()[0] for line in everywhere.out.splitlines()] == ["REPOSITORY", "acme/shop", "acme/quay"]
    assert everywhere.out.splitlines()[1].split()[1::2] == ["production", str(execution), "it", "not"]
    assert [(one["repository"], one["environment"], one["commit"]) for one in here.json] == [
        ("acme/quay", "production", BAD)
    ]
    assert elsewhere.out == "nothing is held\n"


async def test_a_hold_is_released_with_its_reason(penstock: Living, terminal: Terminal) -> None:
    await held(penstock, penstock.hook, "production")

    released = await terminal.hold("release", "acme/shop", "--env", "production", "--reason", "the cable was out")
    again = await terminal.hold("release", "acme/shop", "--env", "production")

    assert released.out == f"production of acme/shop is no longer held: {BAD[:12]} may be deployed again\n"
    assert again.failure == "production is not held: there is nothing to release"
    pipeline = (await penstock.get("/api/pipelines"))["items"][0]
    [told] = (await penstock.get(f"/api/pipelines/{pipeline['id']}/holds"))["items"]
    assert (told["released_by"], told["release_reason"]) == ("ada", "the cable was out")


async def test_without_a_name_the_one_that_is_held_is_released(penstock: Living, terminal: Terminal) -> None:
    await staging(penstock, penstock.hook)
    nothing = await terminal.hold("release", "acme/shop")
    await held(penstock, penstock.hook, "production", "staging")
    which = await terminal.hold("release", "acme/shop")
    first = await terminal.hold("release", "acme/shop", "--env", "staging", "--json")
    last = await terminal.hold("release", "acme/shop", "--json")

    assert nothing.failure == "nothing of acme/shop is held: there is nothing to release"
    assert which.failure == "production, staging of acme/shop are held: say which with --env"
    assert (first.json["environment"], last.json["environment"]) == ("staging", "production")


async def test_a_pipeline_shows_the_newest_of_its_holds(penstock: Living) -> None:
    await staging(penstock, penstock.hook)
    execution = await held(penstock, penstock.hook, "staging", "production")

    [listed] = (await penstock.get("/api/pipelines"))["items"]
    shown = await penstock.get(f"/api/pipelines/{listed['id']}")
    await penstock.client.post(f"/api/pipelines/{listed['id']}/release-hold", json={"environment": "production"})
    await penstock.client.post(f"/api/pipelines/{listed['id']}/release-hold", json={"environment": "staging"})
    after = await penstock.get(f"/api/pipelines/{listed['id']}")

    assert (shown["hold"]["environment"], shown["hold"]["by_execution_id"]) == ("production", execution)
    assert set(shown["hold"]) == {"environment", "since", "by_execution_id", "commit", "reason"}
    assert listed["hold"] == shown["hold"]
    assert after["hold"] is None
