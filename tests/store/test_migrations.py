"""Migrations: they make exactly the tables that the code declares, once, whoever starts at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from service.store import log, migrate
from service.store.database import Database
from service.store.tables import metadata
from tests.store import making

pytestmark = pytest.mark.anyio

CREDENTIAL = "(5, 1, 'a token', 'access_token', NULL, 'p', x'00', '2026-03-01', NULL, NULL, 0, '2026-03-01', NULL, 0)"

FILES = sorted(path.name for path in (migrate.MIGRATIONS / "versions").glob("[0-9]*.py"))


def test_the_newest_migration_is_the_one_that_a_start_compares_with() -> None:
    assert FILES[-1].partition("_")[0] == migrate.NEWEST


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


async def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    async with database.write() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_empty_database_is_at_no_migration(database_url: str) -> None:
    database = Database(database_url)

    assert await migrate.current(database) is None
    await database.close()


async def test_upgrading_says_whether_there_was_anything_to_do(database_url: str) -> None:
    database = Database(database_url)

    assert [await migrate.upgrade(database) for _ in range(3)] == [True, False, False]
    assert await migrate.current(database) == migrate.NEWEST
    async with database.read() as connection:
        assert await log.bounds(connection) == (0, 0)
    await database.close()


async def test_two_that_start_at_once_upgrade_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(3)]

    await asyncio.gather(*[migrate.upgrade(database) for database in databases])

    for database in databases:
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).all() == [
                (migrate.NEWEST,)
            ]
            assert (await connection.execute(text("SELECT count(*) FROM head"))).scalar() == 1
        await database.close()


async def test_an_upgrade_that_fails_leaves_no_trace(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(name: str) -> None:
        if name == "migrate.written":
            raise ZeroDivisionError

    database = Database(database_url)
    monkeypatch.setattr(migrate, "fail_point", die)
    with pytest.raises(ZeroDivisionError):
        await migrate.upgrade(database)
    monkeypatch.undo()

    assert await migrate.current(database) is None
    assert await migrate.upgrade(database)
    await database.close()


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(migrate.SchemaTooNew, match="newer"):
        await migrate.upgrade(database)

    assert await migrate.current(database) == "9999"


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}")
    yield opened
    await opened.close()


async def test_a_table_is_made_anew_with_its_rows_and_all_that_refers_to_them(sqlite: Database) -> None:
    async with sqlite.write() as connection:
        await migrate.bring(connection, "0010")
        ada = await making.person(connection, "ada")
        shop = await making.repository(connection)
        await making.grant(connection, shop.id, ada.user_id, "owner")
        await connection.execute(text(f"INSERT INTO credentials VALUES {CREDENTIAL}"))
        await connection.execute(text("UPDATE repositories SET credential_id = 5"))

    await migrate.upgrade(sqlite)

    async with sqlite.read() as connection:
        assert (await connection.execute(text("SELECT id, name FROM users"))).all() == [(ada.user_id, "ada")]
        assert (await connection.execute(text("SELECT id, name FROM credentials"))).all() == [(5, "a token")]
        assert (await connection.execute(text("PRAGMA foreign_key_check"))).all() == []
        assert await connection.run_sync(differences) == []


async def test_a_table_whose_ids_are_given_once_says_so_in_the_database(sqlite: Database) -> None:
    await migrate.upgrade(sqlite)
    async with sqlite.read() as connection:
        made = await connection.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"))
        found = set(made.scalars())

    assert found == {one.name for one in metadata.tables.values() if one.dialect_options["sqlite"]["autoincrement"]}
    assert {"users", "tokens", "credentials", "routes", "domains"} <= found
