"""What is asked for every delivery and every page is found by an index, however much there is beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import (
    audit,
    condition,
    deliveries,
    drifts,
    executions,
    holds,
    insights,
    measures,
    migrate,
    outbox,
    overview,
    releases,
    revisions,
)
from service.store.accounts import Viewer
from service.store.database import Database
from service.store.insights import Window

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SOMEBODY, ADMIN = Viewer(7, "ada", is_admin=False), Viewer(1, "grace", is_admin=True)

WINDOW = Window(since=NOW - timedelta(days=30), until=NOW)

# What only grows.
GROWING = (
    "audit",
    "config_revisions",
    "deliveries",
    "drifts",
    "executions",
    "messages",
    "releases",
    "transitions",
    "work",
)

Asked = Callable[[AsyncConnection], Awaitable[Any]]

# Who asks → (what it asks, the indexes that are found by it).
QUESTIONS: dict[str, tuple[Asked, set[str]]] = {
    "the inbox for its next delivery": (lambda c: deliveries.next_due(c, NOW), {"ix_deliveries_waiting"}),
    "the dashboard for what runs": (lambda c: overview.running(c, ADMIN, limit=5), {"ix_executions_running"}),
    "somebody's dashboard for what runs": (lambda c: overview.running(c, SOMEBODY, limit=5), {"ix_executions_running"}),
    "a push for what is under way": (lambda c: executions.under_way(c, 1), {"ix_executions_repository_id_running"}),
    "whoever follows runs": (lambda c: executions.followed_with(c, 1, NOW), {"ix_executions_repository_id_running"}),
    "a pipeline's page for its executions": (
        lambda c: executions.page(c, SOMEBODY, before=None, limit=25, pipeline_id=1),
        {"ix_executions_pipeline_id_id"},
    ),
    "a pipeline's page for how they moved": (lambda c: overview.histories(c, [1, 2]), {"ix_transitions_execution_id"}),
    "a pipeline's page for what is live": (lambda c: releases.live(c, 1, ["production"]), {"ix_releases_live"}),
    "a pipeline's page for what is held": (lambda c: holds.open_of(c, 1), {"ix_holds_pipeline_id_id"}),
    "a pipeline's page for its revisions": (
        lambda c: revisions.latest(c, 1, limit=5),
        {"sqlite_autoindex_config_revisions_1"},
    ),
    "a pipeline's page for its drift": (lambda c: drifts.count_of(c, 1), {"uq_drifts_open"}),
    "the list of releases": (
        lambda c: releases.page(c, 1, environment=None, before=None, limit=50),
        {"ix_releases_pipeline_id_id"},
    ),
    "the list of an environment's releases": (
        lambda c: releases.page(c, 1, environment="production", before=900, limit=50),
        {"ix_releases_pipeline_id_id"},
    ),
    "the list of drift": (lambda c: drifts.page(c, ADMIN, after=0, limit=50), {"ix_drifts_open"}),
    "the list of a repository's deliveries": (
        lambda c: deliveries.page(c, ADMIN, before=None, limit=50, repository_id=1),
        {"ix_deliveries_repository_id_id"},
    ),
    "the list of deliveries that wait": (
        lambda c: deliveries.page(c, ADMIN, before=None, limit=50, status="failed"),
        {"ix_deliveries_waiting"},
    ),
    "the list of dead deliveries": (
        lambda c: deliveries.page(c, ADMIN, before=None, limit=50, status="dead"),
        {"ix_deliveries_dead"},
    ),
    "the list of a route's messages": (
        lambda c: outbox.page(c, 1, before=None, limit=50),
        {"ix_messages_route_id_id"},
    ),
    "the audit log for a page further down": (lambda c: audit.page(c, before=900, limit=50), set()),
    "the insights": (
        lambda c: insights.measures(c, SOMEBODY, WINDOW, after=None, limit=50),
        {"ix_executions_pipeline_id_completed_at", "ix_transitions_execution_id"},
    ),
    "when each hook was heard of": (condition.heard_of, {"ix_deliveries_repository_id_id"}),
    "the doctor": (condition.condition, {"ix_deliveries_waiting", "ix_deliveries_dead", "ix_work_dead"}),
    "the metrics": (
        measures.load,
        {
            "ix_deliveries_waiting",
            "ix_deliveries_dead",
            "ix_executions_repository_id_running",
            "ix_work_waiting",
        },
    ),
}

# What is found for these is as little as what was asked about.
SORTED = {"a pipeline's page for how they moved"}


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    """PostgreSQL reads a table whole as long as it is small, whatever indexes it has."""
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}")
    await migrate.upgrade(opened)
    yield opened
    await opened.close()


@pytest.mark.parametrize("name", QUESTIONS)
async def test_it_is_found_by_an_index_and_no_table_that_grows_is_read(sqlite: Database, name: str) -> None:
    ask, indexes = QUESTIONS[name]
    asked: list[tuple[str, Any]] = []
    async with sqlite.read() as connection:

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
            asked.append((statement, parameters))

        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await ask(connection)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        plan = [
            str(step[-1])
            for statement, parameters in asked
            for step in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]

    assert {word for step in plan for word in step.split() if word.startswith(("ix_", "uq_", "sqlite_"))} >= indexes
    assert [step for step in plan if step in {f"SCAN {table}" for table in GROWING}] == []
    # to put in order what was found reads all of it
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan or name in SORTED
