"""Branches and deployments are looked at too: a push or a deployment that no webhook tells of is found."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from service.history import Patience
from service.recorder import Recorder
from service.simulator import Repository, Simulator
from service.store import heads, log
from service.store.tables import credentials, repositories, work
from service.workers import reconciling
from service.workers.inbox import InboxWorker
from service.workers.surveying import ARRIVING
from tests.both_ways.conftest import FILES, connect
from tests.both_ways.test_reconciling import BUDGET, SECONDS, Rounds
from tests.living import Living

pytestmark = pytest.mark.anyio

# Two looks at a quiet repository: what is in doubt at the first one is taken at the second one.
TWO_LOOKS = (SECONDS * 10, ARRIVING / reconciling.SOONER)


class Watched:
    """One repository, connected and looked at for the first time; its time is the test's."""

    def __init__(self, penstock: Living, rounds: Rounds, shop: Repository, numbers: tuple[int, int]) -> None:
        self.penstock, self.rounds, self.shop, self.bitbucket = penstock, rounds, shop, rounds.bitbucket
        self.repository_id, self.pipeline_id = numbers

    async def two_looks(self) -> None:
        for seconds in TWO_LOOKS:
            await self.rounds.round(seconds)

    async def executions(self) -> list[dict[str, Any]]:
        path = f"/api/pipelines/{self.pipeline_id}/executions"
        items: list[dict[str, Any]] = (await self.penstock.get(path))["items"]
        return items

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """What the log has of this kind."""
        async with self.penstock.house.database.read() as connection:
            return [json.loads(line.payload) for line in await log.read_after(connection, 0) if line.kind == kind]


@pytest.fixture
async def watched(bitbucket: Simulator, deaf: Living) -> Watched:
    shop = bitbucket.repository("acme/till", files=FILES)
    numbers = await connect(deaf, "acme/till")
    rounds = Rounds(deaf.house, bitbucket)
    await rounds.round(1)
    return Watched(deaf, rounds, shop, numbers)


async def test_a_push_that_no_webhook_tells_of_is_found_and_its_run_expected(watched: Watched) -> None:
    commit = await watched.shop.push("main", {"a.txt": "1"}, message="Sell more\n\nMuch more")

    await watched.rounds.round(TWO_LOOKS[0])
    assert await watched.executions() == []  # its webhook may be on its way
    await watched.rounds.round(TWO_LOOKS[1])

    [execution] = await watched.executions()
    assert (execution["status"], execution["bitbucket_commit_hash"], execution["branch"], execution["environment"]) == (
        "PLANNED",
        commit.hash,
        "main",
        "production",
    )
    [found] = await watched.told("push.found")
    assert found == found | {
        "branch": "main",
        "commit": commit.hash,
        "source": "reconcile",
        "verdict": "opened",
        "execution_id": execution["id"],
        "silence": "the webhook was missing at Bitbucket; it is made anew",
    }


async def test_a_push_is_found_once(watched: Watched) -> None:
    await watched.shop.push("main", {"a.txt": "1"})
    for _ in range(3):
        await watched.two_looks()

    assert len(await watched.told("push.found")) == 1
    assert len(await watched.executions()) == 1


async def test_a_push_whose_run_was_found_first_joins_it(watched: Watched) -> None:
    commit = await watched.shop.push("main", {"a.txt": "1"}, message="Sell more")
    run = await watched.shop.start_run("main", commit=commit)
    await watched.two_looks()

    assert [one["bitbucket_build_number"] for one in await watched.executions()] == [run.build_number]
    assert [one["verdict"] for one in await watched.told("push.found")] == ["joined"]


@pytest.mark.parametrize(
    ("branch", "message", "reason"),
    [
        ("main", "Write a word [skip ci]", "the commit message asks Bitbucket to skip it ([skip ci])"),
        ("wild-idea", "Think of hats", "no environment deploys wild-idea"),
    ],
)
async def test_a_found_push_is_judged_as_one_that_was_delivered(
    watched: Watched, branch: str, message: str, reason: str
) -> None:
    await watched.shop.push(branch, {"a.txt": "1"}, message=message)
    await watched.two_looks()

    assert [(one["verdict"], one["reason"]) for one in await watched.told("push.found")] == [("ignored", reason)]
    assert await watched.executions() == []


async def test_a_branch_that_is_set_back_to_an_old_commit_is_found(watched: Watched) -> None:
    old = watched.shop.head()
    await watched.shop.push("main", {"a.txt": "1"})
    await watched.two_looks()
    await watched.shop.force_push("main", old)
    await watched.two_looks()

    assert [one["commit"] for one in await watched.told("push.found")][1:] == [old.hash]


async def test_what_was_there_before_the_repository_was_connected_is_no_news(watched: Watched) -> None:
    for _ in range(2):
        await watched.two_looks()

    assert await watched.told("push.found") == []


async def test_a_branch_that_is_gone_is_forgotten(watched: Watched) -> None:
    await watched.shop.push("idea", {"a.txt": "1"})
    await watched.two_looks()
    await watched.shop.delete_branch("idea")
    await watched.rounds.round(SECONDS * 10)

    async with watched.penstock.house.database.read() as connection:
        assert set(await heads.of_repository(connection, watched.repository_id)) == {"main"}


