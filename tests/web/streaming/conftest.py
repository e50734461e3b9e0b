"""What the tests of the streams stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.streaming.desk import Desk, opened


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the service runs on: its transports are not those of asyncio."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}"


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    async with opened(url) as desk:
        yield desk
