"""A run that Bitbucket starts by itself of a held commit is stopped; a newer commit ends the hold."""

from __future__ import annotations

from service import holding
from service.consequences.moved import Moved
from service.recorder import Record


async def mind_the_hold(record: Record, moved: Moved) -> None:
    execution = moved.execution
    if moved.before is None:
        await holding.release_for(record, execution)
    if moved.ended or execution.bitbucket_build_number is None:
        return
    if await holding.forbidding(record, execution) is not None:
        await record.work("stop", str(execution.id), {"execution_id": execution.id})
