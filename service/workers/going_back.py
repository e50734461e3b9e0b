"""How a run is started: by the commit's own file, by a file for this once, or by the branch's pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from service import generation
from service.bitbucket.sections import FILE, custom_pipelines
from service.client import Client, NotFound
from service.configs import InvalidValue
from service.configs.pipeline import ROLLBACK
from service.configs.place import ORDER
from service.grounds import ground_of
from service.recorder import Recorder
from service.store import pipelines, releases
from service.store.executions import Execution
from service.store.pipelines import Environment
from service.store.repositories import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """`custom` names the pipeline of the file, or of `yaml` where that runs in its place; None: the branch's own.

    `release` is what the variable RELEASE says.
    """

    custom: str | None = None
    yaml: str | None = None
    release: str | None = None


async def way_back(
    recorder: Recorder, client: Client, repository: Repository, execution: Execution, commit: str
) -> Way | None:
    """None for what is no rollback. Raises BitbucketError."""
    async with recorder.database.read() as connection:
        rollback = await releases.rollback_by(connection, execution.id)
        target = await releases.by_id(connection, rollback.release_id) if rollback else None
        pipeline = await pipelines.by_id(connection, execution.pipeline_id)
        if rollback is None or target is None or pipeline is None or execution.environment is None:
            return None
        ground = await ground_of(connection, pipeline)
    generated = pipeline.generated_at is not None
    name = custom_name(ground.environments, execution.environment)
    number = target.kept_as or target.build_number
    if (rollback.method == "relink" or not generated) and name in await _offered(client, repository, commit):
        return Way(custom=name, release=str(number) if number else "previous")
    if not generated:
        return Way()
    method: Literal["relink", "rebuild"] = "relink" if rollback.method == "relink" else "rebuild"
    try:
        file = await generation.rollback_file(ground, execution.environment, method)
    except InvalidValue:  # what is set by now cannot be rendered: the commit's own file still can deploy it
        return Way()
    return Way(custom=file.custom, yaml=file.yaml, release=str(number) if file.takes_release else None)


async def way_there(recorder: Recorder, execution: Execution) -> Way:
    """For what another environment runs already: a file for this once where Penstock makes the files."""
    async with recorder.database.read() as connection:
        pipeline = await pipelines.by_id(connection, execution.pipeline_id)
        if pipeline is None or execution.environment is None or pipeline.generated_at is None:
            return Way()
        ground = await ground_of(connection, pipeline)
    file = await generation.promotion_file(ground, execution.environment)
    return Way(custom=file.custom, yaml=file.yaml)


def custom_name(environments: Sequence[Environment], name: str) -> str:
    """As the generated files call it: `rollback` for the environment nearest to production, else `rollback-<name>`."""
    main = max(environments, key=lambda one: ORDER[one.kind])
    return ROLLBACK if main.name == name else f"{ROLLBACK}-{name}"


async def _offered(client: Client, repository: Repository, commit: str) -> frozenset[str]:
    try:
        return custom_pipelines(await client.source(repository.address, commit, FILE))
    except NotFound:
        return frozenset()
