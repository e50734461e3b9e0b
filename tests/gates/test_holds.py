"""Holds: what was rolled back does not come back by itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from service import holding
from service.store import holds, log
from service.store.audit import Actor
from service.store.holds import Hold
from tests.gates.conftest import Gate

pytestmark = pytest.mark.anyio


async def held(gate: Gate, execution_id: int, commit: str = "b" * 40, reason: str = "it failed") -> None:
    async with gate.recorder.record() as record:
        environment = await gate.environment_in(record)
        await holding.hold(record, environment, execution_id=execution_id, commit=commit, reason=reason)


async def released(gate: Gate) -> Hold | None:
    async with gate.recorder.record() as record:
        environment = await gate.environment_in(record)
        return await holding.release(record, environment, by="ada", reason="mended", actor=Actor("ada", 1))


async def current(gate: Gate) -> Hold | None:
    async with gate.recorder.database.read() as connection:
        return await holds.open_on(connection, gate.carrier.pipeline_id, "production")


async def told(gate: Gate, kind: str) -> list[dict[str, Any]]:
    async with gate.recorder.database.read() as connection:
        return [msgspec.json.decode(one.payload) for one in await log.read_after(connection, 0) if one.kind == kind]


async def test_a_hold_says_since_when_by_what_and_why(gate: Gate) -> None:
    execution = await gate.open()
    await held(gate, execution.id)

    found = await current(gate)
    assert found is not None
    assert (found.execution_id, found.commit, found.reason) == (execution.id, "b" * 40, "it failed")
    assert found.since == gate.carrier.now
    [entry] = await told(gate, "environment.held")
    assert (entry["environment"], entry["execution_id"], entry["commit"]) == ("production", execution.id, "b" * 40)


async def test_a_released_hold_stays_in_the_books(gate: Gate) -> None:
    execution = await gate.open()
    await held(gate, execution.id)
    ended = await released(gate)

    assert ended is not None
    assert await current(gate) is None
    async with gate.recorder.database.read() as connection:
        [kept] = await holds.of_pipeline(connection, gate.carrier.pipeline_id)
    assert (kept.released_by, kept.release_reason, kept.released_at) == ("ada", "mended", gate.carrier.now)
    [entry] = await told(gate, "environment.released")
    assert (entry["by"], entry["reason"]) == ("ada", "mended")


async def test_what_is_not_held_cannot_be_released(gate: Gate) -> None:
    assert await released(gate) is None
    assert await told(gate, "environment.released") == []


async def test_an_environment_has_one_hold_at_a_time(gate: Gate) -> None:
    first, second = await gate.open(), await gate.open()
    await held(gate, first.id)
    await held(gate, first.id)
    await held(gate, second.id, "c" * 40)

    found = await current(gate)
    assert found is not None
    assert found.execution_id == second.id
    async with gate.recorder.database.read() as connection:
        assert len(await holds.of_pipeline(connection, gate.carrier.pipeline_id)) == 2
