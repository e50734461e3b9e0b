"""What a route was sent and what became of it; a test, a preview, and dead messages once more."""

from __future__ import annotations

import secrets
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from service.apprise.way import NOT_INSTALLED, by_library, installed
from service.mail import NOT_SET
from service.notifications.targets import FORMS
from service.notifications.words import TEST, Kind, Told
from service.store import outbox
from service.web.api.notification_bodies import MessageShape, Previewing, PreviewShape, RouteShape, message_shape
from service.web.api.notifications import locked, seen, shape_of, try_again
from service.web.call import (
    actor_of,
    answer,
    house_of,
    limit_of,
    numbered_cursor_of,
    optional_body_of,
    page,
    viewer_of,
    word_of,
)
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.problems import Problem

STATUSES = frozenset({outbox.WAITING, outbox.DELIVERED, outbox.DEAD, outbox.WITHHELD, outbox.DIGESTED})


async def test(request: Request) -> Response:
    viewer = await viewer_of(request)
    house = house_of(request)
    async with house.recorder.record() as record:
        known = await locked(request, record, viewer)
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
        await try_again(record, known)
        [message] = await outbox.page(record.connection, known.id, before=None, limit=1)
        record.audit(actor_of(request, viewer), "notification.tested", f"notification {known.id}")
    return answer(message_shape(message), 202)


async def preview(request: Request) -> Response:
    house = house_of(request)
    known = await seen(request)
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
    known = await seen(request)
    limit, before = limit_of(request), numbered_cursor_of(request)
    status = word_of(request, "status", STATUSES)
    async with house_of(request).database.read() as connection:
        listed = await outbox.page(connection, known.id, before=before, limit=limit + 1, status=status)
    return page([message_shape(one) for one in listed], limit, [one.id for one in listed])


async def send_again(request: Request) -> Response:
    """Dead letters are made to wait once more, with their bytes and names as they were."""
    viewer = await viewer_of(request)
    async with house_of(request).recorder.record() as record:
        known = await locked(request, record, viewer)
        dead = await outbox.page(record.connection, known.id, before=None, limit=200, status=outbox.DEAD)
        values = {"status": outbox.WAITING, "due_at": record.now, "tries": 0, "error": None}
        if dead:
            await outbox.change(record.connection, [one.id for one in dead], **values)
            await try_again(record, known)
        record.audit(
            actor_of(request, viewer), "notification.sent_again", f"notification {known.id}", messages=len(dead)
        )
    return answer(await shape_of(request, known), 202)


def _example(wanted: Previewing, public_url: str, now: datetime) -> Told:
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
