"""Takes one message to where it goes: by a request, by mail, by Apprise's library.

What comes of it is told in words that name a host and an answer: nothing more of the link, nothing of what came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.apprise.way import Apprise, NotTaken, by_library
from service.mail import NOT_SET, Mail, NotSent
from service.notifications.schedule import asked_for
from service.notifications.signing import signed
from service.notifications.targets import FORMS
from service.notifications.words import Kind, Told
from service.outbound import BadTarget, Outbound, Reply, Unreachable
from service.store.outbox import Message
from service.store.routes import Route
from service.vault import Vault

GONE, NOT_FOUND = 410, 404
REFUSED = frozenset({400, 413, 422})  # the message, not the target, is what does not please


class Fault(StrEnum):
    """Whose fault it is that a message was not taken."""

    TARGET = "target"  # it does not answer, or not well: what else goes there waits too
    MESSAGE = "message"  # the target takes others; of this one's lane nothing passes it
    FINAL = "final"  # the target has said for good that it does not take this message
    GONE = "gone"  # there is nobody there any more


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try. `error` is None where it was delivered."""

    error: str | None = None
    status: int | None = None
    wait: float = 0.0
    reference: str | None = None
    fault: Fault = Fault.TARGET


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message with its bytes, ready to go. `reference` is what the target called the last one of its lane."""

    message: Message
    body: bytes = field(repr=False)
    told: Told
    reference: str | None


class Carrier:
    """Knows every way out. `mail` is None where no server for mail is set."""

    def __init__(
        self, outbound: Outbound, vault: Vault, mail: Mail | None = None, apprise: Apprise | None = None
    ) -> None:
        self._outbound = outbound
        self.vault = vault
        self._mail = mail
        self._apprise = apprise or Apprise(allow_private=False)

    async def carry(self, route: Route, parcel: Parcel, *, now: datetime) -> Outcome:
        """Within half a lease, whatever the other side does."""
        target = self.vault.open(route.target, table="routes", column="target", row=route.place).decode()
        if Kind(route.kind) is Kind.EMAIL:
            return await self._by_mail(target, parcel)
        if Kind(route.kind) is Kind.APPRISE and by_library(target):
            return await self._by_apprise(target, parcel)
        return await self._by_request(route, target, parcel, now)

    async def _by_mail(self, address: str, parcel: Parcel) -> Outcome:
        if self._mail is None:
            return Outcome(NOT_SET)
        try:
            await self._mail.send(address, parcel.body)
        except NotSent as error:
            fault = {"receiver": Fault.GONE, "message": Fault.FINAL}.get(error.refused or "", Fault.TARGET)
            return Outcome(str(error), error.status, fault=fault)
        return Outcome(status=250)

    async def _by_apprise(self, url: str, parcel: Parcel) -> Outcome:
        try:
            await self._apprise.send(url, parcel.body)
        except NotTaken as error:
            return Outcome(str(error))
        return Outcome()

    async def _by_request(self, route: Route, url: str, parcel: Parcel, now: datetime) -> Outcome:
        form = FORMS[Kind(route.kind)]
        headers = {"Content-Type": form.content_type, **self._signatures(route, parcel, now)}
        place = form.place(url, parcel.told, parcel.reference)
        try:
            reply = await self._outbound.send(place.method, place.url, headers=headers, content=parcel.body)
            if reply.status == NOT_FOUND and parcel.reference is not None:  # somebody has removed what it would change
                place = form.place(url, parcel.told, None)
                reply = await self._outbound.send(place.method, place.url, headers=headers, content=parcel.body)
        except (BadTarget, Unreachable) as error:
            return Outcome(str(error))
        if 200 <= reply.status < 300:
            return Outcome(status=reply.status, reference=form.reference(reply.body))
        return _refused(reply, now)

    def _signatures(self, route: Route, parcel: Parcel, now: datetime) -> Mapping[str, str]:
        sealed = [route.secret] if route.secret else []
        if route.previous_secret and route.previous_until and route.previous_until > now:
            sealed.append(route.previous_secret)
        secrets = [self.vault.open(one, table="routes", column="secret", row=route.place).decode() for one in sealed]
        return signed(secrets, parcel.message.webhook_id, now, parcel.body) if secrets else {}


def _refused(reply: Reply, now: datetime) -> Outcome:
    fault = Fault.GONE if reply.status == GONE else Fault.MESSAGE if reply.status in REFUSED else Fault.TARGET
    wait = asked_for({name.lower(): text for name, text in reply.headers.items()}, now)
    return Outcome(f"it answered {reply.status}", reply.status, wait, fault=fault)
