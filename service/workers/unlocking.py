"""Locks that nobody leaves: kept for a rollback that did not come, or held by what fell silent."""

from __future__ import annotations

from service import occupancy
from service.recorder import Record
from service.store.work import Work
from service.workers.following import locked
from service.workers.tasks import Writing


async def end_overdue_lock(piece: Work) -> Writing:
    """The task of kind `unlock`; `occupancy.keep` writes its rows."""
    execution_id = int(piece.payload["execution_id"])

    async def write_down(record: Record) -> float | None:
        if await locked(record, execution_id) is None:
            return None
        return await occupancy.leave_if_overdue(record, execution_id)

    return write_down
