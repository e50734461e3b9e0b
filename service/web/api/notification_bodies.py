"""What goes into and comes out of the operations on notification routes."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from service.addresses import LONGEST, NotFound
from service.apprise.way import Apprise, by_library, scheme_of
from service.notifications.quiet import BadHours, read_quiet_hours
from service.notifications.signing import BadSecret, key_of
from service.notifications.words import USUAL, Event, Kind
from service.outbound import BadTarget, Outbound
from service.store.outbox import Message
from service.store.routes import Route
from service.web.problems import Problem
from service.web.words import PRINTABLE, Id, Name, Text

Link = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST, pattern=PRINTABLE)]


class FilterBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a route asks for; without a field it takes everything. `branch` may be a pattern, as `release/*`.

    Without `events`: succeeded, failed, rolled_back, waiting_approval, held. `only_changes`: of two equal outcomes in
    a row, on one environment and branch, only the first is told.
    """

    repository_id: Id | None = None
    pipeline_id: Id | None = None
    environment: Text | None = None
    branch: Text | None = None
    events: Annotated[list[Event], msgspec.Meta(min_length=1, max_length=len(Event))] | None = None
    only_changes: bool = False


class TargetBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where messages go: `address` for an email, `url` for the others; never shown again but for the host.

    An `apprise` takes the https:// link of an Apprise server's API, or any URL by which Apprise's library reaches a
    service over https, of which only the scheme is shown.
    `secret` is what a webhook is signed with, `whsec_…`; without one it is generated and shown once.
    """

    kind: Kind
    url: Link | None = None
    address: Text | None = None
    secret: Text | None = None

    def __repr__(self) -> str:
        return f"TargetBody({self.kind!r})"


class QuietHoursBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename={"from_": "from"}):
    """Messages of these hours are told when they are over: `{"from": "22:00", "to": "07:00", "timezone": …}`."""

    from_: Text
    to: Text
    timezone: Text = "UTC"


Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]


class NewRoute(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A route: what is told, and to whom. With `digest_minutes`, messages are gathered for so long into one."""

    name: Name
    target: TargetBody
    filter: FilterBody = msgspec.field(default_factory=FilterBody)
    paused: bool = False
    quiet_hours: QuietHoursBody | None = None
    digest_minutes: Minutes | None = None


class RouteChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Any subset. A `target` is replaced whole; a new `secret` of a webhook signs beside the one before for 24 h."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    target: TargetBody | msgspec.UnsetType = msgspec.UNSET
    filter: FilterBody | msgspec.UnsetType = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    quiet_hours: QuietHoursBody | msgspec.UnsetType | None = msgspec.UNSET
    digest_minutes: Minutes | msgspec.UnsetType | None = msgspec.UNSET


