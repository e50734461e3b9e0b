"""Runs are looked at as often as was asked for, or as often as the calls of their credential bear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select, update

from service import clock
from service.app import Role
from service.client import Clients
from service.client.budget import OVERDRAFT
from service.history import Patience
from service.recorder import Recorder
from service.sightings import Sighting, execution_of
from service.simulator import Run, Simulator, Step
from service.simulator.definition import StepDefinition
from service.store.tables import credentials, executions, work
from service.workers.following import Follower
from service.workers.pacing import Pace
from service.workers.tailing import Tailer
from service.workers.tasks import TaskWorker
from tests.both_ways.conftest import QUICK, TOKEN, connect
from tests.living import Living, living
from tests.web.listening import Event, listen

pytestmark = [pytest.mark.anyio, pytest.mark.long]

WATCHED, ALONE, BUDGET = 5.0, 60.0, 900


class Hour:
    """A service whose time is the test's, with one repository; whoever it is told of is watched all along."""

    def __init__(self, penstock: Living, bitbucket: Simulator, repository_id: int, pipeline_id: int) -> None:
        self.now: datetime = clock.now()
        self.bitbucket = bitbucket
        self.penstock = penstock
        self.repository_id, self.pipeline_id = repository_id, pipeline_id
        self.trouble: set[str] = set()
        house = penstock.house
        self.recorder = recorder = Recorder(house.database, house.recorder.bus, lambda: self.now)
        self.patience = patience = Patience(expect=1800, run=21600)
        self.clients = Clients(
            house.database,
            house.vault,
            base_url=bitbucket.url,
            per_hour=BUDGET,
            allow_private_targets=True,
            now=lambda: self.now,
        )
        pace = Pace(watched=WATCHED, alone=ALONE, per_hour=BUDGET)
        self._worker = TaskWorker(
            recorder,
            {
                "follow": Follower(recorder, self.clients, patience, pace),
                "tail": Tailer(recorder, self.clients, _no_secrets, seconds=WATCHED),
            },
        )

    async def begin(self, count: int) -> list[Run]:
        """So many runs begin, and are known here."""
        shop = self.bitbucket.repositories[0]
        begun = [await shop.start_run("main") for _ in range(count)]
        async with self.recorder.record() as record:
            for run in begun:
                await run.write("+ make\n")
                seen = Sighting(
                    repository_id=self.repository_id,
                    pipeline_id=self.pipeline_id,
                    build_number=run.build_number,
                    commit=run.target.commit.hash,
                    branch="main",
                )
                _, execution = await execution_of(record, seen, self.patience)
                await record.work("follow", str(execution.id), {"execution_id": execution.id})
        return begun

    async def pass_by(self, seconds: float, *, step: float = 10.0) -> None:
        for _ in range(round(seconds / step)):
            self.now += timedelta(seconds=step)
            self.bitbucket.clock.advance(step)
            while await self._worker.do_next():
                pass
            async with self.penstock.house.database.read() as connection:
                question = select(work.c.error).where(work.c.error.is_not(None), work.c.kind != "hook")
                self.trouble |= set((await connection.execute(question)).scalars())

    async def all_watched(self) -> int:
        """From now on; how many there are."""
        async with self.penstock.house.recorder.record() as record:
            until = self.now + timedelta(days=1)
            await record.connection.execute(update(executions).values(watched_until=until))
            found = await record.connection.execute(select(func.count()).select_from(executions))
            return int(found.scalar_one())

    async def told(self) -> list[dict[str, object]]:
        path = f"/api/pipelines/{self.pipeline_id}/executions"
        items: list[dict[str, object]] = (await self.penstock.get(path, limit=200))["items"]
        return items

    def asked(self, path: str = "") -> int:
        return sum(path in request.path for request in self.bitbucket.requests)


async def _no_secrets(_: object) -> frozenset[bytes]:
    return frozenset()


@pytest.fixture
async def hour(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Hour]:
    bitbucket.delivery_faults.lose(1.0, seed=1)
    environ = {**QUICK, "PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_BITBUCKET_API_URL": bitbucket.url}
    async with living(environ, role=Role.WEB) as penstock:
        kept = await penstock.client.post("/api/credentials", json={"kind": "access_token", "token": TOKEN})
        assert kept.status_code == 201, kept.text
        bitbucket.repository("acme/till")
        begun = Hour(penstock, bitbucket, *await connect(penstock, "acme/till"))
        await begun.pass_by(5)
        yield begun
        await begun.clients.close()


