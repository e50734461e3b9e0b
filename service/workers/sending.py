"""Sends what waits in the outbox: many routes at once, the messages of one route one after the other.

A route is leased, not a message: so its messages leave in order, one that hangs holds up its own route alone, and what
a dead worker had is taken over. A message's bytes are written down before its first try, so that every try has the
same. A target that does not answer holds up all that goes there, without using up their tries; one that refuses a
message (400, 413, 422) holds up what comes after it about the same thing.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

from service.approving import token_for
from service.bus import Topic
from service.failpoints import fail_point
from service.notifications.schedule import pause_after
from service.notifications.targets import FORMS
from service.notifications.wording import Wordings
from service.notifications.words import TEST, Event, Kind, Told
from service.recorder import Record, Recorder
from service.reporting import told_of
from service.store import accounts, executions, outbox, routes
from service.store.outbox import Message
from service.store.routes import Route
from service.workers.carrying import Carrier, Fault, Outcome, Parcel
from service.workers.gathering import NOT_SEEN, hold_back, may_know, taken_apart
from service.workers.rounds import keep_going
from service.workers.together import Together

LEASE = 60.0  # seconds, made longer with each message
MOST_AT_ONCE = 500  # routes


class Sender:
    """Goes on until it is cancelled."""

    def __init__(self, recorder: Recorder, carrier: Carrier, public_url: str, wordings: Wordings | None = None) -> None:
        self._recorder = recorder
        self._writes = Together(recorder)
        self._carrier = carrier
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
            await self._writes.close()

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
        begun = await self._writes.do(partial(self._begin, route_id))
        while begun is not None:
            route, parcel = begun
            fail_point("message.sending")
            outcome = await self._carrier.carry(route, parcel, now=self._recorder.now())
            fail_point("message.sent")
            begun = await self._writes.do(partial(self._go_on, route, parcel, outcome))

    async def _begin(self, route_id: int, record: Record) -> tuple[Route, Parcel] | None:
        route = await routes.lease(record.connection, route_id, now=record.now, seconds=LEASE)
        parcel = await self._next(record, route) if route is not None else None
        return (route, parcel) if route is not None and parcel is not None else None

    async def _go_on(
        self, route: Route, parcel: Parcel, outcome: Outcome, record: Record
    ) -> tuple[Route, Parcel] | None:
        """Writes down what came of one message, and begins with the next."""
        known = await routes.held(record.connection, route, now=record.now, seconds=LEASE)
        if known is None:  # somebody else has taken it over: what came of it is his to find out
            return None
        goes_on = await self._settle(record, known, parcel.message, outcome)
        following = await self._next(record, known) if goes_on else None
        return (known, following) if following is not None else None

    async def _next(self, record: Record, route: Route) -> Parcel | None:
        """The next message with its bytes, its try counted. None where there is none: the lease is given back."""
        message = None if route.paused else await self._next_message(record, route)
        if message is None:
            await routes.release(record.connection, route, due_at=await outbox.due_at(record.connection, route.id))
            return None
        told = await self._decidable(record, message, await told_of(record.connection, message, self._public_url))
        body = message.body or FORMS[Kind(route.kind)].compose(told, self._wordings.of(told))
        values = {"body": body, "tries": message.tries + 1, "tried_at": record.now}
        await outbox.change(record.connection, [message.id], **values)
        return Parcel(message, body, told, await outbox.reference_of(record.connection, message))

    async def _decidable(self, record: Record, message: Message, told: Told) -> Told:
        """With the link by which its reader decides, as long as it is waited for: the link expires with the wait."""
        if message.event != Event.WAITING_APPROVAL or message.execution_id is None:
            return told
        execution = await executions.by_id(record.connection, message.execution_id)
        if execution is None or execution.waits_for != "approval" or execution.deadline_at is None:
            return told
        token = token_for(self._carrier.vault, execution.id, execution.deadline_at)
        link = f"{self._public_url}/approvals/{execution.id}?token={token}"
        return replace(told, more={**told.more, "decide_url": link})

    async def _next_message(self, record: Record, route: Route) -> Message | None:
        """What the owner may no longer know is withheld on the way."""
        owner = await routes.owner_of(record.connection, route)
        sees = await accounts.visible_repositories(record.connection, owner)
        while True:
            await hold_back(record, route, sees)
            message = await outbox.next_of(record.connection, route.id, now=record.now)
            if message is None or (may_know(message, sees) and not await taken_apart(record, message, sees)):
                return message
            if not may_know(message, sees):
                await outbox.change(record.connection, [message.id], status=outbox.WITHHELD, error=NOT_SEEN)

    async def _settle(self, record: Record, route: Route, message: Message, outcome: Outcome) -> bool:
        """Writes down what came of it; whether the route goes on to its next message."""
        if outcome.error is not None:
            return await self._failed(record, route, message, outcome)
        delivered = {"status": outbox.DELIVERED, "delivered_at": record.now, "error": None}
        told = {"answer": outcome.status, "reference": outcome.reference}
        await outbox.change(record.connection, [message.id], **delivered, **told)
        if route.failing_since is not None and message.event == TEST:  # it is back: what waits for that need not go on
            await outbox.hurry(record.connection, route.id, now=record.now)
        well = {"failing_since": None, "last_error": None, "last_delivered_at": record.now}
        await routes.change(record.connection, route.id, **well)
        return True

    async def _failed(self, record: Record, route: Route, message: Message, outcome: Outcome) -> bool:
        at_once = outcome.fault in (Fault.GONE, Fault.FINAL)
        pause = None if at_once else pause_after(message.tries + 1)
        alone = outcome.fault in (Fault.MESSAGE, Fault.FINAL)
        told = {"error": outcome.error, "answer": outcome.status}
        if pause is None:
            await outbox.change(record.connection, [message.id], status=outbox.DEAD, **told)
            await self._given_up(record, route, message, outcome, paused=not alone)
            return alone
        due_at = record.now + timedelta(seconds=max(pause, outcome.wait))
        await outbox.change(record.connection, [message.id], due_at=due_at, **told)
        if alone:
            await routes.change(record.connection, route.id, last_error=outcome.error)
            return True
        since = route.failing_since or record.now
        await routes.release(record.connection, route, due_at=due_at, failing_since=since, last_error=outcome.error)
        return False

    async def _given_up(
        self, record: Record, route: Route, message: Message, outcome: Outcome, *, paused: bool
    ) -> None:
        """Says so, to whoever watches."""
        why = {
            Fault.GONE: f"{outcome.error}: it is gone",
            Fault.FINAL: outcome.error,
        }.get(outcome.fault, f"for a day {outcome.error}")
        if paused:
            stopped = {"paused": True, "paused_reason": why, "last_error": outcome.error}
            await routes.release(record.connection, route, due_at=record.now, **stopped)
        about = {"notification_id": route.id, "message_id": message.id, "reason": why, "paused": paused}
        record.log("notification.failed", about, repository_id=message.repository_id)
