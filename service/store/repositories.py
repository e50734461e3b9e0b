"""Questions about connected repositories, and about the hooks through which Bitbucket speaks of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer, may_see
from service.store.tables import credentials, hooks, repositories


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at Bitbucket. `uuid` is None until the first delivery, or Bitbucket itself, has told it."""

    id: int
    uuid: str | None
    workspace: str
    slug: str
    connected_at: datetime
    disconnected_at: datetime | None = None
    credential_id: int | None = None
    main_branch: str | None = None
    hook_uuid: str | None = None
    reconciled_at: datetime | None = None
    surveyed_at: datetime | None = None

    @property
    def full_name(self) -> str:
        return f"{self.workspace}/{self.slug}"

    @property
    def address(self) -> str:
        """How Bitbucket's API is asked about it: by its uuid where that is known, which outlives a rename."""
        return f"{self.workspace}/{self.uuid or self.slug}"


@dataclass(frozen=True, slots=True)
class Hook:
    """Where Bitbucket delivers to. The secrets are sealed; the previous one counts until `previous_until`."""

    id: str
    repository_id: int
    repository_uuid: str | None
    full_name: str
    secret: bytes
    previous_secret: bytes | None
    previous_until: datetime | None


class AlreadyConnected(ValueError):
    """The repository is connected already, by uuid or by name; `repository_id` says as which one."""

    def __init__(self, repository_id: int | None, full_name: str) -> None:
        super().__init__(f"{full_name} is connected already")
        self.repository_id = repository_id


async def connect(
    connection: AsyncConnection,
    *,
    workspace: str,
    slug: str,
    uuid: str | None,
    now: datetime,
    credential_id: int | None = None,
) -> Repository:
    """Raises AlreadyConnected; the transaction goes on, nothing having been written."""
    row = {"workspace": workspace, "slug": slug, "uuid": uuid, "connected_at": now, "credential_id": credential_id}
    try:
        async with connection.begin_nested():
            statement = insert(repositories).values(row).returning(repositories.c.id)
            number = int((await connection.execute(statement)).scalar_one())
    except IntegrityError:
        known = await named(connection, workspace, slug)
        raise AlreadyConnected(known.id if known else None, f"{workspace}/{slug}") from None
    return Repository(number, uuid, workspace, slug, now, credential_id=credential_id)


async def named(connection: AsyncConnection, workspace: str, slug: str) -> Repository | None:
    return await _one(
        connection, _connected().where(repositories.c.workspace == workspace, repositories.c.slug == slug)
    )


async def by_id(connection: AsyncConnection, repository_id: int, *, lock: bool = False) -> Repository | None:
    """Any repository, connected or not. `lock` makes whoever else writes about it wait for this transaction."""
    question = select(repositories).where(repositories.c.id == repository_id)
    return await _one(connection, question.with_for_update() if lock else question)


async def seen_by(connection: AsyncConnection, viewer: Viewer, repository_id: int) -> Repository | None:
    return await _one(
        connection, _connected().where(repositories.c.id == repository_id, may_see(viewer, repositories.c.id))
    )


async def page(connection: AsyncConnection, viewer: Viewer, *, after: int, limit: int) -> list[Repository]:
    """The connected repositories with ids above `after`, in order."""
    question = _connected().where(repositories.c.id > after, may_see(viewer, repositories.c.id))
    rows = await connection.execute(question.order_by(repositories.c.id).limit(limit))
    return [Repository(**row._mapping) for row in rows]


async def rename(connection: AsyncConnection, repository_id: int, workspace: str, slug: str) -> bool:
    """False where another connected repository has that name: that one's rename has not reached us yet."""
    statement = update(repositories).where(repositories.c.id == repository_id)
    try:
        async with connection.begin_nested():
            await connection.execute(statement.values(workspace=workspace, slug=slug))
    except IntegrityError:
        return False
    return True


async def learn(
    connection: AsyncConnection,
    repository: Repository,
    *,
    uuid: str,
    main_branch: str | None,
    hook_uuid: str,
) -> None:
    """What Bitbucket told of it. Its uuid only where it was not known: another one is another repository."""
    values = {"main_branch": main_branch, "hook_uuid": hook_uuid}
    statement = update(repositories).where(repositories.c.id == repository.id)
    await connection.execute(statement.values(values))
    if repository.uuid is None:
        try:
            async with connection.begin_nested():
                await connection.execute(statement.where(repositories.c.uuid.is_(None)).values(uuid=uuid))
        except IntegrityError:  # the same repository is connected under an older name: its deliveries are refused
            return


