"""`sync-env`: bring Bitbucket's variables to what is configured here, or only say what that would change."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.bitbucket.requests import Assignment
from service.client import BitbucketError, Client, Conflict, NotAllowed, NotFound
from service.drift import FIRST_LOOK, look_for_it
from service.store import pipelines, repositories, variables
from service.store.audit import Actor
from service.store.pipelines import Environment
from service.store.repositories import Repository
from service.store.variables import Variable
from service.syncing import Ours, Plan, plan
from service.variables import opened
from service.web.call import actor_of, answer, house_of, id_in, optional_body_of, viewer_of
from service.web.house import House
from service.web.operation import Operation, Right
from service.web.ownership import operated_pipeline
from service.web.problems import Problem

KINDS = {"test": "Test", "staging": "Staging", "production": "Production"}


class Syncing(msgspec.Struct, forbid_unknown_fields=True):
    """Whose variables: the repository's, or those of one deployment environment. Nothing is deleted unless `prune`."""

    dry_run: bool = False
    prune: bool = False
    environment: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class VariableName(msgspec.Struct, frozen=True):
    """A variable without its value."""

    key: str
    secured: bool


class SyncShape(msgspec.Struct, frozen=True):
    """What was changed at Bitbucket, or with `dry_run` would be; `unmanaged` is there without Penstock."""

    created: list[VariableName]
    updated: list[VariableName]
    unchanged: list[VariableName]
    unmanaged: list[VariableName]
    deleted: list[VariableName]


async def sync(request: Request) -> Response:
    viewer = await viewer_of(request)
    house, pipeline_id = house_of(request), id_in(request, "pipeline")
    async with house.database.read() as connection:
        pipeline = await operated_pipeline(connection, viewer, pipeline_id)
    wanted = await optional_body_of(request, Syncing)
    async with house.database.read() as connection:
        repository = await repositories.by_id(connection, pipeline.repository_id)
        known = await variables.of_pipeline(connection, pipeline_id)
        environments = await pipelines.environments_of(connection, pipeline_id)
    environment = _environment(environments, wanted.environment)
    mine = [one for one in known if one.environment_id == (environment.id if environment else None)]
    client = await house.clients.for_repository(repository, urgent=True) if repository else None
    if client is None or repository is None:
        raise Problem(409, "the repository has no credential: its variables at Bitbucket cannot be read")
    try:
        return answer(
            await _sync(house, client, repository, pipeline_id, environment, mine, wanted, actor_of(request, viewer))
        )
    except NotAllowed as error:
        raise Problem(409, str(error)) from None
    except BitbucketError as error:
        raise Problem(503, str(error), headers={"Retry-After": "60"}) from None


operations = [
    Operation(
        method="POST",
        path="/api/pipelines/{id}/sync-env",
        handler=sync,
        right=Right.OPERATE,
        summary="Bring Bitbucket's variables to what is configured here",
        body=Syncing,
        optional=True,
        answer=SyncShape,
        also=(409, 503),
        once=True,
    )
]


async def _sync(
    house: House,
    client: Client,
    repository: Repository,
    pipeline_id: int,
    environment: Environment | None,
    mine: list[Variable],
    wanted: Syncing,
    actor: Actor,
) -> SyncShape:
    there = await _there(client, repository, environment, make=not wanted.dry_run)
    theirs = [] if there is _NOWHERE else await client.variables(repository.address, environment=there)
    steps = plan([_ours(house, one) for one in mine], theirs)
    if not wanted.dry_run:
        sent = await _carry_out(client, repository, there, steps, prune=wanted.prune)
        async with house.recorder.record() as record:
            for one in mine:
                if one.key in sent:
                    await variables.mark_synced(record.connection, pipeline_id, replace(one, synced=one.place))
            deed = {"environment": wanted.environment, "pruned": wanted.prune}
            await look_for_it(record, pipeline_id, due_at=record.now + FIRST_LOOK)
            record.audit(actor, "variables.synced", f"pipeline {pipeline_id}", **deed)
    deleted = steps.unmanaged if wanted.prune else ()
    return SyncShape(
        created=[VariableName(one.key, one.secured) for one in steps.create],
        updated=[VariableName(one.key, one.secured) for _, one in steps.update],
        unchanged=[VariableName(one.key, one.secured) for one in steps.unchanged],
        unmanaged=[VariableName(one.key, one.secured) for one in steps.unmanaged if not wanted.prune],
        deleted=[VariableName(one.key, one.secured) for one in deleted],
    )


# An environment that Bitbucket does not have yet, and that a dry run does not make.
_NOWHERE = "{}"


async def _there(client: Client, repository: Repository, environment: Environment | None, *, make: bool) -> str | None:
    """The uuid of the deployment environment at Bitbucket; None for the repository itself."""
    if environment is None:
        return None
    for found in await client.environments(repository.address):
        if found.name.casefold() == environment.name.casefold():
            return found.uuid
    if not make:
        return _NOWHERE
    made = await client.create_environment(repository.address, environment.name, kind=KINDS[environment.kind])
    return made.uuid


async def _carry_out(
    client: Client, repository: Repository, there: str | None, steps: Plan, *, prune: bool
) -> set[str]:
    """The keys whose values Bitbucket has taken."""
    name, sent = repository.address, {one.key for _, one in steps.update}
    for one in steps.create:
        try:
            await client.create_variable(name, Assignment(one.key, one.value, one.secured), environment=there)
            sent.add(one.key)
        except Conflict:  # made since the list was read: the next sync sees it
            continue
    for found, one in steps.update:
        assignment = Assignment(one.key, one.value, one.secured)
        await client.update_variable(name, found.uuid, assignment, environment=there)
    for found in steps.unmanaged if prune else ():
        try:
            await client.delete_variable(name, found.uuid, environment=there)
        except NotFound:
            continue
    return sent


def _ours(house: House, variable: Variable) -> Ours:
    sent = variable.synced == variable.place  # the place is new with each value, and tells nothing of it
    return Ours(variable.key, variable.secured, sent, opened(house.vault, variable))


def _environment(environments: list[Environment], name: str | None) -> Environment | None:
    found: Any = next((one for one in environments if one.name == name), None)
    if name is not None and found is None:
        told = [("environment", "one of the pipeline's environments")]
        raise Problem(422, f"the pipeline has no environment {name!r}", errors=told)
    return found if name is not None else None
