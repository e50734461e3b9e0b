"""Questions about config revisions: the generated files of a pipeline, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import config_revisions

WAITING_CONFIRMATION = "waiting_confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What was generated. `diff` is unified, against the revision before.

    `delivery` says how it is to reach the repository (pull_request, commit, manual; waiting_confirmation as long as a
    person has not said that it should), `delivered` how far that is: waiting, delivered, failed, declined, superseded,
    or none where nobody but a person delivers it. `changes` says in sentences what was decided anew, `conflicts` where
    a person's edit stands against it.
    """

    id: int
    pipeline_id: int
    number: int
    commit: str | None
    files: dict[str, str]
    decisions: list[dict[str, Any]]
    detection: dict[str, Any] | None
    diff: str
    delivery: str
    delivered: str
    pull_request_url: str | None
    created_at: datetime
    pull_request_id: int | None = None
    changes: list[str] | None = None
    conflicts: list[dict[str, Any]] | None = None
    problem: str | None = None
    arrived_in: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is what the pipeline's files are, and not a proposal that somebody has yet to confirm."""
        return self.delivery != WAITING_CONFIRMATION


async def add(connection: AsyncConnection, pipeline_id: int, **values: Any) -> Revision:
    """The next one of the pipeline, whose row is locked or has just been changed by this transaction."""
    last = select(func.max(config_revisions.c.number)).where(config_revisions.c.pipeline_id == pipeline_id)
    number = ((await connection.execute(last)).scalar() or 0) + 1
    row = {**values, "pipeline_id": pipeline_id, "number": number}
    statement = insert(config_revisions).values(row).returning(*config_revisions.c)
    return Revision(**(await connection.execute(statement)).one()._mapping)


async def latest(connection: AsyncConnection, pipeline_id: int, *, limit: int = 1) -> list[Revision]:
    """The newest first."""
    question = select(config_revisions).where(config_revisions.c.pipeline_id == pipeline_id)
    rows = await connection.execute(question.order_by(config_revisions.c.number.desc()).limit(limit))
    return [Revision(**row._mapping) for row in rows]


async def standing(connection: AsyncConnection, pipeline_id: int) -> Revision | None:
    """The newest that is no mere proposal: what the pipeline's files are."""
    wanted = config_revisions.c.delivery != WAITING_CONFIRMATION
    return await _newest(connection, pipeline_id, wanted)


async def arrived(connection: AsyncConnection, pipeline_id: int) -> Revision | None:
    """The newest whose text has reached the repository: what a person's edits are compared with."""
    return await _newest(connection, pipeline_id, config_revisions.c.delivered == "delivered")


async def change(connection: AsyncConnection, revision_id: int, **values: Any) -> None:
    statement = update(config_revisions).where(config_revisions.c.id == revision_id)
    await connection.execute(statement.values(**values))


async def supersede(
    connection: AsyncConnection, pipeline_id: int, number: int, *, proposals_alone: bool = False
) -> None:
    """Those before `number` that never arrived are not wanted any more; proposals neither."""
    older = (config_revisions.c.pipeline_id == pipeline_id, config_revisions.c.number < number)
    those = config_revisions.c.delivery == WAITING_CONFIRMATION
    if not proposals_alone:
        those |= config_revisions.c.delivered.in_(("waiting", "failed", "none"))
    await connection.execute(update(config_revisions).where(*older, those).values(delivered="superseded"))


async def numbered(connection: AsyncConnection, pipeline_id: int, number: int) -> Revision | None:
    question = select(config_revisions).where(config_revisions.c.pipeline_id == pipeline_id)
    row = (await connection.execute(question.where(config_revisions.c.number == min(number, 2**31 - 1)))).one_or_none()
    return Revision(**row._mapping) if row else None


async def by_id(connection: AsyncConnection, revision_id: int) -> Revision | None:
    question = select(config_revisions).where(config_revisions.c.id == revision_id)
    row = (await connection.execute(question)).one_or_none()
    return Revision(**row._mapping) if row else None


async def _newest(connection: AsyncConnection, pipeline_id: int, *those: ColumnElement[bool]) -> Revision | None:
    question = select(config_revisions).where(config_revisions.c.pipeline_id == pipeline_id, *those)
    row = (await connection.execute(question.order_by(config_revisions.c.number.desc()).limit(1))).one_or_none()
    return Revision(**row._mapping) if row else None
