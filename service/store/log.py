"""Questions about the event log: append, read after a cursor, bounds, prune."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import entries, head


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `payload` is the JSON text that subscribers get; `cursor` is 0 until it is committed."""

    kind: str
    at: datetime
    payload: str
    repository_id: int | None = None
    pipeline_id: int | None = None
    execution_id: int | None = None
    cursor: int = 0


async def append(connection: AsyncConnection, lines: Sequence[Entry]) -> int:
    """Numbers the lines and inserts them; the last cursor issued. To be the transaction's last act.

    The row lock on `head` is held from here to the commit, so that cursors appear in the order of commits.
    """
    step = update(head).values(cursor=head.c.cursor + len(lines)).returning(head.c.cursor)
    last = int((await connection.execute(step)).scalar_one())
    first = last - len(lines) + 1
    rows = [
        {
            "cursor": first + place,
            "kind": line.kind,
            "at": line.at,
            "repository_id": line.repository_id,
            "pipeline_id": line.pipeline_id,
            "execution_id": line.execution_id,
            "payload": line.payload,
        }
        for place, line in enumerate(lines)
    ]
    if rows:
        await connection.execute(insert(entries), rows)
    return last


async def read_after(connection: AsyncConnection, cursor: int, *, limit: int = 1000) -> list[Entry]:
    """The next entries after `cursor`, oldest first."""
    question = select(entries).where(entries.c.cursor > cursor).order_by(entries.c.cursor).limit(limit)
    return [
        Entry(row.kind, row.at, row.payload, row.repository_id, row.pipeline_id, row.execution_id, row.cursor)
        for row in await connection.execute(question)
    ]


async def bounds(connection: AsyncConnection) -> tuple[int, int]:
    """(the last cursor that is no longer kept, the last one issued); (0, 0) in a new database."""
    row = (await connection.execute(select(head.c.pruned, head.c.cursor))).one()
    return int(row.pruned), int(row.cursor)


async def prune(connection: AsyncConnection, before: datetime, *, limit: int = 10_000, upto: int | None = None) -> int:
    """Drops entries older than `before`, none after the cursor `upto`, at most `limit` of them; how many went."""
    mine = [entries.c.at < before]
    if upto is not None:
        mine.append(entries.c.cursor <= upto)
    oldest = select(entries.c.cursor).where(*mine).order_by(entries.c.cursor).limit(limit).subquery()
    found = (await connection.execute(select(func.max(oldest.c.cursor), func.count()).select_from(oldest))).one()
    if not found[1]:
        return 0
    await connection.execute(delete(entries).where(entries.c.cursor <= found[0]))
    # never back: another process may have pruned further since we looked
    await connection.execute(update(head).where(head.c.pruned < found[0]).values(pruned=found[0]))
    return int(found[1])
