"""A success on an environment seals a release, and every execution knows what was live before it."""

from __future__ import annotations

from hashlib import sha256

from service.configs.generated import PIPELINES_FILE
from service.consequences.moved import Moved
from service.machine import State
from service.recorder import Record
from service.store import environments, executions, pipelines, releases, repositories, revisions, variables
from service.store.executions import Execution
from service.store.pipelines import Pipeline
from service.store.releases import Release
from service.store.revisions import Revision
from service.store.variables import Variable


async def seal_the_release(record: Record, moved: Moved) -> None:
    execution = moved.execution
    if execution.environment is None or not (moved.before is None or moved.ended):
        return
    live = await releases.live_on(record.connection, execution.pipeline_id, execution.environment)
    if moved.after is State.SUCCESS:
        await _seal(record, execution, execution.environment)
    if execution.trigger_type != "rollback" and live is not None and live.execution_id != execution.id:
        await executions.change(record.connection, execution.id, previous_execution_id=live.execution_id)


async def _seal(record: Record, execution: Execution, environment: str) -> Release | None:
    connection = record.connection
    pipeline = await pipelines.by_id(connection, execution.pipeline_id)
    repository = await repositories.by_id(connection, execution.repository_id)
    assert pipeline is not None
    revision = await _revision(record, pipeline)
    found = await _variables(record, pipeline.id, environment)
    kept_as, origin = await _kept_as(record, execution, revision)
    number = execution.bitbucket_build_number
    name = f"{repository.workspace}/{repository.slug}" if repository else ""
    return await releases.seal(
        connection,
        pipeline_id=pipeline.id,
        environment=environment,
        execution_id=execution.id,
        attempt=execution.attempt,
        commit=execution.bitbucket_commit_hash,
        branch=execution.branch,
        build_number=number,
        kept_as=kept_as,
        origin_id=origin,
        config_revision_id=revision.id if revision else None,
        config_digest=_digest(revision),
        artifact=f"releases/{kept_as}" if kept_as is not None else None,
        variables=[{"key": one.key, "secured": one.secured, "place": one.place} for one in found],
        run_url=f"https://bitbucket.org/{name}/pipelines/results/{number}" if name and number else None,
        by=execution.author,
        completed_at=execution.completed_at or record.now,
        sealed_at=record.now,
    )


async def _revision(record: Record, pipeline: Pipeline) -> Revision | None:
    """The configuration that runs have by now: what has reached the repository, as far as that is known."""
    if pipeline.generated_at is None:
        return None
    arrived = await revisions.arrived(record.connection, pipeline.id)
    return arrived or await revisions.standing(record.connection, pipeline.id)


async def _variables(record: Record, pipeline_id: int, name: str) -> list[Variable]:
    """What the environment's runs get; kept with their values where its owner wants that."""
    environment = await environments.named(record.connection, pipeline_id, name)
    known = await variables.of_pipeline(record.connection, pipeline_id)
    found = effective(known, environment.id if environment else None)
    if environment is not None and environment.keep_variable_values:
        await releases.keep_values(record.connection, pipeline_id, found)
    return found


def effective(known: list[Variable], environment_id: int | None) -> list[Variable]:
    """The pipeline's own, and instead of them what the environment has of its own."""
    by_key = {one.key: one for one in known if one.environment_id is None}
    by_key |= {one.key: one for one in known if one.environment_id == environment_id and environment_id is not None}
    return [by_key[key] for key in sorted(by_key)]


async def _kept_as(record: Record, execution: Execution, revision: Revision | None) -> tuple[int | None, int | None]:
    """(its number on the server, the release that it has brought back): a relinked release keeps its number."""
    rollback = await releases.rollback_by(record.connection, execution.id)
    target = await releases.by_id(record.connection, rollback.release_id) if rollback else None
    if rollback is not None and target is not None:
        number = target.kept_as if rollback.method == "relink" else execution.bitbucket_build_number
        return (number if revision else None), target.origin
    return (execution.bitbucket_build_number if revision else None), None


def _digest(revision: Revision | None) -> str | None:
    text = revision.files.get(PIPELINES_FILE) if revision else None
    return sha256(text.encode()).hexdigest() if text is not None else None