async def test_a_push_that_was_delivered_is_not_found_once_more_however_late_it_is_processed(
    bitbucket: Simulator, deaf: Living
) -> None:
    shop = bitbucket.repository("acme/stock", files=FILES)
    credential_id = (await deaf.get("/api/credentials"))["items"][0]["id"]
    body = {"workspace": "acme", "slug": "stock", "credential_id": credential_id}
    made = (await deaf.client.post("/api/repositories", json=body)).json()
    shop.hook(made["webhook"]["url"], secret=made["webhook"]["secret"])
    rounds = Rounds(deaf.house, bitbucket)
    watched = Watched(deaf, rounds, shop, (made["id"], 0))
    await rounds.round(1)
    bitbucket.delivery_faults.lose(0.0, seed=1)
    await shop.push("main", {"a.txt": "1"})
    for _ in range(2):  # it lies in the inbox
        await watched.two_looks()
    recorder = Recorder(deaf.house.database, deaf.house.recorder.bus, lambda: rounds.now)
    while await InboxWorker(recorder, Patience(expect=1800, run=21600)).process_next():
        pass
    for _ in range(2):
        await watched.two_looks()

    assert len(await watched.told("delivery.processed")) == 1
    assert await watched.told("push.found") == []


async def test_an_old_run_that_deploys_once_more_is_followed_though_no_page_of_runs_tells_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "NEWEST", 1)
    old = await watched.shop.start_run("main")
    await old.advance_to("Deploy")
    await old.finish("FAILED")
    await watched.two_looks()
    newer = watched.shop.queue_run("main", steps=["Build"])
    await newer.finish("STOPPED")
    await watched.two_looks()
    await old.rerun()
    await old.finish("SUCCESSFUL")
    for _ in range(2):
        await watched.two_looks()

    told = {one["bitbucket_build_number"]: (one["status"], one["attempt"]) for one in await watched.executions()}
    assert told[old.build_number] == ("SUCCESS", 2)


async def test_a_run_from_before_that_deploys_since_gets_its_execution(bitbucket: Simulator, deaf: Living) -> None:
    shop = bitbucket.repository("acme/till", files=FILES)
    old = await shop.start_run("main")
    await old.advance_to("Deploy")
    await old.finish("FAILED")
    numbers = await connect(deaf, "acme/till")
    watched = Watched(deaf, Rounds(deaf.house, bitbucket), shop, numbers)
    await watched.rounds.round(1)
    assert await watched.executions() == []
    await old.rerun()
    await old.finish("SUCCESSFUL")
    await watched.two_looks()

    told = [(one["bitbucket_build_number"], one["status"]) for one in await watched.executions()]
    assert told == [(old.build_number, "SUCCESS")]


async def test_what_bitbucket_has_deployed_and_what_is_live_here_coming_apart_is_told_once_and_ends(
    watched: Watched,
) -> None:
    first = await watched.shop.start_run("main")
    await first.finish("SUCCESSFUL")
    await watched.two_looks()
    stray = await watched.shop.push("feature", {"a.txt": "1"})
    run = await watched.shop.start_run("feature", commit=stray)
    await run.finish("SUCCESSFUL")
    for _ in range(3):
        await watched.two_looks()

    [drift] = (await watched.penstock.get("/api/drift"))["items"]
    assert (drift["kind"], drift["subject"], drift["change"]) == ("deployment", "production", "changed")
    assert f"run #{run.build_number} of {stray.hash[:12]} is what production has" in drift["detail"]
    assert f"run #{first.build_number} of" in drift["detail"]
    assert [one["subject"] for one in await watched.told("config.drifted")] == ["production"]
    again = await watched.shop.start_run("main")
    await again.finish("SUCCESSFUL")
    for _ in range(2):
        await watched.two_looks()
    assert (await watched.penstock.get("/api/drift"))["items"] == []


async def test_where_deployments_agree_nothing_is_told(watched: Watched) -> None:
    run = await watched.shop.start_run("main")
    await run.finish("SUCCESSFUL")
    for _ in range(2):
        await watched.two_looks()

    assert await watched.told("config.drifted") == []
    assert [one["status"] for one in await watched.executions()] == ["SUCCESS"]


async def test_a_quiet_look_takes_three_calls_and_a_thousand_repositories_take_their_share_of_the_budget_an_hour(
    bitbucket: Simulator, watched: Watched
) -> None:
    now = watched.rounds.now
    async with watched.penstock.house.recorder.record() as record:
        credential_id = (await record.connection.execute(select(credentials.c.id))).scalar_one()
        more = [
            {"workspace": "many", "slug": f"r{n}", "connected_at": now, "credential_id": credential_id}
            for n in range(999)
        ]
        await record.connection.execute(insert(repositories), more)
        await record.connection.execute(update(work).where(work.c.kind == "reconcile").values(due_at=now))
    before = len(bitbucket.requests)
    await watched.rounds.round(SECONDS * 10)
    calls = len(bitbucket.requests) - before
    async with watched.penstock.house.database.read() as connection:
        due_at = (await connection.execute(select(work.c.due_at).where(work.c.kind == "reconcile"))).scalar_one()
    hours = (due_at - watched.rounds.now) / timedelta(hours=1)

    assert calls == 3
    assert 1000 * calls / hours <= BUDGET * reconciling.SHARE
