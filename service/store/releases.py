"""Questions about releases: what was live where and when, and which rollback went back to what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, column, delete, insert, select, update, values
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import config_revisions, kept_values, releases, rollbacks
from service.store.variables import Variable

# How many of an environment's newest releases a rollback chooses from.
MOST_CANDIDATES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One success on an environment, as the tables have it. `variables` are [{key, secured, place}]."""

    id: int
    pipeline_id: int
    environment: str
    execution_id: int
    attempt: int
    commit: str | None
    branch: str | None
    build_number: int | None
    kept_as: int | None
    origin_id: int | None
    config_revision_id: int | None
    config_digest: str | None
    artifact: str | None
    variables: list[dict[str, Any]] | None
    run_url: str | None
    by: str | None
    completed_at: datetime
    sealed_at: datetime
    rolled_back_at: datetime | None

    @property
    def origin(self) -> int:
        """The release that was deployed: itself, unless a rollback has only brought it back."""
        return self.origin_id or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """`execution_id` goes back to `release_id`, and so undoes what another execution brought, or left half done."""

    id: int
    execution_id: int
    undoes_execution_id: int
    undoes_attempt: int
    release_id: int
    method: str
    automatic: bool
    reason: str
    created_at: datetime


async def seal(connection: AsyncConnection, **values: Any) -> Release | None:
    """The new release; None where this attempt of the execution has sealed one already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(releases).values(values)
    once = statement.on_conflict_do_nothing(index_elements=["execution_id", "attempt"]).returning(*releases.c)
    row = (await connection.execute(once)).one_or_none()
    return Release(**row._mapping) if row else None


async def keep_values(connection: AsyncConnection, pipeline_id: int, found: Iterable[Variable]) -> None:
    """What these variables are stays in the books, sealed as it is, whatever becomes of the variables."""
    rows = [{"pipeline_id": pipeline_id, "place": one.place, "value": one.value} for one in found]
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    if rows:
        await connection.execute(dialect.insert(kept_values).on_conflict_do_nothing(index_elements=["place"]), rows)


async def kept(connection: AsyncConnection, places: Sequence[str]) -> dict[str, bytes]:
    """place → the sealed value, of those that were kept."""
    question = select(kept_values.c.place, kept_values.c.value).where(kept_values.c.place.in_(places))
    return {row.place: row.value for row in await connection.execute(question)}


async def live_on(connection: AsyncConnection, pipeline_id: int, environment: str) -> Release | None:
    """What is live there: of the releases that were not rolled back the one that was completed last."""
    question = _of(pipeline_id, environment).where(releases.c.rolled_back_at.is_(None)).limit(1)
    row = (await connection.execute(question)).one_or_none()
    return Release(**row._mapping) if row else None


async def live(connection: AsyncConnection, pipeline_id: int, names: Collection[str]) -> dict[str, Release]:
    """environment → the release that is live there, of those where one is."""
    places = values(column("name", String), name="places").data([(name,) for name in names]).cte("places")
    # one step into the index for each place: a question over all releases would read every success
    newest = _of(pipeline_id, places.c.name).where(releases.c.rolled_back_at.is_(None)).limit(1)
    chosen = newest.with_only_columns(releases.c.id).correlate(places).scalar_subquery()
    question = select(releases).where(releases.c.id.in_(select(chosen).select_from(places)))
    found = await connection.execute(question) if names else ()
    return {row.environment: Release(**row._mapping) for row in found}


async def live_executions(connection: AsyncConnection, pipeline_id: int, names: Collection[str]) -> dict[str, int]:
    """environment → the execution whose release is live there."""
    return {name: one.execution_id for name, one in (await live(connection, pipeline_id, names)).items()}


async def newest(
    connection: AsyncConnection, pipeline_id: int, environment: str, *, limit: int = MOST_CANDIDATES
) -> list[Release]:
    """An environment's releases, rolled back or not; what was completed last comes first."""
    rows = await connection.execute(_of(pipeline_id, environment).limit(limit))
    return [Release(**row._mapping) for row in rows]


