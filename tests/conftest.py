"""What every test may ask for: databases of both kinds, and the service running on a real socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from service.store import migrate
from service.store.database import Database

if TYPE_CHECKING:
    from tests.living import Living

POSTGRES = os.environ.get("PENSTOCK_TEST_POSTGRES_URL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def skip_or_fail(reason: str) -> None:
    """A machine without the part skips the test and says so; CI has installed it, so there it is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
async def postgresql_url(anyio_backend: str) -> AsyncIterator[str]:
    """The URL of an empty database of this test run's own."""
    name = f"penstock_test_{os.getpid()}"
    admin = create_async_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        async with admin.connect() as connection:
            await connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            await connection.execute(text(f"CREATE DATABASE {name}"))
    except OSError as error:
        await admin.dispose()
        skip_or_fail(f"no PostgreSQL at {make_url(POSTGRES).render_as_string()} ({error}): PENSTOCK_TEST_POSTGRES_URL")
    yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    await admin.dispose()


async def emptied(url: str) -> None:
    """Drops whatever is in the database, and whoever is connected to it."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.external_service)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> str:
    """An empty database, of each kind in turn."""
    # not async: anyio refuses a fixture that asks for another one from inside a running loop
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    asyncio.run(emptied(url))
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database at this version's schema, of each kind in turn."""
    from tests.schema import lay  # late: a test of one floor should not need another

    await lay(database_url)
    opened = Database(database_url)
    await migrate.upgrade(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def penstock(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Living]:
    """The whole service on SQLite and a real socket, with an account, its token and one connected repository."""
    from tests.living import living  # late: a test of one floor should not need the roof

    async with living({"PENSTOCK_DATA_DIR": str(tmp_path)}) as started:
        yield started


@pytest.fixture
async def penstock_on_each(database_url: str, tmp_path: Path) -> AsyncIterator[Living]:
    """The same on each kind of database in turn."""
    from tests.living import living  # late: a test of one floor should not need the roof

    async with living({"PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_DATABASE_URL": database_url}) as started:
        yield started
