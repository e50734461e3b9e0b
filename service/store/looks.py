"""Questions about what a repository held when it was last looked into, and which pushes nobody has looked into yet."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import looks, pushes


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The files of a branch as they were at `commit`."""

    branch: str
    commit: str
    paths: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A push to the branch that is looked at. `whole`: what it changed cannot be told, so everything may have."""

    id: int
    delivery_id: str | None
    branch: str
    previous: str | None
    commit: str
    whole: bool


async def of_pipeline(connection: AsyncConnection, pipeline_id: int) -> Look | None:
    row = (await connection.execute(select(looks).where(looks.c.pipeline_id == pipeline_id))).one_or_none()
    if row is None:
        return None
    paths = zlib.decompress(row.paths).decode().split("\n")
    return Look(branch=row.branch, commit=row.commit, paths=frozenset(path for path in paths if path))


async def put(connection: AsyncConnection, pipeline_id: int, *, branch: str, commit: str, paths: Iterable[str]) -> None:
    """This is what the last look has found. The pipeline's row is locked, or has just been changed."""
    packed = zlib.compress("\n".join(sorted(paths)).encode())
    values = {"branch": branch[:255], "commit": commit, "paths": packed}
    changed = await connection.execute(update(looks).where(looks.c.pipeline_id == pipeline_id).values(values))
    if not changed.rowcount:
        await connection.execute(insert(looks).values(pipeline_id=pipeline_id, **values))


async def compared(connection: AsyncConnection, pipeline_id: int) -> str | None:
    """What the files were compared at when drift was last looked for."""
    question = select(looks.c.compared).where(looks.c.pipeline_id == pipeline_id)
    return (await connection.execute(question)).scalar()


async def note_compared(connection: AsyncConnection, pipeline_id: int, at: str) -> None:
    statement = update(looks).where(looks.c.pipeline_id == pipeline_id)
    await connection.execute(statement.values(compared=at[:60]))


async def note_push(connection: AsyncConnection, pipeline_id: int, **values: Any) -> None:
    """Somebody is to look into it. `values` are those of a Push."""
    await connection.execute(insert(pushes).values(pipeline_id=pipeline_id, **values))


async def pushes_of(connection: AsyncConnection, pipeline_id: int) -> list[Push]:
    """Those that nobody has looked into yet, oldest first."""
    columns = [pushes.c[name] for name in Push.__dataclass_fields__]
    question = select(*columns).where(pushes.c.pipeline_id == pipeline_id).order_by(pushes.c.id)
    return [Push(**row._mapping) for row in await connection.execute(question)]


async def forget_pushes(connection: AsyncConnection, ids: Sequence[int]) -> None:
    await connection.execute(delete(pushes).where(pushes.c.id.in_(list(ids))))
