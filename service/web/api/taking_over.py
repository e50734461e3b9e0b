"""Writes a drafted pipeline, unless somebody else was faster."""

from __future__ import annotations

from starlette.requests import Request

from service.generation import columns, write_revision
from service.grounds import main_of
from service.recorder import Record
from service.remote import Snapshot
from service.store import environments, looks, pipelines, repositories, variables
from service.store.accounts import Viewer
from service.store.repositories import Repository
from service.web.api.drafting import Draft
from service.web.api.generating_targets import Target
from service.web.call import actor_of, house_of
from service.web.connecting import Connected, connect_repository
from service.web.house import House


async def take_over(
    request: Request, viewer: Viewer, target: Target, draft: Draft, snapshot: Snapshot | None
) -> tuple[int, int, Connected | None] | None:
    """(pipeline, version, the new connection); None where somebody else was faster, and then nothing is written."""
    house = house_of(request)
    async with house.recorder.record() as record:
        connected = await _connect(record, viewer, house, target) if target.repository is None else None
        repository = connected.repository if connected else target.repository
        assert repository is not None
        pipeline_id = target.pipeline.id if target.pipeline else await _adopted(record, repository.id)
        values = {**draft.values, **columns(draft.generated), "generated_at": record.now}
        if pipeline_id is None or not await pipelines.change(
            record.connection, pipeline_id, version=draft.version, now=record.now, **values
        ):
            return None
        await _write_rest(record, repository, pipeline_id, draft, snapshot)
        is_new = target.repository is not None and target.pipeline is None
        told = {"pipeline_id": pipeline_id, "repository": repository.full_name, "action": "pipeline.generated"}
        kind = "pipeline.created" if is_new else "pipeline.updated"
        record.log(kind, told, repository_id=repository.id, pipeline_id=pipeline_id)
        actor, made = actor_of(request, viewer), draft.generated.project_type
        if connected:
            record.audit(actor, "repository.connected", repository.full_name, id=repository.id)
        record.audit(actor, "pipeline.generated", f"pipeline {pipeline_id}", project_type=made)
    return pipeline_id, draft.version + 1, connected


async def _connect(record: Record, viewer: Viewer, house: House, target: Target) -> Connected:
    return await connect_repository(
        record,
        viewer,
        house.vault,
        workspace=target.workspace,
        slug=target.slug,
        credential_id=target.credential_id,
    )


async def _adopted(record: Record, repository_id: int) -> int | None:
    """The pipeline that came with the connection, or a new one after one that was deleted."""
    known = await pipelines.active_of(record.connection, repository_id)
    if known is not None:
        return known.id
    return await pipelines.adopt_unless_active(
        record.connection, repository_id, branch_pattern=pipelines.USUAL_BRANCHES, now=record.now
    )


async def _write_rest(
    record: Record, repository: Repository, pipeline_id: int, draft: Draft, snapshot: Snapshot | None
) -> None:
    connection = record.connection
    main = main_of(await pipelines.environments_of(connection, pipeline_id))
    await environments.change(connection, main.id, branch_pattern=draft.branch)
    await variables.replace(connection, pipeline_id, None, draft.variables)
    if repository.credential_id is not None:  # after a pipeline that was deleted, its webhook may be gone
        await record.work("hook", str(repository.id), {"repository_id": repository.id})
    if snapshot is not None:
        await repositories.note_main_branch(connection, repository.id, snapshot.main_branch)
        await looks.put(connection, pipeline_id, branch=snapshot.branch, commit=snapshot.commit, paths=snapshot.paths)
    made = await pipelines.active_of(connection, repository.id)
    assert made is not None
    await write_revision(record, made, draft.generated, commit=snapshot.commit if snapshot else None)