async def page(
    connection: AsyncConnection, pipeline_id: int, *, environment: str | None, before: int | None, limit: int
) -> list[Release]:
    """What was sealed last comes first, from below the id `before` on."""
    question = select(releases).where(releases.c.pipeline_id == pipeline_id)
    if environment is not None:
        question = question.where(releases.c.environment == environment)
    if before is not None:
        question = question.where(releases.c.id < before)
    rows = await connection.execute(question.order_by(releases.c.id.desc()).limit(limit))
    return [Release(**row._mapping) for row in rows]


async def of_execution(connection: AsyncConnection, execution_id: int) -> Release | None:
    """What its last successful attempt has sealed."""
    question = select(releases).where(releases.c.execution_id == execution_id)
    row = (await connection.execute(question.order_by(releases.c.attempt.desc()).limit(1))).one_or_none()
    return Release(**row._mapping) if row else None


async def by_id(connection: AsyncConnection, release_id: int) -> Release | None:
    row = (await connection.execute(select(releases).where(releases.c.id == release_id))).one_or_none()
    return Release(**row._mapping) if row else None


async def configured(connection: AsyncConnection, found: Iterable[Release]) -> set[int]:
    """The numbers of those revisions of the releases that are still there."""
    numbers = {one.config_revision_id for one in found if one.config_revision_id is not None}
    question = select(config_revisions.c.id).where(config_revisions.c.id.in_(numbers))
    return set((await connection.execute(question)).scalars())


async def mark_rolled_back(
    connection: AsyncConnection, execution_id: int, *, up_to_attempt: int, now: datetime
) -> None:
    mine = (
        releases.c.execution_id == execution_id,
        releases.c.attempt <= up_to_attempt,
        releases.c.rolled_back_at.is_(None),
    )
    await connection.execute(update(releases).where(*mine).values(rolled_back_at=now))


async def note_rollback(connection: AsyncConnection, **values: Any) -> Rollback:
    statement = insert(rollbacks).values(values).returning(*rollbacks.c)
    return Rollback(**(await connection.execute(statement)).one()._mapping)


async def rollback_by(connection: AsyncConnection, execution_id: int) -> Rollback | None:
    """What the execution undoes, if it is a rollback."""
    row = (await connection.execute(select(rollbacks).where(rollbacks.c.execution_id == execution_id))).one_or_none()
    return Rollback(**row._mapping) if row else None


async def rollbacks_of(connection: AsyncConnection, execution_id: int) -> list[Rollback]:
    """Those that undo the execution, or tried to; the newest first."""
    question = select(rollbacks).where(rollbacks.c.undoes_execution_id == execution_id)
    return [Rollback(**row._mapping) for row in await connection.execute(question.order_by(rollbacks.c.id.desc()))]


async def prune(connection: AsyncConnection, before: datetime, *, limit: int = 1000) -> int:
    """Forgets releases that were sealed before that time, at most `limit`; how many went.

    What a rollback may still need stays: an environment's newest, and those that a rollback went back to.
    """
    named = select(rollbacks.c.release_id)
    old = select(releases).where(releases.c.sealed_at < before, releases.c.id.not_in(named)).order_by(releases.c.id)
    gone: list[int] = []
    needed: dict[tuple[int, str], set[int]] = {}
    for row in await connection.execute(old.limit(limit)):
        place = (row.pipeline_id, row.environment)
        if place not in needed:
            needed[place] = {one.id for one in await newest(connection, *place, limit=MOST_CANDIDATES)}
        if row.id not in needed[place]:
            gone.append(row.id)
    await connection.execute(delete(releases).where(releases.c.id.in_(gone)))
    return len(gone)


def _of(pipeline_id: int, environment: str | ColumnElement[str]) -> Select[Any]:
    mine = (releases.c.pipeline_id == pipeline_id, releases.c.environment == environment)
    return select(releases).where(*mine).order_by(releases.c.completed_at.desc(), releases.c.id.desc())
