"""One service for all attacks of a file: it has to survive the lot of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.living import Living, living


@pytest.fixture(scope="module")
async def penstock(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Living]:
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path_factory.mktemp("attacked"))}) as started:
        yield started
