"""Whose things are: the checks that more than one door makes before it changes something."""

from __future__ import annotations

from typing import Any

from service.store import accounts, domains, pipelines, repositories
from service.store.accounts import Viewer
from service.store.pipelines import Pipeline
from service.store.repositories import Repository
from service.web.problems import Problem, found


async def seen_repository(connection: Any, viewer: Viewer, repository_id: int) -> Repository:
    """Raises a 404 for a repository that the viewer may not see."""
    return found(await repositories.seen_by(connection, viewer, repository_id), "repository")


async def owned_repository(connection: Any, viewer: Viewer, repository_id: int, *, lock: bool = False) -> Repository:
    """Raises a 404 for a repository that the viewer may not see, a 403 where he is not its owner.

    Locked first, if at all: of two who change it at once the second sees what the first has done.
    """
    if lock:
        await repositories.by_id(connection, repository_id, lock=True)
    repository = await seen_repository(connection, viewer, repository_id)
    await require_owner(connection, viewer, repository.id)
    return repository


async def owned_pipeline(connection: Any, viewer: Viewer, pipeline_id: int) -> Pipeline:
    """The same by the pipeline's number."""
    listed = found(await pipelines.seen_by(connection, viewer, pipeline_id), "pipeline")
    await require_owner(connection, viewer, listed.pipeline.repository_id)
    return listed.pipeline


async def operated_pipeline(connection: Any, viewer: Viewer, pipeline_id: int) -> Pipeline:
    """Raises a 404 for a pipeline that the viewer may not see, a 403 where he may only look at it."""
    listed = found(await pipelines.seen_by(connection, viewer, pipeline_id), "pipeline")
    await require_operator(connection, viewer, listed.pipeline.repository_id)
    return listed.pipeline


async def require_operator(connection: Any, viewer: Viewer, repository_id: int) -> None:
    if await accounts.role_on(connection, viewer, repository_id) not in ("owner", "operator"):
        raise Problem(403, "only an owner or operator of the repository may do this")


async def require_owner(connection: Any, viewer: Viewer, repository_id: int) -> None:
    if await accounts.role_on(connection, viewer, repository_id) != "owner":
        raise Problem(403, "only an owner of the repository may do this")


def require_active(pipeline: Pipeline) -> None:
    if not pipeline.is_active:
        raise Problem(
            409, "this pipeline is no longer active; its history stays readable, and `generate` makes another"
        )


async def refuse_others_domain(connection: Any, viewer: Viewer, name: str, *, field: str = "domain") -> None:
    """Raises a 422 for a name that somebody else has registered, or that lies below such a one."""
    covering = await domains.covering(connection, name)
    if covering is not None and covering.user_id != viewer.user_id:
        told = f"{covering.name} belongs to another account"
        raise Problem(422, f"{told}; use one of your own, or ask its owner", errors=[(field, told)])
