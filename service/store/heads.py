"""Questions about where a repository's branches are, and who has told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import heads

LONGEST_BRANCH = 255


class ToldBy(StrEnum):
    """How a head became known."""

    PUSH = "push"  # a delivery
    SURVEY = "survey"  # it was found, and no delivery has told of it
    FIRST = "first"  # it was there before anybody looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A branch is at `commit` since `at`, as far as is known: "" for one that is only doubted so far.

    `doubted` is another commit that Bitbucket has named, and of which no push has told by `doubted_at`. Of one that was
    found, `silence` says why it was not told, `verdict` and `reason` what became of it.
    """

    branch: str
    commit: str
    told_by: str
    at: datetime
    doubted: str | None = None
    doubted_at: datetime | None = None
    silence: str | None = None
    verdict: str | None = None
    reason: str | None = None
    execution_id: int | None = None


async def of_repository(connection: AsyncConnection, repository_id: int) -> dict[str, Head]:
    """branch → what is known of it."""
    question = select(*_COLUMNS).where(heads.c.repository_id == repository_id)
    return {row.branch: Head(**row._mapping) for row in await connection.execute(question)}


async def found_last(connection: AsyncConnection, repository_id: int, branch: str | None) -> Head | None:
    """The head that a survey has found last, of this branch where one is given, unless a push has told of it since."""
    question = select(*_COLUMNS).where(heads.c.repository_id == repository_id, heads.c.told_by == ToldBy.SURVEY)
    question = question.where(heads.c.commit != "")
    if branch is not None:
        question = question.where(heads.c.branch == branch)
    row = (await connection.execute(question.order_by(heads.c.at.desc(), heads.c.id.desc()).limit(1))).one_or_none()
    return Head(**row._mapping) if row else None


async def any_doubted(connection: AsyncConnection, repository_id: int, before: datetime) -> bool:
    """Whether any head is in doubt since then, or longer."""
    mine = (heads.c.repository_id == repository_id, heads.c.doubted_at <= before)
    return bool((await connection.execute(select(exists().where(*mine)))).scalar())


async def put_first(connection: AsyncConnection, repository_id: int, found: Mapping[str, str], now: datetime) -> None:
    """branch → where it was before anybody looked; what is known of a branch already stays."""
    told = {"repository_id": repository_id, "told_by": ToldBy.FIRST, "at": now}
    rows = [{**told, "branch": branch[:LONGEST_BRANCH], "commit": commit} for branch, commit in found.items()]
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    adding = dialect.insert(heads).on_conflict_do_nothing(index_elements=["repository_id", "branch"])
    if rows:
        await connection.execute(adding, rows)


async def put(connection: AsyncConnection, repository_id: int, branch: str, **values: Any) -> None:
    """This is what is known of the branch now. `values` are those of a Head; what is not named becomes None."""
    row: dict[str, Any] = {**dict.fromkeys(_TOLD), **values}
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    adding = dialect.insert(heads).values(repository_id=repository_id, branch=branch[:LONGEST_BRANCH], **row)
    await connection.execute(adding.on_conflict_do_update(index_elements=["repository_id", "branch"], set_=row))


async def doubt(connection: AsyncConnection, repository_id: int, branch: str, commit: str, now: datetime) -> None:
    """Bitbucket has the branch at `commit`, and nobody has told so."""
    values = {"doubted": commit, "doubted_at": now}
    if not await _change(connection, repository_id, branch, values):
        await put(connection, repository_id, branch, commit="", told_by=ToldBy.SURVEY, at=now, **values)


async def trust(connection: AsyncConnection, repository_id: int, branch: str) -> None:
    """It is where it is known to be after all."""
    await _change(connection, repository_id, branch, {"doubted": None, "doubted_at": None})


async def forget(connection: AsyncConnection, repository_id: int, branches: list[str]) -> None:
    """They are gone."""
    names = [branch[:LONGEST_BRANCH] for branch in branches]
    await connection.execute(delete(heads).where(heads.c.repository_id == repository_id, heads.c.branch.in_(names)))


async def _change(connection: AsyncConnection, repository_id: int, branch: str, values: dict[str, Any]) -> bool:
    mine = (heads.c.repository_id == repository_id, heads.c.branch == branch[:LONGEST_BRANCH])
    return bool((await connection.execute(update(heads).where(*mine).values(values))).rowcount)


_COLUMNS = [heads.c[name] for name in Head.__dataclass_fields__]
_TOLD = ("doubted", "doubted_at", "silence", "verdict", "reason", "execution_id")
