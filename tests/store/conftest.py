"""What only one of the two databases can show: several writers at once."""

from __future__ import annotations

import pytest

from service.store import migrate
from service.store.database import Database
from tests.conftest import emptied


@pytest.fixture
async def postgresql(postgresql_url: str) -> str:
    """The URL of a PostgreSQL database at this version's schema, with nothing in it."""
    await emptied(postgresql_url)
    database = Database(postgresql_url)
    await migrate.upgrade(database)
    await database.close()
    return postgresql_url
