"""What only one of the two databases can show: several writers at once."""

from __future__ import annotations

import pytest

from tests.conftest import emptied
from tests.schema import lay


@pytest.fixture
async def postgresql(postgresql_url: str) -> str:
    """The URL of a PostgreSQL database at this version's schema, with nothing in it."""
    await emptied(postgresql_url)
    await lay(postgresql_url)
    return postgresql_url
