"""Faults of the REST side, carried out at the socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.simulator.rest.faults import RouteFault
from service.simulator.serving import TRANSPORT

if TYPE_CHECKING:
    from service.simulator.simulator import Simulator

BASE = "/2.0"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """What a caller has asked: for assertions about calls and budgets.

    `path` is below `/2.0`, decoded; `status` is None where the connection was cut.
    """

    method: str
    path: str
    query: str
    status: int | None


class Mischief:
    """Meets every request first: notes it down, and misbehaves if it was told to."""

    def __init__(self, app: ASGIApp, bitbucket: Simulator) -> None:
        self._app = app
        self._bitbucket = bitbucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(BASE)
        fault = self._bitbucket.route_faults.take(scope["method"], path)
        statuses: list[int] = []

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                date = (b"date", format_datetime(self._bitbucket.clock.now(), usegmt=True).encode())
                message = {**message, "headers": [*message.get("headers", ()), date]}
            await send(message)

        try:
            await self._answer(fault, scope, receive, noting)
        finally:
            status = statuses[0] if statuses else None
            query = scope["query_string"].decode()
            self._bitbucket.requests.append(ReceivedRequest(scope["method"], path, query, status))

    async def _answer(self, fault: RouteFault | None, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.cut:
            await _hang_up(scope, receive)
        elif fault.status is not None:
            await Response(fault.body, fault.status, fault.headers)(scope, receive, send)
        elif fault.truncated:
            await self._app(scope, receive, _halving(send))
            await _hang_up(scope, receive)
        else:
            await asyncio.sleep(fault.delay_seconds)
            await self._app(scope, receive, send)


def _halving(send: Send) -> Send:
    """Announce the whole body, send its first half, never say that it is complete."""

    async def half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body: bytes = message.get("body", b"")
            message = {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return half


async def _hang_up(scope: Scope, receive: Receive) -> None:
    transport: Any = scope[TRANSPORT]
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
