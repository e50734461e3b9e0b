"""Notification routes: what is told to whom. Where they lead goes in and never comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.bus import Topic
from service.recorder import Record
from service.store import outbox, pipelines, repositories, routes
from service.store.accounts import Viewer
from service.store.routes import Route
from service.web import limits
from service.web.api.notification_bodies import (
    FilterBody,
    NewRoute,
    RouteChange,
    RouteShape,
    quiet_hours,
    route_shape,
    stored_filter,
)
from service.web.api.notification_targets import in_place_of, sealed_target
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


async def list_routes(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, after = limit_of(request), numbered_cursor_of(request) or 0
    async with house_of(request).database.read() as connection:
        listed = await routes.page(connection, viewer, after=after, limit=limit + 1)
        counted = await outbox.counts(connection, [one.id for one in listed])
    return page([route_shape(one, counted[one.id]) for one in listed], limit, [one.id for one in listed])


async def show(request: Request) -> Response:
    route = await seen(request)
    return answer(await shape_of(request, route))


async def add(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    wanted = await body_of(request, NewRoute)
    hours = quiet_hours(wanted.quiet_hours)
    target, secret = await sealed_target(request, wanted.target)
    async with house.recorder.record() as record:
        await limits.check(record.connection, limits.NOTIFICATIONS, viewer.user_id)
        await _check_filter(record, viewer, wanted.filter)
        made = await routes.add(
            record.connection,
            user_id=viewer.user_id,
            name=wanted.name,
            **target,
            filter=stored_filter(wanted.filter),
            quiet_hours=hours,
            digest_minutes=wanted.digest_minutes,
            paused=wanted.paused,
            created_at=record.now,
            updated_at=record.now,
        )
        record.audit(actor_of(request, viewer), "notification.added", f"notification {made.id}", kind=made.kind)
    where = {"Location": f"/api/notifications/{made.id}"}
    return answer(route_shape(made, {}, secret=secret), 201, where)


async def change(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    await seen(request)
    wanted = await body_of(request, RouteChange)
    values: dict[str, Any] = {}
    secret = None
    if wanted.name is not msgspec.UNSET:
        values["name"] = wanted.name
    if wanted.paused is not msgspec.UNSET:
        values |= {"paused": wanted.paused, "paused_reason": None}
    if wanted.quiet_hours is not msgspec.UNSET:
        values["quiet_hours"] = quiet_hours(wanted.quiet_hours)
    if wanted.digest_minutes is not msgspec.UNSET:
        values["digest_minutes"] = wanted.digest_minutes
    if wanted.target is not msgspec.UNSET:
        target, secret = await sealed_target(request, wanted.target)
        values |= target
    async with house.recorder.record() as record:
        known = await locked(request, record, viewer)
        if wanted.filter is not msgspec.UNSET:
            await _check_filter(record, viewer, wanted.filter)
            values["filter"] = stored_filter(wanted.filter)
        if wanted.target is not msgspec.UNSET:
            values |= in_place_of(known, values, house.vault, now=record.now)
        changed = await routes.change(record.connection, known.id, **values, updated_at=record.now)
        if not changed.paused:  # what has waited meanwhile is tried again, or waits for its time as it is now
            await outbox.hurry(record.connection, changed.id, now=record.now)
            await try_again(record, changed)
        fields = sorted(name for name in wanted.__struct_fields__ if getattr(wanted, name) is not msgspec.UNSET)
        record.audit(actor_of(request, viewer), "notification.changed", f"notification {known.id}", fields=fields)
    return answer(await shape_of(request, changed, secret=secret))


async def remove(request: Request) -> Response:
    viewer = await viewer_of(request)
    async with house_of(request).recorder.record() as record:
        known = await locked(request, record, viewer)
        await routes.remove(record.connection, known.id)
        record.audit(actor_of(request, viewer), "notification.removed", f"notification {known.id}", kind=known.kind)
    return Response(status_code=204)


async def seen(request: Request) -> Route:
    """The caller's route; a 404 for anybody else's."""
    viewer = await viewer_of(request)
    async with house_of(request).database.read() as connection:
        return found(await routes.seen_by(connection, viewer, id_in(request, "notification")), "notification")


async def locked(request: Request, record: Record, viewer: Viewer) -> Route:
    """The caller's route, while nobody else writes it."""
    number = id_in(request, "notification")
    found(await routes.seen_by(record.connection, viewer, number), "notification")
    return found(await routes.by_id(record.connection, number, lock=True), "notification")


async def shape_of(request: Request, route: Route, *, secret: str | None = None) -> RouteShape:
    """A route as the API tells it, with its messages counted; `secret` only where it is shown."""
    async with house_of(request).database.read() as connection:
        counted = await outbox.counts(connection, [route.id])
    return route_shape(route, counted[route.id], secret=secret)


async def try_again(record: Record, route: Route) -> None:
    """What waits is looked at again at once."""
    await routes.wake(record.connection, [route.id], due_at=record.now)
    if route.claim is None:  # nobody sends just now: also one whose target failed looks again at once
        await routes.release(record.connection, route, due_at=record.now)
    record.ring(Topic.MESSAGES)


async def _check_filter(record: Record, viewer: Viewer, wanted: FilterBody) -> None:
    """A route asks for nothing that its owner may not see: naming it is answered as if it were not there."""
    errors: Sequence[tuple[str, str]] = ()
    if wanted.repository_id is not None:
        seen = await repositories.seen_by(record.connection, viewer, wanted.repository_id)
        errors = () if seen else [("filter.repository_id", "no such repository")]
    if wanted.pipeline_id is not None and not errors:
        listed = await pipelines.seen_by(record.connection, viewer, wanted.pipeline_id)
        errors = () if listed else [("filter.pipeline_id", "no such pipeline")]
    if errors:
        raise Problem(422, "the filter names what is not there", errors=errors)


operations = [
    Operation(
        method="GET",
        path="/api/notifications",
        handler=list_routes,
        right=Right.SIGNED_IN,
        summary="The caller's notification routes, without where exactly they lead",
        answer=ListOf(RouteShape),
        query=LIST,
    ),
    Operation(
        method="POST",
        path="/api/notifications",
        handler=add,
        right=Right.SIGNED_IN,
        scope="operate",
        summary="Tell somebody what happens; a generated secret is shown this once",
        body=NewRoute,
        answer=RouteShape,
        status=201,
        once=True,
    ),
    Operation(
        method="GET",
        path="/api/notifications/{id}",
        handler=show,
        right=Right.SIGNED_IN,
        summary="One route",
        answer=RouteShape,
    ),
    Operation(
        method="PUT",
        path="/api/notifications/{id}",
        handler=change,
        right=Right.SIGNED_IN,
        scope="operate",
        summary="Change a route; what has waited is tried again",
        body=RouteChange,
        answer=RouteShape,
    ),
    Operation(
        method="DELETE",
        path="/api/notifications/{id}",
        handler=remove,
        right=Right.SIGNED_IN,
        scope="operate",
        summary="Remove a route and its messages",
        status=204,
    ),
]
