"""Which execution a run of Bitbucket's belongs to: the one that has its number, one that waits for it, or a new one."""

from __future__ import annotations

from dataclasses import dataclass

from service.bitbucket.answers import Run
from service.bitbucket.globs import matches
from service.bitbucket.runs import trigger_type_of
from service.history import Opening, Patience, open_execution
from service.recorder import Record
from service.store import executions, pipelines
from service.store.executions import Execution
from service.store.pipelines import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A run, by whatever source we know of it."""

    repository_id: int
    pipeline_id: int
    build_number: int
    commit: str | None
    branch: str | None
    trigger_type: str = "webhook"


def sighting_of(run: Run, *, repository_id: int, pipeline_id: int) -> Sighting:
    """What Bitbucket's answer says of a run."""
    return Sighting(
        repository_id=repository_id,
        pipeline_id=pipeline_id,
        build_number=run.build_number,
        commit=run.target.commit.hash if run.target.commit else None,
        branch=run.target.ref_name,
        trigger_type=trigger_type_of(run),
    )


async def environment_for(record: Record, pipeline_id: int, branch: str | None) -> Environment | None:
    """The pipeline's first environment that deploys the branch."""
    if branch is None:
        return None
    for environment in await pipelines.environments_of(record.connection, pipeline_id):
        if matches(environment.branch_pattern, branch):
            return environment
    return None


async def execution_of(record: Record, seen: Sighting, patience: Patience) -> tuple[bool, Execution]:
    """(whether it is new, the run's execution). The repository must be locked."""
    connection = record.connection
    known = await executions.by_build_number(connection, seen.repository_id, seen.build_number)
    if known is not None:
        return False, known
    if seen.commit is not None:
        waiting = await executions.expected(connection, seen.repository_id, commit=seen.commit, branch=seen.branch)
        if waiting is not None:
            return False, await executions.change(connection, waiting.id, bitbucket_build_number=seen.build_number)
    environment = await environment_for(record, seen.pipeline_id, seen.branch)
    opening = Opening(
        pipeline_id=seen.pipeline_id,
        repository_id=seen.repository_id,
        environment=environment.name if environment else None,
        branch=seen.branch,
        commit=seen.commit,
        trigger_type=seen.trigger_type,
        build_number=seen.build_number,
    )
    return True, await open_execution(record, opening, patience)
