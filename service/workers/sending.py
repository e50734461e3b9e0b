"""Sends what waits in the outbox: many routes at once, the messages of one route one after the other.

A route is leased, not a message: so its messages leave in order, one that hangs holds up its own route alone, and what
a dead worker had is taken over. A message's bytes are written down before its first try, so that every try has the
same. A target that does not answer holds up all that goes there, without using up their tries; one that refuses a
message (400, 413, 422) holds up what comes after it about the same thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from service.bus import Topic
from service.notifications.schedule import asked_for, pause_after
from service.notifications.signing import signed
from service.notifications.targets import FORMS, Form
from service.notifications.targets.form import Place
from service.notifications.wording import Wordings
from service.notifications.words import Kind, Told
from service.outbound import BadTarget, Outbound, Unreachable
from service.recorder import Record, Recorder
from service.reporting import told_of
from service.store import accounts, outbox, routes
from service.store.outbox import Message
from service.store.routes import Route
from service.vault import Vault
from service.workers.rounds import keep_going

LEASE = 60.0  # seconds, made longer with each message
MOST_AT_ONCE = 200  # routes
REFUSED = frozenset({400, 413, 422})  # the message, not the target, is what does not please
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try. `error` is None where it was delivered, and holds nothing of the link but its host."""

    error: str | None = None
    status: int | None = None
    wait: float = 0.0
    reference: str | None = None


