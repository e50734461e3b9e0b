"""Nothing is missed: whatever webhooks are lost, whatever calls fail, however many watch, within the budget."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from service import clock
from service.client import calls
from service.events import Source, Trigger
from service.history import Patience
from service.recorder import Recorder
from service.simulator import NotPossible, Repository, Run, Simulator
from service.simulator.rest.faults import RouteFault, RouteFaults
from service.store import executions, heads
from service.store.tables import credentials, observations, work
from service.web.house import House
from service.workers import following
from service.workers.following import Follower
from service.workers.pacing import Pace
from service.workers.reconciling import Budgeted, Reconciler
from service.workers.tasks import TaskWorker
from tests.both_ways.conftest import BUDGET_PER_HOUR, Both, both_running, connect
from tests.living import Living
from tests.web.listening import listen

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ENDS = {"SUCCESSFUL": "SUCCESS", "FAILED": "FAILED", "STOPPED": "FAILED", "ERROR": "FAILED", "EXPIRED": "FAILED"}

# Seconds between two rounds where something is under way.
SECONDS = 60.0

BUDGET = int(BUDGET_PER_HOUR)


class Rounds:
    """The work of a service whose time is the test's: one round is all that is due at a moment."""

    def __init__(self, house: House, bitbucket: Simulator) -> None:
        self.now: datetime = clock.now()
        self.bitbucket = bitbucket
        recorder = Recorder(house.database, house.recorder.bus, lambda: self.now)
        patience = Patience(expect=1800, run=21600)
        self._worker = TaskWorker(
            recorder,
            {
                "follow": Follower(recorder, house.clients, patience, Pace(watched=5, alone=SECONDS, per_hour=BUDGET)),
                "reconcile": Reconciler(
                    recorder,
                    house.clients,
                    patience,
                    Budgeted(seconds=SECONDS, calls_per_hour=BUDGET),
                    house.webhook_url,
                ),
            },
        )

    async def round(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.bitbucket.clock.advance(seconds)
        while await self._worker.do_next():
            pass


async def test_without_any_webhook_an_hour_of_runs_ends_right_within_two_rounds_and_within_the_budget(
    bitbucket: Simulator, deaf: Living
) -> None:
    chance = random.Random(4)
    repositories: list[tuple[Repository, int]] = [
        (bitbucket.repository(name), (await connect(deaf, name))[1])
        for name in ("acme/till", "acme/ledger", "acme/stock")
    ]
    for repository, _ in repositories:
        repository.hook(f"{deaf.url}/webhooks/bitbucket/whatever")
    rounds = Rounds(deaf.house, bitbucket)
    await rounds.round(0)
    runs: list[Run] = []
    for _ in range(30):
        for repository, _ in repositories:
            if chance.random() < 0.25:
                commit = await repository.push("main", {"a.txt": str(chance.random())})
                runs.append(await repository.start_run("main", commit=commit))
            elif chance.random() < 0.2:
                await repository.push(chance.choice(("idea", "main")), {"b.txt": "1"}, message="Think [skip ci]")
        for run in runs:
            await _something_happens(run, chance)
        await rounds.round(SECONDS * 2)
    for run in runs:
        if run.state != "COMPLETED":
            await run.finish("SUCCESSFUL")
    for _ in range(2):
        await rounds.round(SECONDS * 10)

    told = {}
    for repository, pipeline_id in repositories:
        items = (await deaf.get(f"/api/pipelines/{pipeline_id}/executions", limit=200))["items"]
        told[repository.full_name] = {
            (one["bitbucket_build_number"], one["bitbucket_commit_hash"], one["status"], one["confirmed"])
            for one in items
        }
    assert len(runs) > 15
    assert told == {
        repository.full_name: {
            (run.build_number, run.target.commit.hash, ENDS[str(run.result)], True) for run in repository.runs
        }
        for repository, _ in repositories
    }
    async with deaf.house.database.read() as connection:
        for repository, _ in repositories:
            known = await heads.of_repository(connection, (await _numbered(deaf, repository))["id"])
            there = {branch: commit.hash for branch, commit in repository.refs.branches.items()}
            assert {branch: head.commit for branch, head in known.items()} == there
            assert {head.told_by for head in known.values()} == {"survey"}
            assert not any(head.doubted for head in known.values())
    assert bitbucket.deliveries
    assert {delivery.fate for delivery in bitbucket.deliveries} == {"lost"}
    assert len(bitbucket.requests) <= BUDGET
    assert 429 not in {request.status for request in bitbucket.requests}


async def _numbered(penstock: Living, repository: Repository) -> dict[str, Any]:
    listed = (await penstock.get("/api/repositories", limit=200))["items"]
    return next(one for one in listed if one["full_name"] == repository.full_name)


async def test_a_push_that_is_known_joins_the_run_of_which_no_webhook_tells(both: Both) -> None:
    commit = await both.shop.push("main", {"a.txt": "1"}, message="Sell more")
    both.bitbucket.delivery_faults.lose(1.0, seed=1)
    run = await both.shop.start_run("main", commit=commit)
    await run.finish("FAILED")

    execution = await both.execution(run, status="FAILED", confirmed=True)

    assert [one["id"] for one in await both.executions()] == [execution["id"]]
    assert {one["event_key"] for one in execution["deliveries"]} == {"repo:push"}
    assert {one["source"] for one in execution["transitions"]} == {"reconcile"}


async def test_runs_from_before_the_repository_was_connected_are_not_recorded(
    bitbucket: Simulator, deaf: Living
) -> None:
    repository = bitbucket.repository("acme/till")
    old = await repository.start_run("main")
    await old.finish("SUCCESSFUL")
    _, pipeline_id = await connect(deaf, "acme/till")
    rounds = Rounds(deaf.house, bitbucket)
    await rounds.round(1)
    new = await repository.start_run("main")
    await rounds.round(SECONDS * 10)

    found = (await deaf.get(f"/api/pipelines/{pipeline_id}/executions"))["items"]

    assert [one["bitbucket_build_number"] for one in found] == [new.build_number]


async def test_a_spent_budget_is_waited_for_and_never_exceeded(bitbucket: Simulator, tmp_path: Path) -> None:
    per_hour, left = 3600 * 4, 5
    async with both_running(bitbucket, tmp_path, PENSTOCK_RATE_BUDGET_PER_HOUR=str(per_hour)) as both:
        async with both.penstock.house.recorder.record() as record:
            values = {"calls_left": float(left), "counted_at": record.now}
            await record.connection.execute(update(credentials).values(values))
        began, before = time.monotonic(), len(bitbucket.requests)
        runs = [await both.shop.start_run("main") for _ in range(6)]
        for run in runs:
            await run.finish("SUCCESSFUL")
        for run in runs:
            await both.execution(run, status="SUCCESS", confirmed=True)

        asked, seconds = len(bitbucket.requests) - before, time.monotonic() - began

    assert asked <= left + per_hour / 3600 * seconds + 1


WEATHER = ("429", "500", "cut", "truncated", "late", "timeout")

# Seconds for which the client waits for an answer, and in which none comes.
WAITS, HANGS = 2.0, 6.0


class Weather(RouteFaults):
    """Each call has its own bad luck; the same seed brings the same."""

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self.share = share
        self.met: Counter[str] = Counter()
        self._chance = random.Random(seed)

    def take(self, method: str, path: str) -> RouteFault | None:
        if self._chance.random() >= self.share:
            return None
        kind = WEATHER[self.met.total() % len(WEATHER)]
        self.met[kind] += 1
        match kind:
            case "429":
                return RouteFault(method, path, None, status=429, headers={"Retry-After": "1"})
            case "500":
                return RouteFault(method, path, None, status=500, body=b"<html>oops</html>")
            case "cut":
                return RouteFault(method, path, None, cut=True)
            case "truncated":
                return RouteFault(method, path, None, truncated=True)
            case "timeout":
                return RouteFault(method, path, None, delay_seconds=HANGS)
            case _:
                return RouteFault(method, path, None, delay_seconds=0.2)


@pytest.mark.parametrize("seed", [7, *(pytest.param(seed, marks=pytest.mark.endurance) for seed in (8, 9, 10))])
async def test_with_three_calls_in_ten_failing_nothing_is_lost_and_nothing_doubled(
    both: Both, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setitem(calls.Calls.__init__.__kwdefaults__, "seconds", WAITS)
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.2)
    weather = Weather(0.3, seed=seed)
    both.bitbucket.route_faults = weather
    logs: dict[int, str] = {}
    runs = [await both.shop.start_run("main") for _ in range(3)]
    for number, run in enumerate(runs):
        for name in ("Build", "Test", "Deploy"):
            await run.advance_to(name)
            text = f"+ {name} of {number}\n" * 200
            await run.write(text)
            logs[number] = logs.get(number, "") + text
        await run.finish("SUCCESSFUL" if number else "FAILED")

    found = [
        await both.execution(run, status="SUCCESS" if n else "FAILED", confirmed=True) for n, run in enumerate(runs)
    ]

    for number, execution in enumerate(found):
        whole = len(logs[number])
        await both.until(lambda e=execution, w=whole: _stored(both, e["id"], w))  # type: ignore[misc]
        assert await _text(both, execution["id"]) == logs[number]
        applied = [one["to"] for one in execution["transitions"] if one["outcome"] == "applied"]
        assert len(applied) == len(set(applied))
        end = Trigger.SUCCEED if number else Trigger.FAIL
        stages = [Trigger.QUEUE, Trigger.START, Trigger.BUILD, Trigger.TEST, Trigger.DEPLOY]
        assert await _observed(both, execution["id"]) == Counter([*stages, end])
    assert set(weather.met) == set(WEATHER)
    assert {one["bitbucket_build_number"] for one in await both.executions()} == {run.build_number for run in runs}


async def test_the_calls_do_not_grow_with_the_number_of_viewers(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.write("+ npm ci\n")
    execution = await both.execution(run, status="BUILDING", confirmed=True)
    port = urlsplit(both.penstock.url).port
    assert port is not None
    costs = []
    for readers in (1, 25):
        async with AsyncExitStack() as stack:
            for _ in range(readers):
                path = f"/api/executions/{execution['id']}/logs/stream"
                stream = await stack.enter_async_context(
                    listen(port, path, authorization=f"Bearer {both.penstock.token}")
                )
                assert [event.name for event in await stream.take(2)] == ["subscribed", "log_update"]
            before = both.asked("GET", run.uuid)
            looks = both.asked("GET", f"{run.uuid}/steps")
            await both.looks(run, 8)
            costs.append((both.asked("GET", run.uuid) - before) / (both.asked("GET", f"{run.uuid}/steps") - looks))
        assert await _rows(both, execution["id"]) == {"follow": 1, "tail": 1}

    # each look asks for the run, its steps and the log of the step that runs; a reader who comes may cause one more
    assert max(costs) <= 5


async def _something_happens(run: Run, chance: random.Random) -> None:
    try:
        match chance.randrange(8):
            case 0:
                await run.advance_to("Test")
            case 1:
                await run.advance_to("Deploy")
            case 2:
                await run.finish(chance.choice(list(ENDS)))
            case 3 if run.result == "FAILED" and run.run_number == 1:
                await run.rerun()
            case _:
                pass
    except NotPossible:
        pass  # it has gone further already


async def _observed(both: Both, execution_id: int) -> Counter[Trigger]:
    """How often Bitbucket's answers were written down as each observation."""
    async with both.penstock.house.database.read() as connection:
        known = await executions.observations_of(connection, execution_id)
        keys = select(observations.c.key).where(observations.c.execution_id == execution_id)
        assert len(set((await connection.execute(keys)).scalars())) == len(known)
    return Counter(one.trigger for one in known if one.source in (Source.API, Source.RECONCILE))


async def _stored(both: Both, execution_id: int, size: int) -> bool:
    path = f"/api/pipelines/{both.pipeline_id}/logs"
    return bool((await both.penstock.get(path, execution_id=execution_id))["bytes"] >= size)


async def _text(both: Both, execution_id: int) -> str:
    path = f"/api/pipelines/{both.pipeline_id}/logs?execution_id={execution_id}"
    return (await both.penstock.client.get(path, headers={"Accept": "text/plain"})).text


async def _rows(both: Both, execution_id: int) -> dict[str, int]:
    async with both.penstock.house.database.read() as connection:
        question = select(work.c.kind).where(work.c.key == str(execution_id), work.c.kind.in_(("follow", "tail")))
        return dict(Counter((await connection.execute(question)).scalars()))
