"""Rows that a question needs around the one it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import accounts, executions, members, pipelines, repositories
from service.store.accounts import Viewer
from service.store.executions import Execution
from service.store.inbox import Arrival, pack
from service.store.repositories import Repository

NOW = datetime(2026, 3, 1, 9, 30, 0, 250_000, tzinfo=UTC)

ADMIN = Viewer(0, "operator", is_admin=True)

COMMIT = "a" * 40


async def person(connection: AsyncConnection, name: str, *, is_admin: bool = False) -> Viewer:
    number = await accounts.add_user(connection, name, None, is_admin=is_admin, now=NOW)
    return Viewer(number, name, is_admin)


async def repository(connection: AsyncConnection, slug: str = "shop", uuid: str | None = None) -> Repository:
    return await repositories.connect(connection, workspace="acme", slug=slug, uuid=uuid, now=NOW)


async def grant(connection: AsyncConnection, repository_id: int, user_id: int, role: str) -> None:
    await members.set_role(connection, repository_id, user_id, role)


async def pipeline(connection: AsyncConnection, repository_id: int) -> int:
    return await pipelines.adopt(connection, repository_id, branch_pattern="main", now=NOW)


async def execution(connection: AsyncConnection, slug: str = "shop", **values: Any) -> Execution:
    """One of a repository and a pipeline of its own."""
    owner = await repository(connection, slug)
    return await another(connection, owner.id, await pipeline(connection, owner.id), **values)


async def another(connection: AsyncConnection, repository_id: int, pipeline_id: int, **values: Any) -> Execution:
    row: dict[str, Any] = {
        "repository_id": repository_id,
        "pipeline_id": pipeline_id,
        "trigger_type": "webhook",
        "branch": "main",
        "bitbucket_commit_hash": COMMIT,
        "pushed": False,
        "created_at": NOW,
    }
    return await executions.add(connection, **{**row, **values})


def arrival(body: bytes = b'{"push": {}}', request_uuid: str = "one", **values: Any) -> Arrival:
    row: dict[str, Any] = {
        "hook_id": "hook",
        "repository_id": 1,
        "event_key": "repo:push",
        "attempt": 1,
        "received_at": NOW,
    }
    return Arrival(request_uuid=request_uuid, digest=sha256(body).digest(), packed=pack(body), **{**row, **values})
