"""What is asked for every delivery and every page is found by an index, however much there is beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import condition, deliveries, executions, measures, migrate, overview
from service.store.accounts import Viewer
from service.store.database import Database

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SOMEBODY, ADMIN = Viewer(7, "ada", is_admin=False), Viewer(1, "grace", is_admin=True)

Asked = Callable[[AsyncConnection], Awaitable[Any]]

# Who asks → (what it asks, the indexes that are found by it).
QUESTIONS: dict[str, tuple[Asked, set[str]]] = {
    "the inbox for its next delivery": (lambda c: deliveries.next_due(c, NOW), {"ix_deliveries_waiting"}),
    "the dashboard for what runs": (lambda c: overview.running(c, ADMIN, limit=5), {"ix_executions_running"}),
    "somebody's dashboard for what runs": (lambda c: overview.running(c, SOMEBODY, limit=5), {"ix_executions_running"}),
    "a push for what is under way": (lambda c: executions.under_way(c, 1), {"ix_executions_repository_id_running"}),
    "whoever follows runs": (lambda c: executions.followed_with(c, 1, NOW), {"ix_executions_repository_id_running"}),
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

    assert {word for step in plan for word in step.split() if word.startswith("ix_")} >= indexes
    whole = [step for step in plan if step in ("SCAN deliveries", "SCAN executions", "SCAN work")]
    assert whole == []
