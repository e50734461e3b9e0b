"""Brings a database to the schema of this version: all of it or nothing, whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.failpoints import fail_point
from service.store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"

# The newest migration. A database at this one is ready without asking Alembic, whose import takes longer than the rest
# of the start; tests/store/test_migrations.py compares it with the files.
NEWEST = "0011"

# Two replicas that start together upgrade one after the other.
ADVISORY_LOCK = 0x70656E73


class SchemaTooNew(RuntimeError):
    """The database was upgraded by a newer Penstock: install that version again, or restore a backup."""


async def current(database: Database) -> str | None:
    """The migration that the database is at; None for an empty one."""
    async with database.read() as connection:
        try:
            return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
        except DBAPIError:
            return None


async def upgrade(database: Database) -> bool:
    """Whether there was anything to do. One transaction for all of it, so that a kill in the middle leaves no trace.

    Raises SchemaTooNew for a database that this version does not know.
    """
    if await current(database) == NEWEST:
        return False
    async with database.write() as connection:
        if not database.embedded:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        fail_point("migrate.begun")
        await bring(connection)
        fail_point("migrate.written")
    return True


async def bring(connection: AsyncConnection, revision: str = "head") -> None:
    """Brings the open transaction's database forward to that migration. Raises SchemaTooNew."""
    await connection.run_sync(_run, revision)


def _run(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise SchemaTooNew(f"the database is newer than this version of Penstock ({error})") from error
