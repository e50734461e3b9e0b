"""The webhook inbox: what came, what became of it, and once more from the beginning."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.bitbucket.deliveries import parse
from service.bus import Topic
from service.store import deliveries
from service.store.accounts import Viewer
from service.store.deliveries import Delivery
from service.web.api.shapes import (
    DeliveryDetail,
    DeliveryShape,
    EventShape,
    ReplayShape,
    VerdictShape,
    delivery_shape,
    extended,
)
from service.web.call import (
    actor_of,
    answer,
    bad_cursor,
    cursor_of,
    flag_of,
    house_of,
    limit_of,
    number_of,
    page,
    text_of,
    viewer_of,
    word_of,
)
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.ownership import require_operator
from service.web.problems import Problem, not_found

STATUSES = frozenset({"accepted", "processed", "failed", "dead"})

ID = re.compile(r"[0-9a-f]{32}\Z")


async def list_deliveries(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, before = limit_of(request), cursor_of(request)
    if before is not None and not ID.match(before):
        raise bad_cursor()
    async with house_of(request).database.read() as connection:
        found = await deliveries.page(
            connection,
            viewer,
            before=before,
            limit=limit + 1,
            status=word_of(request, "status", STATUSES),
            event_key=text_of(request, "event_key"),
            repository_id=number_of(request, "repository_id"),
        )
    return page([delivery_shape(delivery) for delivery in found], limit, [delivery.id for delivery in found])


async def show(request: Request) -> Response:
    viewer = await viewer_of(request)
    async with house_of(request).database.read() as connection:
        delivery = await _seen(connection, viewer, request)
    return answer(
        extended(
            DeliveryDetail,
            delivery_shape(delivery),
            tries=delivery.tries,
            verdicts=[VerdictShape(**verdict) for verdict in delivery.verdicts],
            payload=msgspec.Raw(delivery.body) if delivery.body is not None else None,
        )
    )


async def replay(request: Request) -> Response:
    """Puts it back into the inbox. What it says is known already moves nothing: observations count once."""
    viewer = await viewer_of(request)
    house = house_of(request)
    dry_run = flag_of(request, "dry_run")
    async with house.recorder.record() as record:
        delivery = await _seen(record.connection, viewer, request)
        await require_operator(record.connection, viewer, delivery.repository_id)
        if delivery.body is None:
            raise Problem(409, "its body is no longer kept, so it cannot be processed again")
        if dry_run:
            return answer(ReplayShape(delivery.id, events=_events(delivery)))
        await deliveries.replay(record.connection, delivery.id, record.now)
        record.audit(actor_of(request, viewer), "delivery.replayed", f"delivery {delivery.id}")
        record.ring(Topic.INBOX)
    return answer(ReplayShape(delivery.id, "accepted"), 202)


operations = [
    Operation(
        method="GET",
        path="/api/deliveries",
        handler=list_deliveries,
        right=Right.SIGNED_IN,
        summary="The webhook inbox, the newest first",
        answer=ListOf(DeliveryShape),
        query=(*LIST, Query("status", words=tuple(STATUSES)), Query("event_key"), Query("repository_id", int)),
    ),
    Operation(
        method="GET",
        path="/api/deliveries/{id}",
        handler=show,
        right=Right.SEE,
        summary="A delivery with its verdicts and its payload",
        answer=DeliveryDetail,
    ),
    Operation(
        method="POST",
        path="/api/deliveries/{id}/replay",
        handler=replay,
        right=Right.OPERATE,
        summary="Process a delivery once more; what it says is known already moves nothing",
        answer=ReplayShape,
        status=202,
        query=(Query("dry_run", bool, meaning="only say what it holds (200)"),),
        also=(409,),
        plan=ReplayShape,
        once=True,
    ),
]


def _events(delivery: Delivery) -> list[EventShape]:
    read = parse(delivery.event_key, delivery.body or b"")
    return [EventShape(type(event).__name__, event.ref) for event in read]


async def _seen(connection: Any, viewer: Viewer, request: Request) -> Delivery:
    number = request.path_params["id"]
    delivery = await deliveries.seen_by(connection, viewer, number) if ID.match(number) else None
    if delivery is None:
        raise not_found("delivery")
    return delivery
