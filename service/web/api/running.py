"""Starting and stopping runs."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.history import Opening
from service.intents import Wish, stop_unbegun
from service.launching import Busy, Held, launch
from service.machine import State
from service.masking import SHORTEST
from service.sightings import environment_for
from service.store import executions, pipelines, repositories
from service.store.pipelines import Environment, Pipeline
from service.web.api.shapes import ExecutionShape, execution_shape
from service.web.call import actor_of, answer, body_of, house_of, id_in, viewer_of
from service.web.gates import gate_problem
from service.web.operation import Operation, Right
from service.web.ownership import operated_pipeline, require_operator
from service.web.problems import Problem, not_found

MOST_VARIABLES = 100

COMMIT = re.compile(r"[0-9a-f]{40}\Z")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Value = Annotated[str, msgspec.Meta(max_length=32768)]


class RunVariable(msgspec.Struct, forbid_unknown_fields=True):
    """A variable of one run. A secured one is never shown again."""

    key: Text
    value: Value
    secured: bool = False


class Triggering(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be run: the branch's head, or a commit on it. The environment is the one that deploys the branch."""

    branch: Text
    commit: str | None = None
    variables: Annotated[list[RunVariable], msgspec.Meta(max_length=MOST_VARIABLES)] = []
    environment: Text | None = None


async def trigger(request: Request) -> Response:
    viewer = await viewer_of(request)
    house, pipeline_id = house_of(request), id_in(request, "pipeline")
    async with house.database.read() as connection:
        await operated_pipeline(connection, viewer, pipeline_id)
    wanted = await body_of(request, Triggering)
    _check(wanted)
    async with house.recorder.record() as record:
        pipeline = await operated_pipeline(record.connection, viewer, pipeline_id)
        repository = await repositories.by_id(record.connection, pipeline.repository_id, lock=True)
        if not pipeline.is_active or repository is None or repository.disconnected_at:
            raise Problem(409, "the pipeline is no longer active: nothing can be started with it")
        if repository.credential_id is None:
            raise Problem(409, "the repository has no credential: give it one, or start the run at Bitbucket")
        environment = await _environment(record, pipeline, wanted)
        opening = Opening(
            pipeline_id=pipeline.id,
            repository_id=repository.id,
            environment=environment.name if environment else None,
            branch=wanted.branch,
            commit=wanted.commit,
            trigger_type="manual",
            author=viewer.name,
        )
        wish = Wish(variables=tuple((one.key, one.value, one.secured) for one in wanted.variables))
        try:
            execution = await launch(record, house.vault, environment, opening, wish, house.patience)
        except (Held, Busy) as error:
            raise await gate_problem(record.connection, pipeline.id, error) from None
        deed = {"branch": wanted.branch, "commit": wanted.commit, "environment": opening.environment}
        record.audit(actor_of(request, viewer), "execution.triggered", f"execution {execution.id}", **deed)
    return answer(execution_shape(execution), 202, {"Location": f"/api/executions/{execution.id}"})


async def stop(request: Request) -> Response:
    viewer = await viewer_of(request)
    house, execution_id = house_of(request), id_in(request, "execution")
    async with house.recorder.record() as record:
        execution = await executions.seen_by(record.connection, viewer, execution_id)
        if execution is None:
            raise not_found("execution")
        await require_operator(record.connection, viewer, execution.repository_id)
        repository = await repositories.by_id(record.connection, execution.repository_id, lock=True)
        execution = await executions.by_id(record.connection, execution_id) or execution
        if State(execution.status).final:
            raise Problem(409, f"the execution is {execution.status} already: there is nothing to stop")
        if execution.bitbucket_build_number is None:
            execution = await stop_unbegun(record, execution, house.patience, viewer.name)
        elif repository is None or repository.credential_id is None:
            raise Problem(409, "the repository has no credential: stop the run at Bitbucket")
        else:
            await record.work("stop", str(execution.id), {"execution_id": execution.id})
        record.audit(actor_of(request, viewer), "execution.stopped", f"execution {execution.id}")
    return answer(execution_shape(execution), 202)


operations = [
    Operation(
        method="POST",
        path="/api/pipelines/{id}/trigger",
        handler=trigger,
        right=Right.OPERATE,
        summary="Start a run of a branch; the execution is PLANNED until Bitbucket has begun it",
        body=Triggering,
        answer=ExecutionShape,
        status=202,
        also=(409,),
        once=True,
    ),
    Operation(
        method="POST",
        path="/api/executions/{id}/stop",
        handler=stop,
        right=Right.OPERATE,
        summary="Stop a run",
        answer=ExecutionShape,
        status=202,
        also=(409,),
        once=True,
    ),
]


def _check(wanted: Triggering) -> None:
    errors = []
    if wanted.commit is not None and not COMMIT.match(wanted.commit):
        errors.append(("commit", "40 hex digits, in lower case"))
    if any(ord(letter) < 33 or letter in "~^:?*[\\\x7f" for letter in wanted.branch):
        errors.append(("branch", "the name of a branch"))
    errors += [
        (f"variables[{place}].key", "letters, digits and _, not beginning with a digit")
        for place, one in enumerate(wanted.variables)
        if not KEY.match(one.key)
    ]
    errors += [
        (f"variables[{place}].value", f"a secured value needs {SHORTEST} characters, or logs cannot be masked")
        for place, one in enumerate(wanted.variables)
        if one.secured and len(one.value) < SHORTEST
    ]
    if errors:
        raise Problem(422, "this cannot be run", errors=errors)


async def _environment(record: Any, pipeline: Pipeline, wanted: Triggering) -> Environment | None:
    if wanted.environment is None:
        return await environment_for(record, pipeline.id, wanted.branch)
    for environment in await pipelines.environments_of(record.connection, pipeline.id):
        if environment.name == wanted.environment:
            return environment
    told = [("environment", "one of the pipeline's environments")]
    raise Problem(422, f"the pipeline has no environment {wanted.environment!r}", errors=told)
