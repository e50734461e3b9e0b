"""Questions about the commits that we made ourselves: they start nothing here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import config_commits


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCommit:
    """`onto` is the head of the deploying branch that it was made for, `revision` the number of what it brings."""

    commit: str
    branch: str
    onto: str
    revision: int


async def add(connection: AsyncConnection, pipeline_id: int, made: OwnCommit, now: datetime) -> None:
    known = await among(connection, pipeline_id, [made.commit])
    if made.commit not in known:
        row = {name: getattr(made, name) for name in OwnCommit.__dataclass_fields__}
        await connection.execute(insert(config_commits).values(pipeline_id=pipeline_id, made_at=now, **row))


async def among(connection: AsyncConnection, pipeline_id: int, commits: Iterable[str]) -> dict[str, OwnCommit]:
    """Which of these are ours, by hash."""
    mine = (config_commits.c.pipeline_id == pipeline_id, config_commits.c.commit.in_(list(commits)))
    rows = await connection.execute(select(*_COLUMNS).where(*mine))
    return {row.commit: OwnCommit(**row._mapping) for row in rows}


async def last_on(connection: AsyncConnection, pipeline_id: int, branch: str) -> OwnCommit | None:
    mine = (config_commits.c.pipeline_id == pipeline_id, config_commits.c.branch == branch)
    question = select(*_COLUMNS).where(*mine).order_by(config_commits.c.id.desc()).limit(1)
    row = (await connection.execute(question)).one_or_none()
    return OwnCommit(**row._mapping) if row else None


_COLUMNS = [config_commits.c[name] for name in OwnCommit.__dataclass_fields__]
