"""A run that Bitbucket calls successful is verified where its environment has a health check."""

from __future__ import annotations

from dataclasses import asdict

from service.consequences.moved import Moved
from service.recorder import Record
from service.store import probes
from service.verification import check_of


async def verify(record: Record, moved: Moved) -> None:
    execution = moved.execution
    if not execution.verifying:
        return
    check = await check_of(record.connection, execution)
    if check is None:
        return
    await probes.begin(record.connection, execution.id, execution.attempt, check.url)
    payload = {"execution_id": execution.id, "attempt": execution.attempt, "check": asdict(check)}
    await record.work("probe", str(execution.id), payload)
