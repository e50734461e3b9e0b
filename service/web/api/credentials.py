"""Credentials: what Penstock may act with at Bitbucket. Their secrets go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service import client
from service.client import Kind
from service.store import credentials
from service.store.credentials import Credential, InUse
from service.web import limits
from service.web.call import (
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
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Right
from service.web.problems import Problem, found
from service.web.words import Name, Text

Secret = Annotated[str, msgspec.Meta(max_length=4096)]

# kind → the field that names the account, and the one that is secret
FIELDS: dict[str, tuple[str | None, str]] = {
    Kind.ACCESS_TOKEN: (None, "token"),
    Kind.API_TOKEN: ("email", "token"),
    Kind.OAUTH_CLIENT: ("client_id", "client_secret"),
}


class NewCredential(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`access_token` takes `token`; `api_token` takes `email`, `token`; `oauth_client` `client_id`, `client_secret`."""

    kind: Text
    name: Name | None = None
    token: Secret | None = None
    email: Text | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None

    def __repr__(self) -> str:
        return f"NewCredential({self.kind!r})"


class CredentialShape(msgspec.Struct, frozen=True, kw_only=True):
    """A credential. `account` is its e-mail or client id; `broken` is why it last did not work, until it does."""

    id: int
    name: str
    kind: str
    account: str | None
    secret_set: bool
    broken: str | None
    broken_at: datetime | None
    created_at: datetime


async def list_credentials(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, after = limit_of(request), numbered_cursor_of(request) or 0
    async with house_of(request).database.read() as connection:
        listed = await credentials.page(connection, viewer, after=after, limit=limit + 1)
    return page([_shape(one) for one in listed], limit, [one.id for one in listed])


async def add(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    wanted = await body_of(request, NewCredential)
    account, secret = _read(wanted)
    place, sealed = client.sealed(house.vault, secret)
    async with house.recorder.record() as record:
        await limits.check(record.connection, limits.CREDENTIALS, viewer.user_id)
        made = await credentials.add(
            record.connection,
            user_id=viewer.user_id,
            name=wanted.name or f"{wanted.kind} {account or ''}".strip()[:100],
            kind=wanted.kind,
            account=account,
            place=place,
            secret=sealed,
            per_hour=house.settings.rate_budget_per_hour,
            now=record.now,
        )
        record.audit(actor_of(request, viewer), "credential.added", f"credential {made.id}", kind=made.kind)
    return answer(_shape(made), 201)


async def remove(request: Request) -> Response:
    viewer = await viewer_of(request)
    async with house_of(request).recorder.record() as record:
        number = id_in(request, "credential")
        known = found(await credentials.seen_by(record.connection, viewer, number), "credential")
        try:
            await credentials.remove(record.connection, known)
        except InUse as error:
            raise Problem(409, f"{error}; disconnect it first, or connect it with another credential") from None
        record.audit(actor_of(request, viewer), "credential.removed", f"credential {known.id}", kind=known.kind)
    return Response(status_code=204)


operations = [
    Operation(
        method="GET",
        path="/api/credentials",
        handler=list_credentials,
        right=Right.SIGNED_IN,
        summary="The caller's credentials, without their secrets",
        answer=ListOf(CredentialShape),
        query=LIST,
    ),
    Operation(
        method="POST",
        path="/api/credentials",
        handler=add,
        right=Right.SIGNED_IN,
        scope="admin",
        summary="Keep a credential for Bitbucket; its secret is never shown again",
        body=NewCredential,
        answer=CredentialShape,
        status=201,
        once=True,
    ),
    Operation(
        method="DELETE",
        path="/api/credentials/{id}",
        handler=remove,
        right=Right.SIGNED_IN,
        scope="admin",
        summary="Forget a credential that no repository works with",
        status=204,
        also=(409,),
    ),
]


def _read(wanted: NewCredential) -> tuple[str | None, str]:
    """The account and the secret. Raises a 422 that names the field and repeats no value of it."""
    try:
        if wanted.kind not in FIELDS:
            client.check(wanted.kind, None, "")
        named, secret = FIELDS[wanted.kind]
        given: dict[str, Any] = {
            name: getattr(wanted, name) for name in ("token", "email", "client_id", "client_secret")
        }
        errors = [
            (name, f"not a field of {wanted.kind}") for name in given if given[name] and name not in (named, secret)
        ]
        errors += [(name, f"{wanted.kind} needs it") for name in (named, secret) if name and not given[name]]
        if errors:
            raise Problem(422, f"these are not the fields of a credential of the kind {wanted.kind}", errors=errors)
        account = given[named] if named else None
        client.check(wanted.kind, account, given[secret])
    except client.NotAccepted as error:
        raise Problem(422, str(error), errors=[(error.field, str(error))]) from None
    return account, given[secret]


def _shape(credential: Credential) -> CredentialShape:
    return CredentialShape(
        id=credential.id,
        name=credential.name,
        kind=credential.kind,
        account=credential.account,
        secret_set=True,
        broken=credential.broken,
        broken_at=credential.broken_at,
        created_at=credential.created_at,
    )
