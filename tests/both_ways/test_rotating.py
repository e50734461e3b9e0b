"""Keys are rotated where everything that is ever sealed is there: nothing is left that only the old key opens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select

from service.store.tables import metadata, work
from tests.both_ways.conftest import Both
from tests.living import Living

pytestmark = pytest.mark.anyio

VALUE = "secret-value-of-a-variable"


def keys(penstock: Living, *words: str) -> None:
    settings = penstock.house.settings
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    environ |= {"PENSTOCK_DATA_DIR": str(settings.data_dir), "PENSTOCK_DATABASE_URL": settings.database}
    subprocess.run([sys.executable, "-m", "service", "keys", "rotate", *words], env=environ, check=True, timeout=60)


async def everything(penstock: Living) -> list[tuple[str, Any]]:
    """(table.column, value) of every value in the database."""
    async with penstock.house.database.read() as connection:
        return [
            (f"{table.name}.{name}", value)
            for table in metadata.sorted_tables
            for row in (await connection.execute(select(table))).all()
            for name, value in row._mapping.items()
        ]


def sealed_with(mark: bytes, found: list[tuple[str, Any]]) -> set[str]:
    """Where a value stands that was sealed with the key of that mark: as bytes, or in hex inside a text or JSON."""
    return {
        place
        for place, value in found
        if (value.startswith(mark) if isinstance(value, bytes) else mark.hex() in str(value))
    }


async def test_no_value_is_left_that_only_the_old_key_opens(both: Both) -> None:
    penstock = both.penstock
    secured = [{"key": "TOKEN", "value": VALUE, "secured": True}]
    await both.post(f"/api/repositories/{both.repository_id}/rotate-secret", None, **{"Idempotency-Key": "one"})
    changed = {"environment_variables": secured}
    await penstock.client.put(f"/api/pipelines/{both.pipeline_id}", json=changed)
    started = await both.trigger(variables=secured)

    async def begun() -> bool:
        return bool(both.shop.runs)

    await both.until(begun)
    found = await everything(penstock)
    mark = next(value for place, value in found if place == "hooks.secret")[:5]  # its version, and the key's id
    before = sealed_with(mark, found)

    await asyncio.to_thread(keys, penstock)
    after = sealed_with(mark, await everything(penstock))
    await asyncio.to_thread(keys, penstock, "--drop-old")

    assert {"hooks.secret", "hooks.previous_secret", "credentials.secret", "variables.value"} <= before
    assert {"starts.wish", "work.payload", "answers.body"} <= before
    assert after == set()
    async with penstock.house.database.read() as connection:
        payload = (await connection.execute(select(work.c.payload).where(work.c.kind == "start"))).scalar()
    assert payload is not None
    assert payload["execution_id"] == started["id"]