class Previewing(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which event the example is of."""

    event: Event = Event.FAILED


class TargetShape(msgspec.Struct, frozen=True, kw_only=True):
    """What of a target may be read. `secret` is there only where it is new: it is shown once."""

    kind: str
    shown: str
    secret_set: bool
    secret: str | None = None


class RouteShape(msgspec.Struct, frozen=True, kw_only=True):
    """A route. `paused_reason` is why it was paused by itself, `failing_since` when its target last took something in
    vain; `waiting` and `dead` count its messages."""

    id: int
    name: str
    target: TargetShape
    filter: dict[str, Any]
    paused: bool
    paused_reason: str | None
    quiet_hours: dict[str, Any] | None
    digest_minutes: int | None
    failing_since: datetime | None
    last_error: str | None
    last_delivered_at: datetime | None
    waiting: int
    dead: int
    created_at: datetime
    updated_at: datetime


class MessageShape(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what became of it. `status` is waiting, delivered, dead, withheld or digested."""

    id: int
    event: str
    at: datetime
    status: str
    tries: int
    answer: int | None
    error: str | None
    webhook_id: str
    pipeline_id: int | None
    execution_id: int | None
    due_at: datetime | None
    delivered_at: datetime | None


class PreviewShape(msgspec.Struct, frozen=True, kw_only=True):
    """What would be sent: `content` is the body as text. `warning` says why an own template is not used."""

    event: str
    title: str
    content_type: str
    content: str
    warning: str | None


async def destination(target: TargetBody, outbound: Outbound, apprise: Apprise) -> tuple[str, str]:
    """(where to send, what of it may be shown). Raises a 422 that names the field and repeats no link."""
    wanted, other = ("address", "url") if target.kind is Kind.EMAIL else ("url", "address")
    value = getattr(target, wanted)
    errors = [] if value else [(f"target.{wanted}", f"{target.kind} needs it")]
    if getattr(target, other) is not None:
        errors.append((f"target.{other}", f"not a field of {target.kind}"))
    if target.secret is not None and target.kind is not Kind.WEBHOOK:
        errors.append(("target.secret", "only a webhook is signed"))
    if errors:
        raise Problem(422, f"this is no target of the kind {target.kind}", errors=errors)
    if target.secret is not None:
        _check_secret(target.secret)
    if target.kind is Kind.EMAIL:
        return value, _address(value)
    library = target.kind is Kind.APPRISE and by_library(value)
    try:
        await (apprise if library else outbound).check(value)
    except NotFound:
        pass  # perhaps later: it is looked up again whenever something is sent
    except BadTarget as error:
        raise Problem(422, str(error), errors=[("target.url", str(error))]) from None
    return value, f"{scheme_of(value)}://…" if library else f"{urlsplit(value).scheme}://{urlsplit(value).hostname}/…"


def _check_secret(secret: str) -> None:
    try:
        key_of(secret)
    except BadSecret as error:
        raise Problem(422, str(error), errors=[("target.secret", str(error))]) from None


def _address(text: str) -> str:
    try:
        address = Address(addr_spec=text)
        if "." not in address.domain or not text.isascii():
            raise ValueError
    except (ValueError, IndexError, AttributeError):
        told = "not an e-mail address: such as team@example.com"
        raise Problem(422, told, errors=[("target.address", told)]) from None
    return text


def quiet_hours(body: QuietHoursBody | None) -> dict[str, Any] | None:
    """As it is stored. Raises a 422."""
    if body is None:
        return None
    stored: dict[str, Any] = msgspec.to_builtins(body)
    try:
        read_quiet_hours(stored)
    except BadHours as error:
        raise Problem(422, str(error), errors=[(f"quiet_hours.{error.field}", str(error))]) from None
    return stored


def stored_filter(body: FilterBody) -> dict[str, Any]:
    """Without the fields that take everything."""
    found: dict[str, Any] = msgspec.to_builtins(body)
    return {name: value for name, value in found.items() if value is not None}


def route_shape(route: Route, counted: dict[str, int], *, secret: str | None = None) -> RouteShape:
    return RouteShape(
        id=route.id,
        name=route.name,
        target=TargetShape(kind=route.kind, shown=route.shown, secret_set=route.secret is not None, secret=secret),
        filter={**route.filter, "events": route.filter.get("events") or list(USUAL)},
        paused=route.paused,
        paused_reason=route.paused_reason,
        quiet_hours=route.quiet_hours,
        digest_minutes=route.digest_minutes,
        failing_since=route.failing_since,
        last_error=route.last_error,
        last_delivered_at=route.last_delivered_at,
        waiting=counted.get("waiting", 0),
        dead=counted.get("dead", 0),
        created_at=route.created_at,
        updated_at=route.updated_at,
    )


def message_shape(message: Message) -> MessageShape:
    return MessageShape(
        id=message.id,
        event=message.event,
        at=message.at,
        status=message.status,
        tries=message.tries,
        answer=message.answer,
        error=message.error,
        webhook_id=message.webhook_id,
        pipeline_id=message.pipeline_id,
        execution_id=message.execution_id,
        due_at=message.due_at if message.status == "waiting" else None,
        delivered_at=message.delivered_at,
    )
