"""Notification routes: what is told to whom. Where they lead goes in and never comes out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.apprise.way import NOT_INSTALLED, by_library, installed
from service.bus import Topic
from service.mail import NOT_SET
from service.notifications.signing import new_secret
from service.notifications.targets import FORMS
from service.notifications.words import TEST, Kind, Told
from service.recorder import Record
from service.store import outbox, pipelines, repositories, routes
from service.store.accounts import Viewer
from service.store.routes import Route
from service.vault import Vault
from service.web import limits
from service.web.api.notification_bodies import (
    FilterBody,
    MessageShape,
    NewRoute,
    Previewing,
    PreviewShape,
    RouteChange,
    RouteShape,
    TargetBody,
    destination,
    message_shape,
    quiet_hours,
    route_shape,
    stored_filter,
)
from service.web.call import (
    actor_of,
    answer,
    body_of,
    house_of,
    id_in,
    limit_of,
    numbered_cursor_of,
    optional_body_of,
    page,
    viewer_of,
    word_of,
)
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.problems import Problem, found

# How long a secret that was replaced signs beside the new one.
BOTH = timedelta(hours=24)

STATUSES = frozenset({outbox.WAITING, outbox.DELIVERED, outbox.DEAD, outbox.WITHHELD, outbox.DIGESTED})


async def list_routes(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, after = limit_of(request), numbered_cursor_of(request) or 0
    async with house_of(request).database.read() as connection:
        listed = await routes.page(connection, viewer, after=after, limit=limit + 1)
        counted = await outbox.counts(connection, [one.id for one in listed])
    return page([route_shape(one, counted[one.id]) for one in listed], limit, [one.id for one in listed])


async def show(request: Request) -> Response:
    route = await _seen(request)
    return answer(await _shape(request, route))


async def add(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    wanted = await body_of(request, NewRoute)
    hours = quiet_hours(wanted.quiet_hours)
    target, secret = await _sealed_target(request, wanted.target)
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
    await _seen(request)
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
        target, secret = await _sealed_target(request, wanted.target)
        values |= target
    async with house.recorder.record() as record:
        known = await _locked(request, record, viewer)
        if wanted.filter is not msgspec.UNSET:
            await _check_filter(record, viewer, wanted.filter)
            values["filter"] = stored_filter(wanted.filter)
        if wanted.target is not msgspec.UNSET:
            values |= _in_place_of(known, values, house.vault, until=record.now + BOTH)
        changed = await routes.change(record.connection, known.id, **values, updated_at=record.now)
        if not changed.paused:  # what has waited meanwhile is tried again, or waits for its time as it is now
            await outbox.hurry(record.connection, changed.id, now=record.now)
            await _try_again(record, changed)
        fields = sorted(name for name in wanted.__struct_fields__ if getattr(wanted, name) is not msgspec.UNSET)
        record.audit(actor_of(request, viewer), "notification.changed", f"notification {known.id}", fields=fields)
    return answer(await _shape(request, changed, secret=secret))


async def remove(request: Request) -> Response:
    viewer = await viewer_of(request)
    async with house_of(request).recorder.record() as record:
        known = await _locked(request, record, viewer)
        await routes.remove(record.connection, known.id)
        record.audit(actor_of(request, viewer), "notification.removed", f"notification {known.id}", kind=known.kind)
    return Response(status_code=204)


async def test(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    async with house.recorder.record() as record:
        known = await _locked(request, record, viewer)
        if known.paused:
            raise Problem(409, "the route is paused: let it go on first, then test it")
        if known.kind == Kind.EMAIL and not house.settings.smtp_url:
            raise Problem(409, NOT_SET)
        if known.kind == Kind.APPRISE and by_library(known.shown) and not installed():
            raise Problem(409, NOT_INSTALLED)
        key = f"{TEST} {secrets.token_hex(8)}"
        row = {
            "route_id": known.id,
            "key": key,
            "webhook_id": f"msg_{secrets.token_hex(16)}",
            "event": TEST,
            "at": record.now,
            "entry": {"name": known.name, "by": viewer.name},
            "lane": key,
            "status": outbox.WAITING,
            "due_at": record.now,
            "tries": 0,
            "created_at": record.now,
        }
        await outbox.add(record.connection, [row])
        await _try_again(record, known)
        [message] = await outbox.page(record.connection, known.id, before=None, limit=1)
        record.audit(actor_of(request, viewer), "notification.tested", f"notification {known.id}")
    return answer(message_shape(message), 202)


async def preview(request: Request) -> Response:
    house = house_of(request)
    known = await _seen(request)
    wanted = await optional_body_of(request, Previewing)
    told = _example(wanted, house.public_url, house.recorder.now())
    words, warning = house.wordings.explained(told)
    form = FORMS[Kind(known.kind)]
    content = form.compose(told, words).decode()
    shape = PreviewShape(
        event=wanted.event, title=words.title, content_type=form.content_type, content=content, warning=warning
    )
    return answer(shape)


async def list_messages(request: Request) -> Response:
    known = await _seen(request)
    limit, before = limit_of(request), numbered_cursor_of(request)
    status = word_of(request, "status", STATUSES)
    async with house_of(request).database.read() as connection:
        listed = await outbox.page(connection, known.id, before=before, limit=limit + 1, status=status)
    return page([message_shape(one) for one in listed], limit, [one.id for one in listed])


async def send_again(request: Request) -> Response:
    """Dead letters are made to wait once more, with their bytes and names as they were."""
    viewer = await viewer_of(request)
    async with house_of(request).recorder.record() as record:
        known = await _locked(request, record, viewer)
        dead = await outbox.page(record.connection, known.id, before=None, limit=200, status=outbox.DEAD)
        values = {"status": outbox.WAITING, "due_at": record.now, "tries": 0, "error": None}
        if dead:
            await outbox.change(record.connection, [one.id for one in dead], **values)
            await _try_again(record, known)
        record.audit(
            actor_of(request, viewer), "notification.sent_again", f"notification {known.id}", messages=len(dead)
        )
    return answer(await _shape(request, known), 202)


async def _seen(request: Request) -> Route:
    viewer = await viewer_of(request)
    async with house_of(request).database.read() as connection:
        return found(await routes.seen_by(connection, viewer, id_in(request, "notification")), "notification")


async def _locked(request: Request, record: Record, viewer: Viewer) -> Route:
    """The caller's route, while nobody else writes it."""
    number = id_in(request, "notification")
    found(await routes.seen_by(record.connection, viewer, number), "notification")
    return found(await routes.by_id(record.connection, number, lock=True), "notification")


