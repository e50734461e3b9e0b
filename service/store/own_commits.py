"""Questions about the commits that we made ourselves: they start nothing here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import config_commits

# How many of a branch's commits are looked through.
LATEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCommit:
    """`onto` is the head of the deploying branch that it was made for, `revision` the number of what it brings."""

    commit: str
    branch: str
    onto: str
    revision: int


async def add(connection: AsyncConnection, pipeline_id: int, made: OwnCommit, now: datetime) -> None:
    known = await among(connection, pipeline_id, made.branch, [made.commit])
    if made.commit not in known:
        row = {name: getattr(made, name) for name in OwnCommit.__dataclass_fields__}
        await connection.execute(insert(config_commits).values(pipeline_id=pipeline_id, made_at=now, **row))


async def among(
    connection: AsyncConnection, pipeline_id: int, branch: str, commits: Iterable[str]
) -> dict[str, OwnCommit]:
    """Which of these are ours on that branch, by hash."""
    question = _on(pipeline_id, branch).where(config_commits.c.commit.in_(list(commits)))
    return {row.commit: OwnCommit(**row._mapping) for row in await connection.execute(question)}


async def on_branch(connection: AsyncConnection, pipeline_id: int, branch: str) -> list[OwnCommit]:
    """The newest of ours first."""
    question = _on(pipeline_id, branch).order_by(config_commits.c.id.desc()).limit(LATEST)
    return [OwnCommit(**row._mapping) for row in await connection.execute(question)]


def _on(pipeline_id: int, branch: str) -> Select[Any]:
    return select(*_COLUMNS).where(config_commits.c.pipeline_id == pipeline_id, config_commits.c.branch == branch)


_COLUMNS = [config_commits.c[name] for name in OwnCommit.__dataclass_fields__]
