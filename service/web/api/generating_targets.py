"""Which repository is generated for, and whether that may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.store import pipelines, repositories
from service.store.accounts import Viewer
from service.store.pipelines import Pipeline
from service.store.repositories import AlreadyConnected, Repository
from service.web.api.generating_bodies import NewPipeline
from service.web.connecting import check_name, require_credential, taken
from service.web.ownership import owned_repository, require_owner
from service.web.problems import Problem

GENERATED_ALREADY = "this repository has an active pipeline already"
OPTIONS = (
    "look at it: GET /api/pipelines/{id}",
    "change it: PUT /api/pipelines/{id}",
    "render it anew: POST /api/pipelines/{id}/regenerate",
    "replace it: DELETE /api/pipelines/{id}, then generate again",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is generated for. Without a `repository` it is to be connected first; without a `pipeline` one is made."""

    workspace: str
    slug: str
    credential_id: int | None
    repository: Repository | None
    pipeline: Pipeline | None


async def target_of(connection: Any, viewer: Viewer, wanted: NewPipeline) -> Target:
    """Raises a 404, a 403, a 409 for somebody else's, a 422 for what names no repository."""
    named = wanted.workspace is not None and wanted.slug is not None
    if named == (wanted.repository_id is not None):
        told = "name the repository by `repository_id`, or by `workspace` and `slug`"
        raise Problem(422, told, errors=[("repository_id", told)])
    if wanted.repository_id is not None:
        repository: Repository | None = await owned_repository(connection, viewer, wanted.repository_id)
    else:
        repository = await _by_name(connection, viewer, wanted.workspace or "", wanted.slug or "")
    if repository is None:
        await require_credential(connection, viewer, wanted.credential_id)
        return Target(
            workspace=(wanted.workspace or "").lower(),
            slug=(wanted.slug or "").lower(),
            credential_id=wanted.credential_id,
            repository=None,
            pipeline=None,
        )
    if wanted.credential_id not in (None, repository.credential_id):
        told = f"the repository works with another credential: PUT /api/repositories/{repository.id} gives it this one"
        raise Problem(422, told, errors=[("credential_id", told)])
    return Target(
        workspace=repository.workspace,
        slug=repository.slug,
        credential_id=repository.credential_id,
        repository=repository,
        pipeline=await pipelines.active_of(connection, repository.id),
    )


async def _by_name(connection: Any, viewer: Viewer, workspace: str, slug: str) -> Repository | None:
    check_name(workspace, slug)
    known = await repositories.named(connection, workspace.lower(), slug.lower())
    if known is None:
        return None
    if await repositories.seen_by(connection, viewer, known.id) is None:
        raise await taken(connection, viewer, AlreadyConnected(known.id, known.full_name))
    await require_owner(connection, viewer, known.id)
    return known


def refuse_generated(pipeline: Pipeline | None) -> None:
    if pipeline is not None and pipeline.generated_at is not None:
        options = [option.format(id=pipeline.id) for option in OPTIONS]
        raise Problem(409, GENERATED_ALREADY, existing_pipeline_id=pipeline.id, options=options)