async def reconciled(connection: AsyncConnection, repository_id: int, now: datetime) -> None:
    """Its runs have just been compared with Bitbucket's."""
    await connection.execute(update(repositories).where(repositories.c.id == repository_id).values(reconciled_at=now))


async def surveyed(connection: AsyncConnection, repository_id: int, now: datetime) -> None:
    """Its branches and deployments have just been looked at."""
    await connection.execute(update(repositories).where(repositories.c.id == repository_id).values(surveyed_at=now))


async def sharing_credential(connection: AsyncConnection, credential_id: int) -> int:
    """How many connected repositories live off this credential's calls."""
    mine = (repositories.c.credential_id == credential_id, repositories.c.disconnected_at.is_(None))
    return int((await connection.execute(select(func.count()).select_from(repositories).where(*mine))).scalar_one())


async def use_credential(connection: AsyncConnection, repository_id: int, credential_id: int | None) -> None:
    statement = update(repositories).where(repositories.c.id == repository_id)
    await connection.execute(statement.values(credential_id=credential_id))


async def withdraw_credential(connection: AsyncConnection, repository_id: int, user_id: int) -> bool:
    """Lets the repository go on without a credential if it works with one of this account; whether it did."""
    own = select(credentials.c.id).where(credentials.c.user_id == user_id)
    mine = (repositories.c.id == repository_id, repositories.c.credential_id.in_(own))
    return bool((await connection.execute(update(repositories).where(*mine).values(credential_id=None))).rowcount)


async def note_main_branch(connection: AsyncConnection, repository_id: int, branch: str) -> None:
    statement = update(repositories).where(repositories.c.id == repository_id)
    await connection.execute(statement.values(main_branch=branch[:255]))


async def disconnect(connection: AsyncConnection, repository_id: int, now: datetime) -> None:
    """Its hooks are gone at once, its history stays."""
    await connection.execute(hooks.delete().where(hooks.c.repository_id == repository_id))
    statement = update(repositories).where(repositories.c.id == repository_id)
    await connection.execute(statement.values(disconnected_at=now))


async def add_hook(connection: AsyncConnection, hook_id: str, repository_id: int, secret: bytes, now: datetime) -> None:
    row = {"id": hook_id, "repository_id": repository_id, "secret": secret, "created_at": now}
    await connection.execute(insert(hooks).values(row))


async def hook(connection: AsyncConnection, hook_id: str) -> Hook | None:
    return await _hook(connection, _hooks().where(hooks.c.id == hook_id))


async def hook_of(connection: AsyncConnection, repository_id: int) -> Hook | None:
    return await _hook(connection, _hooks().where(hooks.c.repository_id == repository_id))


async def hooks_of(connection: AsyncConnection, repository_ids: Sequence[int]) -> dict[int, str]:
    """repository id → the id of its hook."""
    question = select(hooks.c.repository_id, hooks.c.id).where(hooks.c.repository_id.in_(repository_ids))
    return {row.repository_id: row.id for row in await connection.execute(question)}


async def replace_secret(
    connection: AsyncConnection, hook_id: str, *, secret: bytes, previous: bytes, previous_until: datetime
) -> None:
    values = {"secret": secret, "previous_secret": previous, "previous_until": previous_until}
    await connection.execute(update(hooks).where(hooks.c.id == hook_id).values(values))


def _connected() -> Select[Any]:
    return select(repositories).where(repositories.c.disconnected_at.is_(None))


def _hooks() -> Select[Any]:
    columns = (hooks, repositories.c.uuid, repositories.c.workspace, repositories.c.slug)
    return select(*columns).join(repositories, repositories.c.id == hooks.c.repository_id)


async def _one(connection: AsyncConnection, question: Select[Any]) -> Repository | None:
    row = (await connection.execute(question)).one_or_none()
    return Repository(**row._mapping) if row else None


async def _hook(connection: AsyncConnection, question: Select[Any]) -> Hook | None:
    row = (await connection.execute(question)).one_or_none()
    if row is None:
        return None
    name = f"{row.workspace}/{row.slug}"
    return Hook(row.id, row.repository_id, row.uuid, name, row.secret, row.previous_secret, row.previous_until)