async def _shape(request: Request, route: Route, *, secret: str | None = None) -> RouteShape:
    async with house_of(request).database.read() as connection:
        counted = await outbox.counts(connection, [route.id])
    return route_shape(route, counted[route.id], secret=secret)


async def _try_again(record: Record, route: Route) -> None:
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


async def _sealed_target(request: Request, target: TargetBody) -> tuple[dict[str, Any], str | None]:
    """The columns, and the secret where it is to be shown: it was generated just now."""
    house = house_of(request)
    link, shown = await destination(target, house.outbound, house.apprise)
    place = secrets.token_hex(16)
    columns: dict[str, Any] = {"kind": target.kind, "place": place, "shown": shown, "secret": None}
    columns["target"] = house.vault.seal(link.encode(), table="routes", column="target", row=place)
    if target.kind is not Kind.WEBHOOK:
        return columns, None
    secret = target.secret or new_secret()
    columns["secret"] = house.vault.seal(secret.encode(), table="routes", column="secret", row=place)
    return columns, None if target.secret else secret


def _in_place_of(known: Route, values: dict[str, Any], vault: Vault, *, until: datetime) -> dict[str, Any]:
    """The secret before signs on for a while, bound to where the new one is; not for another server."""
    cleared = {"failing_since": None, "last_error": None, "previous_secret": None, "previous_until": None}
    if known.secret is None or values["secret"] is None:
        return cleared
    before = vault.open(known.target, table="routes", column="target", row=known.place)
    after = vault.open(values["target"], table="routes", column="target", row=values["place"])
    if urlsplit(before)[:2] != urlsplit(after)[:2]:
        return cleared
    plain = vault.open(known.secret, table="routes", column="secret", row=known.place)
    again = vault.seal(plain, table="routes", column="secret", row=values["place"])
    return {**cleared, "previous_secret": again, "previous_until": until}


def _example(wanted: Previewing, public_url: str, now: Any) -> Told:
    failed = wanted.event == "failed"
    return Told(
        key="msg_example",
        lane="execution-1",
        event=wanted.event,
        at=now,
        url=f"{public_url}/pipelines/1",
        repository="acme/shop",
        environment="production",
        branch="main",
        commit="0123456789abcdef0123456789abcdef01234567",
        commit_message="Sell more shoes",
        author="Ada Quill",
        build_number=81,
        before="DEPLOYING",
        after="FAILED" if failed else "SUCCESS",
        reason="the step Deploy to production failed" if failed else None,
        duration_seconds=100.0,
        failing_step="Deploy to production" if failed else None,
        log="checking health\nthe candidate answered 500" if failed else None,
    )


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
    Operation(
        method="POST",
        path="/api/notifications/{id}/test",
        handler=test,
        right=Right.SIGNED_IN,
        scope="operate",
        summary="Send a message that says it is a test",
        answer=MessageShape,
        status=202,
        also=(409,),
        once=True,
    ),
    Operation(
        method="POST",
        path="/api/notifications/{id}/preview",
        handler=preview,
        right=Right.SIGNED_IN,
        summary="What would be sent, of an invented execution",
        body=Previewing,
        optional=True,
        answer=PreviewShape,
    ),
    Operation(
        method="GET",
        path="/api/notifications/{id}/messages",
        handler=list_messages,
        right=Right.SIGNED_IN,
        summary="A route's messages and what became of them, newest first",
        answer=ListOf(MessageShape),
        query=(*LIST, Query("status", str, "only those", tuple(sorted(STATUSES)))),
    ),
    Operation(
        method="POST",
        path="/api/notifications/{id}/send-again",
        handler=send_again,
        right=Right.SIGNED_IN,
        scope="operate",
        summary="Send dead messages again, up to 200 of the newest",
        answer=RouteShape,
        status=202,
        once=True,
    ),
]
