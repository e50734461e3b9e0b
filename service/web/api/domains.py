"""Domains: names that an account has registered for itself, so that nobody else's pipelines serve them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.configs import InvalidValue, grammar
from service.store import domains
from service.store.accounts import Viewer
from service.store.domains import Domain, DomainTaken
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
from service.web.ownership import refuse_others_domain
from service.web.problems import Problem, found
from service.web.refusals import invalid_value_problem
from service.web.words import Name, Text


class NewDomain(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A name such as `example.com`; certificates' notices go to `email`."""

    name: Text
    email: Text | None = None
    dns_provider: Name | None = None


class DomainChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Any of a domain's fields."""

    name: Text | msgspec.UnsetType = msgspec.UNSET
    email: Text | msgspec.UnsetType | None = msgspec.UNSET
    dns_provider: Name | msgspec.UnsetType | None = msgspec.UNSET


class DomainShape(msgspec.Struct, frozen=True, kw_only=True):
    """A registered domain, its name in ASCII form."""

    id: int
    name: str
    email: str | None
    dns_provider: str | None
    created_at: datetime


async def list_domains(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, after = limit_of(request), numbered_cursor_of(request) or 0
    async with house_of(request).database.read() as connection:
        listed = await domains.page(connection, viewer, after=after, limit=limit + 1)
    return page([_shape(one) for one in listed], limit, [one.id for one in listed])


async def show(request: Request) -> Response:
    viewer = await viewer_of(request)
    async with house_of(request).database.read() as connection:
        return answer(_shape(await _seen(connection, viewer, request)))


async def add(request: Request) -> Response:
    viewer = await viewer_of(request)
    wanted = await body_of(request, NewDomain)
    values = _checked(msgspec.structs.asdict(wanted))
    async with house_of(request).recorder.record() as record:
        await limits.check(record.connection, limits.DOMAINS, viewer.user_id)
        await _refuse_below_others(record.connection, viewer, values["name"])
        try:
            made = await domains.add(record.connection, **values, user_id=viewer.user_id, created_at=record.now)
        except DomainTaken as error:
            raise Problem(409, str(error)) from None
        record.audit(actor_of(request, viewer), "domain.added", f"domain {made.name}", id=made.id)
    return answer(_shape(made), 201, {"Location": f"/api/domains/{made.id}"})


async def change(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    async with house.database.read() as connection:
        await _seen(connection, viewer, request)
    wanted = await body_of(request, DomainChange)
    values = _checked(
        {key: value for key, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
    )
    async with house.recorder.record() as record:
        known = await _seen(record.connection, viewer, request)
        if values.get("name", known.name) != known.name:
            await _refuse_below_others(record.connection, viewer, values["name"])
        try:
            made = await domains.change(record.connection, known.id, **values) if values else known
        except DomainTaken as error:
            raise Problem(409, str(error)) from None
        record.audit(actor_of(request, viewer), "domain.changed", f"domain {made.name}", fields=sorted(values))
    return answer(_shape(made))


async def remove(request: Request) -> Response:
    viewer = await viewer_of(request)
    async with house_of(request).recorder.record() as record:
        known = await _seen(record.connection, viewer, request)
        await domains.remove(record.connection, known.id)
        record.audit(actor_of(request, viewer), "domain.removed", f"domain {known.name}", id=known.id)
    return Response(status_code=204)


operations = [
    Operation(
        method="GET",
        path="/api/domains",
        handler=list_domains,
        right=Right.SIGNED_IN,
        summary="The caller's domains",
        answer=ListOf(DomainShape),
        query=LIST,
    ),
    Operation(
        method="POST",
        path="/api/domains",
        handler=add,
        right=Right.SIGNED_IN,
        scope="admin",
        summary="Register a domain: nobody else's pipelines may serve it, or what lies below it",
        body=NewDomain,
        answer=DomainShape,
        status=201,
        also=(409,),
        once=True,
    ),
    Operation(
        method="GET",
        path="/api/domains/{id}",
        handler=show,
        right=Right.SIGNED_IN,
        summary="A domain of the caller's",
        answer=DomainShape,
    ),
    Operation(
        method="PUT",
        path="/api/domains/{id}",
        handler=change,
        right=Right.SIGNED_IN,
        scope="admin",
        summary="Change any of a domain's fields",
        body=DomainChange,
        answer=DomainShape,
        also=(409,),
    ),
    Operation(
        method="DELETE",
        path="/api/domains/{id}",
        handler=remove,
        right=Right.SIGNED_IN,
        scope="admin",
        summary="Give a domain up; pipelines that use it keep their files",
        status=204,
    ),
]


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values in the form in which they are stored. Raises a 422."""
    try:
        if "name" in values:
            values["name"] = grammar.hostname("name", values["name"])
        if values.get("email") is not None:
            values["email"] = grammar.email("email", values["email"])
    except InvalidValue as error:
        raise invalid_value_problem(error) from None
    return values


async def _refuse_below_others(connection: Any, viewer: Viewer, name: str) -> None:
    """A name below somebody else's domain is his; the name itself being taken is the unique index's to say."""
    await refuse_others_domain(connection, viewer, name.partition(".")[2], field="name")


async def _seen(connection: Any, viewer: Viewer, request: Request) -> Domain:
    return found(await domains.seen_by(connection, viewer, id_in(request, "domain")), "domain")


def _shape(domain: Domain) -> DomainShape:
    return DomainShape(**{name: getattr(domain, name) for name in DomainShape.__struct_fields__})
