"""DORA's measures: told in small stories, and compared with a plain reckoning of many random ones."""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import insights
from service.store.database import Database
from service.store.insights import Measures, Window
from service.store.tables import executions, transitions
from tests.store import making
from tests.store.making import ADMIN, NOW

pytestmark = pytest.mark.anyio

WINDOW = Window(since=NOW - timedelta(days=30), until=NOW)


@dataclass(frozen=True)
class Run:
    """`outcome` is well, undone (rolled back later), broke (failed while deploying), or early (failed before)."""

    hours: float
    outcome: str
    kind: str = "webhook"
    took: float = 1.0
    environment: str = "production"


class Place:
    """A pipeline, whose runs are told by when they ended."""

    def __init__(self, connection: AsyncConnection, repository_id: int, pipeline_id: int) -> None:
        self.connection = connection
        self.repository_id = repository_id
        self.pipeline_id = pipeline_id

    async def tell(self, *runs: Run) -> None:
        for run in runs:
            ended = WINDOW.since + timedelta(hours=run.hours)
            row: dict[str, Any] = {
                "repository_id": self.repository_id,
                "pipeline_id": self.pipeline_id,
                "environment": run.environment,
                "status": "SUCCESS" if run.outcome in ("well", "undone") else "FAILED",
                "trigger_type": run.kind,
                "attempt": 1,
                "confirmed": True,
                "rolled_back": run.outcome == "undone",
                "pushed": True,
                "created_at": ended - timedelta(hours=run.took),
                "completed_at": ended,
            }
            made = await self.connection.execute(insert(executions).values(row).returning(executions.c.id))
            await self._moved(int(made.scalar_one()), run, ended)

    async def _moved(self, number: int, run: Run, at: datetime) -> None:
        came_from = {"broke": "DEPLOYING", "early": "TESTING"}.get(run.outcome)
        if came_from is None:
            return
        row = {
            "execution_id": number,
            "at": at,
            "recorded_at": at,
            "from": came_from,
            "to": "FAILED",
            "attempt": 1,
            "trigger": "fail",
            "source": "webhook",
            "confirmed": True,
            "outcome": "applied",
        }
        await self.connection.execute(insert(transitions).values(row))


async def place(connection: AsyncConnection, slug: str = "shop") -> Place:
    repository = await making.repository(connection, slug)
    return Place(connection, repository.id, await making.pipeline(connection, repository.id))


async def measured(connection: AsyncConnection, **asked: Any) -> list[Measures]:
    window = Window(since=WINDOW.since, until=WINDOW.until, **asked)
    return await insights.measures(connection, ADMIN, window, after=None, limit=100)


async def test_a_failure_is_restored_by_the_next_release_that_stays(database: Database) -> None:
    async with database.write() as connection:
        await (await place(connection)).tell(
            Run(10, "well", took=2),
            Run(20, "undone", took=4),
            Run(22, "well", kind="rollback"),
            Run(30, "broke"),
            Run(31, "broke"),
            Run(36, "early"),
            Run(40, "well", took=6),
        )
        [found] = await measured(connection)

    assert (found.deployments, found.failures, found.rollbacks) == (3, 3, 1)
    assert found.change_failure_rate == pytest.approx(3 / 5)
    assert found.lead_time_seconds == pytest.approx(4 * 3600)
    assert found.time_to_restore_seconds == pytest.approx((2 + 10) / 2 * 3600)
    assert not found.unrestored
    assert [(day.deployments, day.failures) for day in found.days] == [(1, 0), (1, 3), (1, 0)]  # at 9:30 it begins
    assert found.days[0].date < found.days[1].date


async def test_what_is_broken_still_is_told_and_what_never_ran_is_none(database: Database) -> None:
    async with database.write() as connection:
        shop = await place(connection)
        await shop.tell(Run(1, "broke", environment="staging"), Run(2, "well", environment="test"))
        staging, test = await measured(connection)

    assert (staging.unrestored, staging.time_to_restore_seconds, staging.lead_time_seconds) == (True, None, None)
    assert staging.change_failure_rate == 1
    assert (test.unrestored, test.change_failure_rate, test.time_to_restore_seconds) == (False, 0, None)


async def test_only_what_ended_in_the_window_and_may_be_seen_counts(database: Database) -> None:
    async with database.write() as connection:
        shop, blog = await place(connection), await place(connection, "blog")
        await shop.tell(Run(-1, "well"), Run(0, "well"), Run(30 * 24, "well"))
        await blog.tell(Run(5, "well"))
        viewer = await making.person(connection, "eve")
        await making.grant(connection, blog.repository_id, viewer.user_id, "viewer")

        seen = await insights.measures(connection, viewer, WINDOW, after=None, limit=10)
        [own] = await measured(connection, pipeline_id=shop.pipeline_id)
        nothing = await measured(connection, environment="nowhere")

    assert [one.repository for one in seen] == ["acme/blog"]
    assert own.deployments == 1
    assert nothing == []


@pytest.mark.parametrize("stride", [1, 2, 1000])
async def test_pages_follow_on_each_other_however_many_rows_are_read_at_a_time(
    database: Database, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insights, "STRIDE", stride)
    async with database.write() as connection:
        for slug in ("shop", "blog"):
            await (await place(connection, slug)).tell(*(Run(1, "well", environment=name) for name in "aBc"))
        whole = await measured(connection)
        found: list[Measures] = []
        while part := await insights.measures(
            connection,
            ADMIN,
            WINDOW,
            after=(found[-1].pipeline_id, found[-1].environment) if found else None,
            limit=4,
        ):
            found += part

    assert len(whole) == 6
    assert found == whole


def median_seconds(hours: list[float]) -> float | None:
    return statistics.median(hours) * 3600 if hours else None


def reckoned(runs: list[Run]) -> tuple[Any, ...]:
    """The same by hand."""
    counted = sorted((run for run in runs if run.outcome != "early"), key=lambda run: run.hours)
    changes = [run for run in counted if run.kind != "rollback"]
    good = [run for run in changes if run.outcome in ("well", "undone")]
    failures = [run for run in changes if run.outcome != "well"]
    outages, since = [], None
    for run in counted:
        if run.outcome != "well":
            since = run.hours if since is None else since
        elif since is not None:
            outages.append(run.hours - since)
            since = None
    return (
        len(good),
        len(failures),
        median_seconds([run.took for run in good]),
        median_seconds(outages),
        since is not None,
        sum(run.kind == "rollback" and run.outcome == "well" for run in counted),
    )


@pytest.mark.parametrize("seed", range(6))
async def test_many_random_histories_come_out_as_reckoned_by_hand(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    told: dict[str, list[Run]] = {}
    async with database.write() as connection:
        shop = await place(connection)
        for name in ("production", "staging", "test"):
            told[name] = [
                Run(
                    hours,
                    chance.choice(["well", "well", "undone", "broke", "early"]),
                    chance.choice(["webhook", "manual", "rollback"]),
                    chance.randrange(1, 50),
                    name,
                )
                for hours in chance.sample(range(1, 700), chance.randrange(0, 30))
            ]
            await shop.tell(*told[name])
        found = {one.environment: one for one in await measured(connection)}

    for name, runs in told.items():
        if not [run for run in runs if run.outcome != "early"]:
            assert name not in found
            continue
        one = found[name]
        made = (one.deployments, one.failures, one.lead_time_seconds, one.time_to_restore_seconds)
        assert (*made, one.unrestored, one.rollbacks) == pytest.approx(reckoned(runs))
