"""Releases: what is live, what was, and for how long that is remembered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import migrate, releases
from service.store.database import Database
from service.store.releases import Release
from service.store.variables import Variable
from tests.store.making import NOW, another, pipeline, repository

pytestmark = pytest.mark.anyio


class Place:
    """A pipeline whose environments get releases, each an hour after the one before."""

    def __init__(self, connection: AsyncConnection, repository_id: int, pipeline_id: int) -> None:
        self.connection, self.repository_id, self.pipeline_id = connection, repository_id, pipeline_id
        self.count = 0

    async def release(self, environment: str = "production", **values: Any) -> Release:
        self.count += 1
        at = NOW + timedelta(hours=self.count)
        made = await another(self.connection, self.repository_id, self.pipeline_id, environment=environment)
        row: dict[str, Any] = {"execution_id": made.id, "attempt": 1, "completed_at": at, "sealed_at": at, **values}
        sealed = await releases.seal(self.connection, pipeline_id=self.pipeline_id, environment=environment, **row)
        assert sealed is not None
        return sealed


async def place_in(connection: AsyncConnection) -> Place:
    shop = await repository(connection)
    return Place(connection, shop.id, await pipeline(connection, shop.id))


async def test_live_is_what_was_completed_last_and_not_rolled_back(database: Database) -> None:
    async with database.write() as connection:
        place = await place_in(connection)
        await place.release()
        second = await place.release()
        bad = await place.release()
        await place.release(completed_at=NOW)  # told late
        staging = await place.release("staging")
        await releases.mark_rolled_back(connection, bad.execution_id, up_to_attempt=1, now=NOW)

        found = await releases.live_executions(connection, place.pipeline_id, ["production", "staging", "test"])

        assert found == {"production": second.execution_id, "staging": staging.execution_id}


async def test_an_attempt_seals_once(database: Database) -> None:
    async with database.write() as connection:
        place = await place_in(connection)
        first = await place.release()
        same = {"pipeline_id": place.pipeline_id, "environment": "production", "execution_id": first.execution_id}
        times = {"completed_at": NOW, "sealed_at": NOW}

        assert await releases.seal(connection, **same, attempt=1, **times) is None
        assert await releases.seal(connection, **same, attempt=2, **times) is not None
        found = await releases.of_execution(connection, first.execution_id)

        assert found is not None
        assert found.attempt == 2


async def test_a_kept_value_stays_when_its_variable_goes(database: Database) -> None:
    async with database.write() as connection:
        place = await place_in(connection)
        one = Variable(key="A", secured=True, place="p1", value=b"sealed")
        for _ in range(2):
            await releases.keep_values(connection, place.pipeline_id, [one])

        assert await releases.kept(connection, ["p1", "p2"]) == {"p1": b"sealed"}


async def test_pruning_leaves_what_a_rollback_may_need(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "MOST_CANDIDATES", 2)
    async with database.write() as connection:
        place = await place_in(connection)
        found = [await place.release() for _ in range(5)]
        await releases.note_rollback(
            connection,
            execution_id=found[4].execution_id,
            undoes_execution_id=found[3].execution_id,
            undoes_attempt=1,
            release_id=found[1].id,
            method="relink",
            automatic=False,
            reason="it failed",
            created_at=NOW,
        )
        gone = await releases.prune(connection, NOW + timedelta(days=1))
        left = await releases.page(connection, place.pipeline_id, environment="production", before=None, limit=9)

        assert gone == 2
        assert [one.id for one in left] == [found[4].id, found[3].id, found[1].id]
        assert await releases.prune(connection, NOW + timedelta(days=1)) == 0


# What stood in the books before there were releases.
BEFORE = (
    "INSERT INTO repositories (id, workspace, slug, connected_at) VALUES (1, 'acme', 'shop', '{at}')",
    "INSERT INTO pipelines (id, repository_id, is_active, status, project_type, ssl_enabled, config_delivery, version,"
    " created_at, updated_at) VALUES (1, 1, true, 'SUCCESS', 'react', false, 'manual', 1, '{at}', '{at}')",
    "INSERT INTO environments (id, pipeline_id, name, kind, branch_pattern, requires_approval, rollback_policy,"
    " when_busy) VALUES (1, 1, 'production', 'production', 'main', false, 'manual', 'reject')",
    *(
        "INSERT INTO executions (id, pipeline_id, repository_id, environment, status, trigger_type, attempt, confirmed,"
        f" rolled_back, pushed, created_at, bitbucket_build_number) VALUES ({number}, 1, 1, 'production', '{status}',"
        f" 'webhook', 1, true, {rolled_back}, true, '{{at}}', {number})"
        for number, status, rolled_back in ((1, "SUCCESS", "false"), (2, "SUCCESS", "true"), (3, "FAILED", "false"))
    ),
)


async def test_an_upgrade_seals_what_went_well_before(database_url: str) -> None:
    database = Database(database_url)
    async with database.write() as connection:
        await migrate.bring(connection, "0001")
        for row in BEFORE:
            await connection.execute(text(row.format(at="2026-03-01 09:30:00")))

    await migrate.upgrade(database)

    async with database.read() as connection:
        found = await releases.page(connection, 1, environment="production", before=None, limit=9)
        assert [(one.execution_id, one.kept_as, one.rolled_back_at is None) for one in found] == [
            (2, 2, False),
            (1, 1, True),
        ]
        assert await releases.live_executions(connection, 1, ["production"]) == {"production": 1}
    await database.close()
