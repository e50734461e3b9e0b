"""Questions about pipelines and their environments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.accounts import Viewer, may_see
from service.store.tables import environments, pipelines, repositories


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """How one repository is built and deployed. `status` is its latest execution's."""

    id: int
    repository_id: int
    is_active: bool
    status: str
    project_type: str
    server_ip: str | None
    subdomain: str | None
    domain: str | None
    port: int | None
    ssl_enabled: bool
    nginx_config: str | None
    certbot_command: str | None
    bitbucket_pipelines_yml: str | None
    detection: dict[str, Any] | None
    bitbucket_pipeline_uuid: str | None
    latest_execution_id: int | None
    config_delivery: str
    config_skip_ci: bool
    version: int
    last_execution_at: datetime | None
    generated_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where a pipeline deploys to. `branch_pattern` is a Bitbucket glob: `main`, `release/*`, `{main,master}`."""

    id: int
    pipeline_id: int
    name: str
    kind: str
    branch_pattern: str
    server_ip: str | None = None
    domain: str | None = None
    subdomain: str | None = None
    port: int | None = None
    requires_approval: bool = False
    rollback_policy: str = "manual"
    when_busy: str = "reject"
    health_check: dict[str, Any] | None = None
    keep_variable_values: bool = False
    commit_status: bool = False


# Which branches a repository deploys before anybody has said so.
USUAL_BRANCHES = "{main,master}"

# What an environment is like until somebody says otherwise: nothing happens by itself.
USUAL: dict[str, Any] = {"requires_approval": False, "rollback_policy": "manual", "when_busy": "reject"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A pipeline with the repository it belongs to, as lists show it."""

    pipeline: Pipeline
    repository_uuid: str | None
    workspace: str
    slug: str


async def adopt(connection: AsyncConnection, repository_id: int, *, branch_pattern: str, now: datetime) -> int:
    """The pipeline that records what a newly connected repository does, before anything is generated for it."""
    row = {
        "repository_id": repository_id,
        "is_active": True,
        "status": "PLANNED",
        "project_type": "unknown",
        "ssl_enabled": False,
        "config_delivery": "pull_request",
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    number = int((await connection.execute(insert(pipelines).values(row).returning(pipelines.c.id))).scalar_one())
    production = {"name": "production", "kind": "production", "branch_pattern": branch_pattern}
    await connection.execute(insert(environments).values(pipeline_id=number, **production, **USUAL))
    return number


async def by_id(connection: AsyncConnection, pipeline_id: int) -> Pipeline | None:
    """Any pipeline, active or not."""
    row = (await connection.execute(select(pipelines).where(pipelines.c.id == pipeline_id))).one_or_none()
    return Pipeline(**row._mapping) if row else None


async def adopt_unless_active(
    connection: AsyncConnection, repository_id: int, *, branch_pattern: str, now: datetime
) -> int | None:
    """The same for a repository whose pipeline was deleted; None where another one is active already."""
    try:
        async with connection.begin_nested():
            return await adopt(connection, repository_id, branch_pattern=branch_pattern, now=now)
    except IntegrityError:
        return None


async def active_of(connection: AsyncConnection, repository_id: int) -> Pipeline | None:
    """The repository's one active pipeline."""
    question = select(pipelines).where(pipelines.c.repository_id == repository_id, pipelines.c.is_active)
    row = (await connection.execute(question)).one_or_none()
    return Pipeline(**row._mapping) if row else None


async def environments_of(connection: AsyncConnection, pipeline_id: int) -> list[Environment]:
    question = select(environments).where(environments.c.pipeline_id == pipeline_id).order_by(environments.c.id)
    return [Environment(**row._mapping) for row in await connection.execute(question)]


async def deploy_branch_unless_said(connection: AsyncConnection, repository_id: int, branch: str) -> None:
    """The main branch is what an adopted pipeline deploys, as long as nobody has said otherwise."""
    adopted = select(pipelines.c.id).where(
        pipelines.c.repository_id == repository_id, pipelines.c.is_active, pipelines.c.generated_at.is_(None)
    )
    usual = (environments.c.pipeline_id.in_(adopted), environments.c.branch_pattern == USUAL_BRANCHES)
    await connection.execute(update(environments).where(*usual).values(branch_pattern=branch))


async def deactivate(connection: AsyncConnection, repository_id: int, now: datetime) -> int | None:
    """The id of the pipeline that was active and is no more; its history stays readable."""
    statement = update(pipelines).where(pipelines.c.repository_id == repository_id, pipelines.c.is_active)
    statement = statement.values(is_active=False, updated_at=now)
    number: int | None = (await connection.execute(statement.returning(pipelines.c.id))).scalar()
    return number


async def change(connection: AsyncConnection, pipeline_id: int, *, version: int, now: datetime, **values: Any) -> bool:
    """Whether it was at `version`; it is at the next one now. Of two who change it at once the second gets False."""
    statement = update(pipelines).where(pipelines.c.id == pipeline_id, pipelines.c.version == version)
    changed = await connection.execute(statement.values(**values, version=version + 1, updated_at=now))
    return bool(changed.rowcount)


async def show_status(
    connection: AsyncConnection, pipeline_id: int, *, execution_id: int, status: str, now: datetime
) -> None:
    """The pipeline's status is that of its latest execution; an older one's changes pass it by."""
    latest = pipelines.c.latest_execution_id
    statement = update(pipelines).where(pipelines.c.id == pipeline_id, latest.is_(None) | (latest <= execution_id))
    values = {"status": status, "latest_execution_id": execution_id, "last_execution_at": now, "updated_at": now}
    await connection.execute(statement.values(values))


async def seen_by(connection: AsyncConnection, viewer: Viewer, pipeline_id: int) -> Listed | None:
    row = (await connection.execute(_listed(viewer).where(pipelines.c.id == pipeline_id))).one_or_none()
    return _read(row._mapping) if row else None


async def page(
    connection: AsyncConnection,
    viewer: Viewer,
    *,
    after: int,
    limit: int,
    status: str | None = None,
    repository_id: int | None = None,
    project_type: str | None = None,
) -> list[Listed]:
    """The pipelines with ids above `after`, in order."""
    question = _listed(viewer).where(pipelines.c.id > after)
    wanted = ((pipelines.c.status, status), (pipelines.c.project_type, project_type))
    for column, value in wanted:
        question = question if value is None else question.where(column == value)
    if repository_id is not None:
        question = question.where(pipelines.c.repository_id == repository_id)
    return [_read(row._mapping) for row in await connection.execute(question.order_by(pipelines.c.id).limit(limit))]


def _listed(viewer: Viewer) -> Select[Any]:
    columns = (pipelines, repositories.c.uuid.label("_uuid"), repositories.c.workspace, repositories.c.slug)
    joined = select(*columns).join(repositories, repositories.c.id == pipelines.c.repository_id)
    return joined.where(may_see(viewer, repositories.c.id))


def _read(row: Any) -> Listed:
    own = {column.name: row[column.name] for column in pipelines.c}
    return Listed(pipeline=Pipeline(**own), repository_uuid=row["_uuid"], workspace=row["workspace"], slug=row["slug"])
