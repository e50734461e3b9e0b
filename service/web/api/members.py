"""Members of a repository: who may see it, who may run it, who may configure it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.recorder import Record
from service.store import accounts, members, repositories
from service.store.audit import Actor
from service.store.members import Member
from service.store.repositories import Repository
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
from service.web.ownership import owned_repository, seen_repository
from service.web.problems import Problem, found


class NewRole(msgspec.Struct, forbid_unknown_fields=True):
    """A viewer looks, an operator triggers and rolls back, an owner configures."""

    role: Literal["owner", "operator", "viewer"]


class MemberShape(msgspec.Struct, frozen=True):
    """An account's role on a repository."""

    username: str
    role: str


async def list_members(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, after = limit_of(request), numbered_cursor_of(request) or 0
    async with house_of(request).database.read() as connection:
        repository = await seen_repository(connection, viewer, id_in(request, "repository"))
        listed = await members.of_repository(connection, repository.id, after=after, limit=limit + 1)
    return page([_shape(one) for one in listed], limit, [one.user_id for one in listed])


async def set_role(request: Request) -> Response:
    viewer = await viewer_of(request)
    house, username = house_of(request), _username(request)
    async with house.database.read() as connection:
        await owned_repository(connection, viewer, id_in(request, "repository"))
    wanted = await body_of(request, NewRole)
    async with house.recorder.record() as record:
        repository = await owned_repository(record.connection, viewer, id_in(request, "repository"), lock=True)
        account = await _account(record.connection, username)
        await _keep_an_owner(record.connection, repository, username, wanted.role)
        await members.set_role(record.connection, repository.id, account.id, wanted.role)
        record.audit(actor_of(request, viewer), "member.set", repository.full_name, username=username, role=wanted.role)
        if wanted.role != "owner" and not account.is_admin:
            await _withdraw_credential(record, actor_of(request, viewer), repository, account.id, username)
        record.rights_changed()
    return answer(MemberShape(username, wanted.role))


async def remove(request: Request) -> Response:
    viewer = await viewer_of(request)
    username = _username(request)
    async with house_of(request).recorder.record() as record:
        repository = await owned_repository(record.connection, viewer, id_in(request, "repository"), lock=True)
        known = found(await members.named(record.connection, repository.id, username), "member")
        await _keep_an_owner(record.connection, repository, username, None)
        await members.remove(record.connection, repository.id, known.user_id)
        record.audit(actor_of(request, viewer), "member.removed", repository.full_name, username=username)
        account = await _account(record.connection, username)
        if not account.is_admin:
            await _withdraw_credential(record, actor_of(request, viewer), repository, account.id, username)
        record.rights_changed()
    return Response(status_code=204)


operations = [
    Operation(
        method="GET",
        path="/api/repositories/{id}/members",
        handler=list_members,
        right=Right.SEE,
        summary="Who has which role on a repository; administrators have every right without one",
        answer=ListOf(MemberShape),
        query=LIST,
    ),
    Operation(
        method="PUT",
        path="/api/repositories/{id}/members/{username}",
        handler=set_role,
        right=Right.OWN,
        summary="Give an account a role on a repository",
        body=NewRole,
        answer=MemberShape,
        also=(409,),
    ),
    Operation(
        method="DELETE",
        path="/api/repositories/{id}/members/{username}",
        handler=remove,
        right=Right.OWN,
        summary="Take an account's role on a repository away",
        status=204,
        also=(409,),
    ),
]


def _username(request: Request) -> str:
    """As the path has it. PostgreSQL has no place for a NUL, and no account a name with one."""
    return str(request.path_params["username"]).replace("\x00", "\N{REPLACEMENT CHARACTER}")


async def _account(connection: Any, username: str) -> accounts.Account:
    account = await accounts.user_named(connection, username)
    if account is None:
        told = f"there is no account named {username[:100]!r}"
        raise Problem(422, f"{told}; `penstock user add` makes one", errors=[("username", told)])
    return account


async def _keep_an_owner(connection: Any, repository: Repository, username: str, role: str | None) -> None:
    known = await members.named(connection, repository.id, username)
    last = known is not None and known.role == "owner" and await members.owners(connection, repository.id) == 1
    if last and role != "owner":
        raise Problem(409, f"{username} is the last owner of {repository.full_name}; make somebody else an owner first")


async def _withdraw_credential(
    record: Record, actor: Actor, repository: Repository, user_id: int, username: str
) -> None:
    """Whoever may no longer configure the repository lends it no rights at Bitbucket either."""
    if await repositories.withdraw_credential(record.connection, repository.id, user_id):
        why = f"it was {username}'s, who is no longer an owner"
        record.audit(actor, "repository.credential_withdrawn", repository.full_name, id=repository.id, why=why)


def _shape(member: Member) -> MemberShape:
    return MemberShape(member.username, member.role)
