"""A row of every table goes into a backup and comes out of it, whichever tables there are by now."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, insert

from service import backup, transfer
from service.store import copying, migrate
from service.store.database import Database
from service.store.tables import Json, metadata

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


KINDS = {layout.table: dict(layout.columns) for layout in copying.layouts()}


def value_of(one: Column[Any], number: int) -> Any:
    """Something that only this row has, and that the column's type can tell from every other type's."""
    if one.foreign_keys:
        return number
    if isinstance(one.type, Json):
        return {"numbers": [number], "text": "Grüße"}
    text = f"{number}ü{one.name}"[: getattr(one.type, "length", None) or 20]
    made = {
        "int": number,
        "float": number + 0.25,
        "bool": number % 2 == 0,
        "text": text,
        "bytes": bytes([number, 0, 255]),
        "time": NOW + timedelta(days=number, microseconds=number),
    }
    return made[KINDS[one.table.name][one.name]]


async def fill(database: Database) -> None:
    """Two rows in every table, the first ones' first."""
    await migrate.upgrade(database)
    async with database.write() as connection:
        for layout in reversed(copying.layouts()):
            await copying.empty(connection, layout)
        for table in metadata.sorted_tables:
            rows = [{one.name: value_of(one, number) for one in table.columns} for number in (1, 2)]
            await connection.execute(insert(table), rows)


async def everything(database: Database) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    async with database.read() as connection:
        for layout in copying.layouts():
            found[layout.table] = [list(row) async for part in copying.rows(connection, layout) for row in part]
    return found


def nobody_listens(table: str, rows: int) -> None:
    pass


async def test_every_row_of_every_table_comes_back(database_url: str, tmp_path: Path) -> None:
    here, there = Database(database_url), Database(f"sqlite+aiosqlite:///{tmp_path / 'there.db'}")
    file = io.BytesIO()
    try:
        await fill(here)
        before = await everything(here)
        await backup.write(here, file, made_at=NOW, keys=None, told=nobody_listens)
        file.seek(0)
        await backup.restore(there, file, force=False, told=nobody_listens)
        after = await everything(there)
    finally:
        await here.close()
        await there.close()

    assert set(before) == set(metadata.tables)
    assert [table for table, rows in before.items() if len(rows) != 2] == []
    assert after == before


async def test_a_database_that_was_only_just_made_takes_a_backup(database_url: str, tmp_path: Path) -> None:
    here, there = Database(f"sqlite+aiosqlite:///{tmp_path / 'here.db'}"), Database(database_url)
    file = io.BytesIO()
    try:
        await fill(here)
        await backup.write(here, file, made_at=NOW, keys=None, told=nobody_listens)
        await migrate.upgrade(there)
        file.seek(0)
        await backup.restore(there, file, force=False, told=nobody_listens)
        assert await everything(there) == await everything(here)
    finally:
        await here.close()
        await there.close()


# What an export leaves where it is, and why.
LEFT = {
    "accounts and what opens them": "users tokens sessions tickets failed_tries identities refusals",
    "secrets, and what is bound to them": "credentials hooks kept_values routes messages answers",
    "history": (
        "executions observations transitions steps spans log_pieces deliveries pushes entries head notifier audit"
        " releases rollbacks holds locks approvals probes config_commits"
    ),
    "what is found out again": "looks heads drifts starts work",
}

# Columns of what an export moves that it does not: numbers, what history says, and what is made anew.
MADE_ANEW = {
    "pipelines": {
        "id",
        "repository_id",
        "is_active",
        "status",
        "bitbucket_pipeline_uuid",
        "latest_execution_id",
        "version",
        "last_execution_at",
        "generated_at",
        "created_at",
        "updated_at",
    },
    "environments": {"id", "pipeline_id"},
}


def test_every_table_is_exported_or_left_for_a_reason() -> None:
    moved = {"repositories", "grants", "pipelines", "environments", "variables", "domains", "config_revisions"}
    left = {name for names in LEFT.values() for name in names.split()}

    assert moved | left == set(metadata.tables)
    assert moved & left == set()


@pytest.mark.parametrize(
    ("table", "exported"), [("pipelines", transfer.SETTINGS), ("environments", transfer.OF_AN_ENVIRONMENT)]
)
def test_every_setting_is_exported(table: str, exported: tuple[str, ...]) -> None:
    assert set(metadata.tables[table].columns.keys()) == {*exported, *MADE_ANEW[table]}
