"""Executions, what was observed of them, and the pipelines whose status they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from service.events import Source, Trigger
from service.machine import Observation
from service.store import executions, pipelines
from service.store.database import Database
from tests.store.making import ADMIN, COMMIT, NOW, another, execution, grant, person

pytestmark = pytest.mark.anyio

OTHER = "b" * 40


async def test_a_new_execution_is_planned_and_has_tried_once(database: Database) -> None:
    async with database.write() as connection:
        made = await execution(connection)

        assert (made.status, made.attempt, made.confirmed, made.rolled_back) == ("PLANNED", 1, False, False)
        assert await executions.by_id(connection, made.id, lock=True) == made


async def test_a_build_number_belongs_to_one_execution_of_a_repository(database: Database) -> None:
    async with database.write() as connection:
        made = await execution(connection, bitbucket_build_number=7)
        elsewhere = await execution(connection, "till", bitbucket_build_number=7)

        assert await executions.by_build_number(connection, made.repository_id, 7) == made
        assert await executions.by_build_number(connection, elsewhere.repository_id, 7) == elsewhere
        assert await executions.by_build_number(connection, made.repository_id, 8) is None
        with pytest.raises(IntegrityError):
            await another(connection, made.repository_id, made.pipeline_id, bitbucket_build_number=7)


@pytest.mark.parametrize(
    ("values", "commit", "branch", "found"),
    [
        ({}, COMMIT, "main", True),
        ({}, COMMIT, None, True),
        ({}, COMMIT, "other", False),
        ({}, OTHER, "main", False),
        ({"bitbucket_build_number": 7}, COMMIT, "main", False),
        ({"status": "FAILED"}, COMMIT, "main", False),
    ],
)
async def test_an_expected_execution_is_one_that_waits_for_its_run(
    database: Database, values: dict[str, object], commit: str, branch: str | None, found: bool
) -> None:
    async with database.write() as connection:
        made = await execution(connection, **values)

        waiting = await executions.expected(connection, made.repository_id, commit=commit, branch=branch)

        assert waiting == (made if found else None)
        assert await executions.expected(connection, made.repository_id + 1, commit=commit, branch=branch) is None


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, True),
        ({"branch": None}, True),
        ({"branch": "other"}, False),
        ({"bitbucket_commit_hash": OTHER}, False),
    ],
)
async def test_executions_of_a_commit_are_those_on_its_branch_or_on_none_that_was_told(
    database: Database, values: dict[str, object], found: bool
) -> None:
    async with database.write() as connection:
        made = await execution(connection, **values)

        known = await executions.of_commit(connection, made.repository_id, commit=COMMIT, branch="main")

    assert known == ([made] if found else [])


@pytest.mark.parametrize(
    ("values", "waits"),
    [
        ({}, True),
        ({"bitbucket_build_number": 7}, False),
        ({"status": "FAILED", "error_message": "lost: Bitbucket began no run for it until its deadline"}, True),
        ({"status": "FAILED", "error_message": "not started: no such branch"}, False),
        ({"status": "FAILED"}, False),
    ],
)
async def test_an_execution_waits_for_its_run_until_it_has_one_also_after_it_was_given_up(
    database: Database, values: dict[str, object], waits: bool
) -> None:
    async with database.write() as connection:
        made = await execution(connection, **values)

        waiting = await executions.expected(connection, made.repository_id, commit=COMMIT, branch="main")

    assert made.waits_for_a_run is waits
    assert waiting == (made if waits else None)


async def test_of_several_the_oldest_comes_first(database: Database) -> None:
    async with database.write() as connection:
        first = await execution(connection)
        second = await another(connection, first.repository_id, first.pipeline_id)

        assert await executions.expected(connection, first.repository_id, commit=COMMIT, branch="main") == first
        known = await executions.of_commit(connection, first.repository_id, commit=COMMIT, branch="main")
        assert [one.id for one in known] == [first.id, second.id]


async def test_an_observation_comes_back_as_it_was_seen_and_only_once(database: Database) -> None:
    seen = Observation(
        trigger=Trigger.FAIL, source=Source.WEBHOOK, at=NOW, run_number=2, confirmed=True, reason="Prüfung: «rot»"
    )
    expected = Observation(trigger=Trigger.EXPECT, source=Source.PUSH)
    async with database.write() as connection:
        made = await execution(connection)
        for one in (seen, expected):
            await executions.add_observation(connection, made.id, one, delivery_id="d" * 32, now=NOW)

        found = await executions.observations_of(connection, made.id)
        assert sorted(found, key=lambda o: o.key) == sorted([seen, expected], key=lambda o: o.key)
        assert await executions.deliveries_of(connection, made.id) == ["d" * 32]
        with pytest.raises(IntegrityError):
            await executions.add_observation(connection, made.id, seen, delivery_id=None, now=NOW)


async def test_transitions_come_in_the_order_in_which_they_were_recorded(database: Database) -> None:
    line = {
        "at": NOW,
        "recorded_at": NOW + timedelta(seconds=1),
        "from": "PLANNED",
        "to": "BUILDING",
        "attempt": 1,
        "trigger": Trigger.START,
        "source": Source.WEBHOOK,
        "confirmed": False,
        "reason": None,
        "outcome": "applied",
        "delivery_id": None,
    }
    async with database.write() as connection:
        made = await execution(connection)
        await executions.add_transition(connection, made.id, **line)
        await executions.add_transition(connection, made.id, **{**line, "at": NOW - timedelta(seconds=9)})

        first, second = await executions.transitions_of(connection, made.id)

    assert (first.from_, first.to, first.trigger, first.recorded_at) == (
        "PLANNED",
        "BUILDING",
        "start",
        NOW + timedelta(seconds=1),
    )
    assert second == replace(first, id=second.id, at=NOW - timedelta(seconds=9))


@pytest.mark.parametrize(("seconds", "told"), [(None, None), (62.0004, 62.0)])
async def test_the_duration_is_known_once_both_ends_are(
    database: Database, seconds: float | None, told: float | None
) -> None:
    ended = None if seconds is None else NOW + timedelta(seconds=seconds)
    async with database.write() as connection:
        made = await execution(connection, started_at=NOW, completed_at=ended)

    assert made.duration_seconds == told


async def test_lists_are_newest_first_from_below_a_place_and_hold_what_the_viewer_may_see(
    database: Database,
) -> None:
    async with database.write() as connection:
        bob = await person(connection, "bob")
        first = await execution(connection)
        second = await another(connection, first.repository_id, first.pipeline_id)
        foreign = await execution(connection, "till")
        await grant(connection, first.repository_id, bob.user_id, "viewer")

        assert await executions.page(connection, bob, before=None, limit=9) == [second, first]
        assert await executions.page(connection, ADMIN, before=foreign.id, limit=1) == [second]
        assert await executions.page(connection, ADMIN, before=None, limit=9, pipeline_id=foreign.pipeline_id) == [
            foreign
        ]
        assert await executions.seen_by(connection, bob, first.id) == first
        assert await executions.seen_by(connection, bob, foreign.id) is None


async def test_a_pipelines_status_is_its_latest_executions(database: Database) -> None:
    async with database.write() as connection:
        older = await execution(connection)
        newer = await another(connection, older.repository_id, older.pipeline_id)

        for made, status in ((older, "BUILDING"), (newer, "PLANNED"), (older, "FAILED")):
            await pipelines.show_status(connection, made.pipeline_id, execution_id=made.id, status=status, now=NOW)

        listed = await pipelines.seen_by(connection, ADMIN, older.pipeline_id)
        assert listed is not None
        assert (listed.pipeline.status, listed.pipeline.latest_execution_id) == ("PLANNED", newer.id)
        assert [
            one.pipeline.id for one in await pipelines.page(connection, ADMIN, after=0, limit=9, status="PLANNED")
        ] == [older.pipeline_id]
        assert await pipelines.page(connection, ADMIN, after=0, limit=9, status="FAILED") == []
        assert await pipelines.page(connection, ADMIN, after=0, limit=9, project_type="react") == []
        assert await pipelines.page(connection, ADMIN, after=older.pipeline_id, limit=9) == []