class Sender:
    """Goes on until it is cancelled."""

    def __init__(
        self, recorder: Recorder, outbound: Outbound, vault: Vault, public_url: str, wordings: Wordings | None = None
    ) -> None:
        self._recorder = recorder
        self._outbound = outbound
        self._vault = vault
        self._public_url = public_url
        self._wordings = wordings or Wordings()
        self._serving: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        try:
            await keep_going(self._recorder.bus, Topic.MESSAGES, self.do_next)
        finally:
            for task in self._serving.values():
                task.cancel()
            await asyncio.gather(*self._serving.values(), return_exceptions=True)

    async def do_next(self) -> bool:
        """Begins with every route that is due and not being served yet. Never says that there is more: bells do."""
        room = MOST_AT_ONCE - len(self._serving)
        if room <= 0:
            return False
        async with self._recorder.database.read() as connection:
            due = await routes.due(connection, now=self._recorder.now(), besides=list(self._serving), limit=room)
        for route_id in due:
            task = asyncio.create_task(self.serve(route_id))
            self._serving[route_id] = task
            task.add_done_callback(partial(self._done, route_id))
        return False

    def _done(self, route_id: int, task: asyncio.Task[None]) -> None:
        self._serving.pop(route_id, None)
        if not task.cancelled():
            task.exception()  # its lease runs out, and the route is taken up again

    async def serve(self, route_id: int) -> None:
        """Sends what the route may send now, then gives it back."""
        async with self._recorder.record() as record:
            route = await routes.lease(record.connection, route_id, now=record.now, seconds=LEASE)
        while route is not None and (begun := await self._begin(route)) is not None:
            message, body, form, place = begun
            outcome = await self._send(route, message, body, form, place)
            if not await self._settle(route, message, outcome):
                return

    async def _begin(self, route: Route) -> tuple[Message, bytes, Form, Place] | None:
        """The next message with its bytes, its try counted. None where there is none: the lease is given back."""
        form = FORMS[Kind(route.kind)]
        async with self._recorder.record() as record:
            if not await routes.held(record.connection, route, now=record.now, seconds=LEASE):
                return None
            owner = await routes.owner_of(record.connection, route)
            seen = await accounts.visible_repositories(record.connection, owner)
            while (message := await outbox.next_of(record.connection, route.id, now=record.now)) is not None:
                if seen is None or message.repository_id in seen or message.repository_id is None:
                    break
                because = {"error": "the route's owner may no longer see the repository"}
                await outbox.change(record.connection, [message.id], status=outbox.WITHHELD, **because)
            if message is None:
                due_at = await outbox.due_at(record.connection, route.id)
                await routes.release(record.connection, route, due_at=due_at)
                return None
            told = await told_of(record.connection, message, self._public_url)
            body = message.body or form.compose(told, self._wordings.of(told))
            values = {"body": body, "tries": message.tries + 1, "tried_at": record.now}
            await outbox.change(record.connection, [message.id], **values)
            reference = await outbox.reference_of(record.connection, message)
        return message, body, form, self._place(route, form, told, reference)

    def _place(self, route: Route, form: Form, told: Told, reference: str | None) -> Place:
        url = self._vault.open(route.target, table="routes", column="target", row=route.place).decode()
        return form.place(url, told, reference)

    async def _send(self, route: Route, message: Message, body: bytes, form: Form, place: Place) -> Outcome:
        headers = {"Content-Type": form.content_type, **self._signatures(route, message, body)}
        try:
            reply = await self._outbound.send(place.method, place.url, headers=headers, content=body)
        except (BadTarget, Unreachable) as error:
            return Outcome(str(error))
        if 200 <= reply.status < 300:
            return Outcome(status=reply.status, reference=form.reference(reply.body))
        wait = asked_for(_lower(reply.headers), self._recorder.now())
        return Outcome(f"it answered {reply.status}", reply.status, wait)

    def _signatures(self, route: Route, message: Message, body: bytes) -> Mapping[str, str]:
        now = self._recorder.now()
        sealed = [route.secret] if route.secret else []
        if route.previous_secret and route.previous_until and route.previous_until > now:
            sealed.append(route.previous_secret)
        secrets = [self._vault.open(one, table="routes", column="secret", row=route.place).decode() for one in sealed]
        return signed(secrets, message.webhook_id, now, body) if secrets else {}

    async def _settle(self, route: Route, message: Message, outcome: Outcome) -> bool:
        """Writes down what came of it; whether the route goes on to its next message."""
        async with self._recorder.record() as record:
            if not await routes.held(record.connection, route, now=record.now, seconds=LEASE):
                return False
            if outcome.error is None:
                delivered = {"status": outbox.DELIVERED, "delivered_at": record.now, "error": None}
                told = {"answer": outcome.status, "reference": outcome.reference}
                await outbox.change(record.connection, [message.id], **delivered, **told)
                well = {"failing_since": None, "last_error": None, "last_delivered_at": record.now}
                await routes.change(record.connection, route.id, **well)
                return True
            return await self._failed(record, route, message, outcome)

    async def _failed(self, record: Record, route: Route, message: Message, outcome: Outcome) -> bool:
        pause = None if outcome.status == GONE else pause_after(message.tries + 1)
        told = {"error": outcome.error, "answer": outcome.status}
        if pause is None:
            await outbox.change(record.connection, [message.id], status=outbox.DEAD, **told)
            why = "it answered 410: it is gone" if outcome.status == GONE else f"for a day {outcome.error}"
            alone = outcome.status in REFUSED
            if not alone:
                stopped = {"paused": True, "paused_reason": why, "last_error": outcome.error}
                await routes.release(record.connection, route, due_at=record.now, **stopped)
            about = {"notification_id": route.id, "message_id": message.id, "reason": why, "paused": not alone}
            record.log("notification.failed", about, repository_id=message.repository_id)
            return alone
        due_at = record.now + timedelta(seconds=max(pause, outcome.wait))
        await outbox.change(record.connection, [message.id], due_at=due_at, **told)
        if outcome.status in REFUSED:
            await routes.change(record.connection, route.id, last_error=outcome.error)
            return True
        current = await routes.by_id(record.connection, route.id)
        since = (current.failing_since if current else None) or record.now
        await routes.release(record.connection, route, due_at=due_at, failing_since=since, last_error=outcome.error)
        return False


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): text for name, text in headers.items()}
