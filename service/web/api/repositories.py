"""Connecting repositories: without a hook and its secret nothing can be received."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.bitbucket.webhook import EVENTS
from service.store import pipelines, repositories
from service.store.repositories import AlreadyConnected, Repository
from service.web.api.shapes import RepositoryShape, RotatedShape, WebhookShape, repository_shape
from service.web.call import (
    LARGEST_ID,
    actor_of,
    answer,
    body_of,
    house_of,
    id_in,
    limit_of,
    numbered_cursor_of,
    page,
    viewer_of,
)
from service.web.connecting import (
    Connected,
    begin_asking,
    check_name,
    connect_repository,
    require_credential,
    taken,
)
from service.web.house import House
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Right
from service.web.ownership import owned_repository, seen_repository
from service.web.problems import Problem

# How long the secret before a rotation is still accepted: Bitbucket keeps one secret a hook, so we overlap.
OVERLAP = timedelta(hours=24)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Connecting(msgspec.Struct, forbid_unknown_fields=True):
    """What is needed to connect a repository."""

    workspace: Name
    slug: Name
    credential_id: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)] | None = None


class RepositoryChange(msgspec.Struct, forbid_unknown_fields=True):
    """What Penstock acts with at Bitbucket from now on: another credential, or with null none."""

    credential_id: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)] | None


async def connect(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    wanted = await body_of(request, Connecting)
    check_name(wanted.workspace, wanted.slug)
    async with house.recorder.record() as record:
        try:
            made = await connect_repository(
                record,
                viewer,
                house.vault,
                workspace=wanted.workspace,
                slug=wanted.slug,
                credential_id=wanted.credential_id,
            )
        except AlreadyConnected as known:
            raise await taken(record.connection, viewer, known) from None
        repository = made.repository
        record.audit(actor_of(request, viewer), "repository.connected", repository.full_name, id=repository.id)
    webhook = new_webhook(house, made)
    return answer(repository_shape(repository, webhook), 201, {"Location": f"/api/repositories/{repository.id}"})


async def list_repositories(request: Request) -> Response:
    viewer = await viewer_of(request)
    house, limit, after = house_of(request), limit_of(request), numbered_cursor_of(request)
    async with house.database.read() as connection:
        found = await repositories.page(connection, viewer, after=after or 0, limit=limit + 1)
        hooks = await repositories.hooks_of(connection, [repository.id for repository in found])
    shapes: list[object] = [
        repository_shape(repository, _webhook(house, hooks.get(repository.id))) for repository in found
    ]
    return page(shapes, limit, [repository.id for repository in found])


async def show(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    async with house.database.read() as connection:
        repository = await seen_repository(connection, viewer, id_in(request, "repository"))
        hooks = await repositories.hooks_of(connection, [repository.id])
    return answer(repository_shape(repository, _webhook(house, hooks.get(repository.id))))


async def change(request: Request) -> Response:
    viewer, house, number = await viewer_of(request), house_of(request), id_in(request, "repository")
    async with house.database.read() as connection:
        await owned_repository(connection, viewer, number)
    wanted = await body_of(request, RepositoryChange)
    async with house.recorder.record() as record:
        repository = await owned_repository(record.connection, viewer, number, lock=True)
        if wanted.credential_id != repository.credential_id:
            await require_credential(record.connection, viewer, wanted.credential_id)
            await repositories.use_credential(record.connection, repository.id, wanted.credential_id)
            if wanted.credential_id is not None:
                await begin_asking(record, repository.id)
            deed = {"id": repository.id, "credential_id": wanted.credential_id}
            record.audit(actor_of(request, viewer), "repository.credential_changed", repository.full_name, **deed)
        hooks = await repositories.hooks_of(record.connection, [repository.id])
    changed = replace(repository, credential_id=wanted.credential_id)
    return answer(repository_shape(changed, _webhook(house, hooks.get(repository.id))))


async def disconnect(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    async with house.recorder.record() as record:
        repository = await owned_repository(record.connection, viewer, id_in(request, "repository"), lock=True)
        hooks = await repositories.hooks_of(record.connection, [repository.id])
        await repositories.disconnect(record.connection, repository.id, record.now)
        record.audit(actor_of(request, viewer), "repository.disconnected", repository.full_name, id=repository.id)
        pipeline_id = await pipelines.deactivate(record.connection, repository.id, record.now)
        if pipeline_id is not None:
            told = {"pipeline_id": pipeline_id, "reason": "the repository was disconnected"}
            record.log("pipeline.deleted", told, repository_id=repository.id, pipeline_id=pipeline_id)
    for hook_id in hooks.values():
        house.hooks.forget(hook_id)
    return Response(status_code=204)


async def rotate_secret(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    secret = secrets.token_urlsafe(32)
    async with house.recorder.record() as record:
        repository = await owned_repository(record.connection, viewer, id_in(request, "repository"), lock=True)
        hook = await repositories.hook_of(record.connection, repository.id)
        if hook is None:
            raise Problem(409, "the repository has no hook; disconnect it and connect it again")
        sealed = house.vault.seal(secret.encode(), table="hooks", column="secret", row=hook.id)
        until = record.now + OVERLAP
        await repositories.replace_secret(
            record.connection, hook.id, secret=sealed, previous=hook.secret, previous_until=until
        )
        record.audit(actor_of(request, viewer), "repository.secret_rotated", repository.full_name, id=repository.id)
        if repository.credential_id is not None:  # Bitbucket is told the new one; until then it signs with the old one
            told = {"repository_id": repository.id, "force": True}
            await record.work("hook", str(repository.id), told)
    house.hooks.forget(hook.id)
    webhook = WebhookShape(url=house.webhook_url(hook.id), secret=secret, previous_secret_until=until)
    return answer(RotatedShape(webhook))


operations = [
    Operation(
        method="POST",
        path="/api/repositories",
        handler=connect,
        right=Right.SIGNED_IN,
        scope="admin",
        summary="Connect a repository: the answer holds its webhook's URL and secret, this once",
        body=Connecting,
        answer=RepositoryShape,
        status=201,
        also=(409,),
        once=True,
    ),
    Operation(
        method="GET",
        path="/api/repositories",
        handler=list_repositories,
        right=Right.SIGNED_IN,
        summary="The connected repositories that the caller may see",
        answer=ListOf(RepositoryShape),
        query=LIST,
    ),
    Operation(
        method="GET",
        path="/api/repositories/{id}",
        handler=show,
        right=Right.SEE,
        summary="A connected repository",
        answer=RepositoryShape,
    ),
    Operation(
        method="PUT",
        path="/api/repositories/{id}",
        handler=change,
        right=Right.OWN,
        summary="Give a repository another credential; its webhook is looked after with that one",
        body=RepositoryChange,
        answer=RepositoryShape,
    ),
    Operation(
        method="DELETE",
        path="/api/repositories/{id}",
        handler=disconnect,
        right=Right.OWN,
        summary="Disconnect a repository; its history stays readable",
        status=204,
    ),
    Operation(
        method="POST",
        path="/api/repositories/{id}/rotate-secret",
        handler=rotate_secret,
        right=Right.OWN,
        summary="Make a new secret for the webhook; the one before counts for 24 hours more",
        answer=RotatedShape,
        also=(409,),
        once=True,
    ),
]


def _webhook(house: House, hook_id: str | None) -> WebhookShape:
    return WebhookShape(url=house.webhook_url(hook_id) if hook_id else None, secret_set=hook_id is not None)


def new_webhook(house: House, made: Connected) -> WebhookShape:
    """With its secret, this once. Without a credential a person makes it at Bitbucket, and is told how."""
    alone = made.repository.credential_id is None
    return WebhookShape(
        url=house.webhook_url(made.hook_id),
        secret=made.secret,
        events=list(EVENTS),
        instructions=_instructions(made.repository) if alone else msgspec.UNSET,
    )


def _instructions(repository: Repository) -> str:
    return (
        f"In Bitbucket open {repository.full_name} > Repository settings > Webhooks > Add webhook. Paste the URL and"
        " the secret (shown this once), and choose the triggers Push, Build status created, Build status updated."
    )