async def test_fifty_watched_runs_of_one_credential_stay_within_the_hours_calls_and_end_right(hour: Hour) -> None:
    before = hour.asked()
    runs = await hour.begin(50)
    await hour.pass_by(120)
    known = await hour.all_watched()
    await hour.pass_by(900)
    for run in runs:
        await run.advance_to("Deploy")
        await run.write("+ make deploy\n")
    await hour.pass_by(900)
    for number, run in enumerate(runs):
        await run.finish("FAILED" if number % 5 == 0 else "SUCCESSFUL")
    await hour.pass_by(3600 - 1920)
    asked = hour.asked() - before
    refused = [request for request in hour.bitbucket.requests if request.status == 429]
    await hour.pass_by(600, step=30)

    told = {one["bitbucket_build_number"]: (one["status"], one["confirmed"]) for one in await hour.told()}
    ends = {"SUCCESSFUL": "SUCCESS", "FAILED": "FAILED"}
    assert known == 50
    assert told == {run.build_number: (ends[str(run.result)], True) for run in runs}
    assert asked <= BUDGET * (1 + OVERDRAFT)
    assert (refused, hour.trouble) == ([], set())


async def test_one_watched_run_is_looked_at_as_often_as_was_asked_for(hour: Hour) -> None:
    [run] = await hour.begin(1)
    await hour.pass_by(60)
    await hour.all_watched()
    await hour.pass_by(WATCHED * 12)
    looks = hour.asked("/log")
    runs = hour.asked(run.uuid) - looks
    await hour.pass_by(WATCHED * 24, step=WATCHED / 4)

    assert hour.asked("/log") - looks >= 22
    # the run and its steps, every minute
    assert hour.asked(run.uuid) - hour.asked("/log") - runs <= 6


async def test_a_step_that_has_ended_is_seen_at_the_next_look_though_only_its_log_is_asked_for(hour: Hour) -> None:
    [run] = await hour.begin(1)
    await hour.pass_by(60)
    await hour.all_watched()
    await hour.pass_by(WATCHED * 4)
    await run.advance_to("Deploy")
    await hour.pass_by(WATCHED * 4)

    assert [one["status"] for one in await hour.told()] == ["DEPLOYING"]


async def test_whoever_watches_is_told_how_rarely_and_never_of_an_error_when_the_budget_is_spent(hour: Hour) -> None:
    [run] = await hour.begin(1)
    await hour.pass_by(60)
    await hour.all_watched()
    [execution] = await hour.told()
    async with hour.penstock.house.recorder.record() as record:
        spent = {"calls_left": 0.0, "recent_calls": float(BUDGET), "counted_at": hour.now}
        await record.connection.execute(update(credentials).values(spent))
    before = hour.asked()
    port = urlsplit(hour.penstock.url).port
    assert port is not None
    path = f"/api/executions/{execution['id']}/logs/stream"
    heard: list[Event] = []
    async with listen(port, path, authorization=f"Bearer {hour.penstock.token}") as stream:
        heard += await stream.take(2)
        await hour.pass_by(60)
        heard += await stream.take(1)
        meanwhile = hour.asked() - before
        await run.finish()
        await hour.pass_by(3600, step=30)
        heard += await stream.rest()

    names = [event.name for event in heard]
    assert names[:3] == ["subscribed", "log_update", "log_pace"]
    assert "the credential's budget bears no more" in heard[2].content["message"]
    assert heard[2].content["every"] > WATCHED
    assert meanwhile <= BUDGET / 60 + 1
    assert "log_error" not in names
    assert names[-1] == "log_complete"
    assert hour.trouble == set()


@pytest.mark.parametrize(
    ("names", "stages", "calls"),
    [
        (["Build", "Test", "Deploy"], ["BUILDING", "TESTING", "DEPLOYING"], 0),
        (["Test", "Go live"], ["TESTING", "DEPLOYING"], 1),
        (["Prepare", "Go live"], ["BUILDING", "DEPLOYING"], 2),
    ],
    ids=str,
)
async def test_what_a_step_is_for_is_asked_once_where_its_name_does_not_tell(
    hour: Hour, names: list[str], stages: list[str], calls: int
) -> None:
    [run] = await hour.begin(1)
    deploying = {"Deploy": "production", "Go live": "production"}
    run.all_steps = [Step(StepDefinition(name, deploying.get(name))) for name in names]
    seen = []
    for name in names:
        await run.advance_to(name)
        await hour.pass_by(ALONE * 4)
        seen.append((await hour.told())[0]["status"])

    shown = await hour.penstock.get(f"/api/executions/{(await hour.told())[0]['id']}")
    assert seen == stages
    assert hour.asked("/deployments") == calls
    assert [one["deployment"] for one in shown["steps"]] == ["Production" if n == "Go live" else None for n in names]


async def test_a_credential_that_may_not_read_deployments_leaves_it_to_the_name(hour: Hour) -> None:
    [run] = await hour.begin(1)
    run.all_steps = [Step(StepDefinition("Go live", "production"))]
    hour.bitbucket.route_faults.answer("GET", "/deployments", 403, times=None)
    await run.advance_to("Go live")
    await hour.pass_by(ALONE * 2)

    assert [one["status"] for one in await hour.told()] == ["BUILDING"]
    assert hour.trouble == set()
