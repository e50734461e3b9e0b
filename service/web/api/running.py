"""Starting and stopping runs."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.history import Opening
from service.intents import Wish, stop_unbegun
from service.launching import Busy, Held, launch
from service.machine import State
from service.masking import SHORTEST
from service.promotion import CannotPromote, Promotion, promotion_of
from service.recorder import Record
from service.sightings import environment_for
from service.store import environments, executions, repositories
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
    """What is to be run: the branch's head, or a commit on it. The environment is the one that deploys the branch.

    With `promote_from` it is what that environment runs, for `environment`; branch and commit follow from it.
    """

    branch: Text | None = None
    commit: str | None = None
    promote_from: Text | None = None
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
        promotion = await _promotion(record, pipeline, environment, wanted)
        opening = Opening(
            pipeline_id=pipeline.id,
            repository_id=repository.id,
            environment=environment.name if environment else None,
            branch=promotion.branch if promotion else wanted.branch,
            commit=promotion.commit if promotion else wanted.commit,
            trigger_type="manual",
            message=promotion.message if promotion else None,
            author=viewer.name,
        )
        wish = Wish(
            variables=tuple((one.key, one.value, one.secured) for one in wanted.variables),
            promotes=promotion.release.id if promotion else None,
        )
        try:
            execution = await launch(record, house.vault, environment, opening, wish, house.patience)
        except (Held, Busy) as error:
            raise await gate_problem(record.connection, pipeline.id, error) from None
        deed = {"branch": opening.branch, "commit": opening.commit, "environment": opening.environment}
        if promotion is not None:
            deed |= {"promote_from": wanted.promote_from}
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
        summary="Start a run of a branch, or of what another environment runs; PLANNED until Bitbucket has begun it",
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
    errors = _at_odds(wanted)
    if wanted.commit is not None and not COMMIT.match(wanted.commit):
        errors.append(("commit", "40 hex digits, in lower case"))
    if any(ord(letter) < 33 or letter in "~^:?*[\\\x7f" for letter in wanted.branch or ""):
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


def _at_odds(wanted: Triggering) -> list[tuple[str, str]]:
    """Either a branch is named, or where from and where to."""
    if wanted.promote_from is None:
        return [] if wanted.branch is not None else [("branch", "which one is to be run")]
    errors = [
        (name, "left out: it is that of what is promoted")
        for name, value in (("branch", wanted.branch), ("commit", wanted.commit))
        if value is not None
    ]
    if wanted.environment is None:
        errors.append(("environment", "where it is to be deployed"))
    elif wanted.environment == wanted.promote_from:
        errors.append(("promote_from", "another environment than the one to deploy to"))
    return errors


async def _environment(record: Record, pipeline: Pipeline, wanted: Triggering) -> Environment | None:
    if wanted.environment is None:
        return await environment_for(record, pipeline.id, wanted.branch)
    return await _named(record, pipeline, "environment", wanted.environment)


async def _promotion(
    record: Record, pipeline: Pipeline, environment: Environment | None, wanted: Triggering
) -> Promotion | None:
    if wanted.promote_from is None or environment is None:
        return None
    source = await _named(record, pipeline, "promote_from", wanted.promote_from)
    try:
        return await promotion_of(record.connection, pipeline, source, environment)
    except CannotPromote as error:
        raise Problem(409, str(error), environment=environment.name, promote_from=source.name) from None


async def _named(record: Record, pipeline: Pipeline, field: str, name: str) -> Environment:
    environment = await environments.named(record.connection, pipeline.id, name)
    if environment is None:
        told = [(field, "one of the pipeline's environments")]
        raise Problem(422, f"the pipeline has no environment {name!r}", errors=told)
    return environment
