"""A running simulator, somebody who receives its deliveries, somebody who calls its REST side."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.simulator import Repository, Simulator
from service.simulator.serving import listening

SECRET = "correct horse battery staple"


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def event_key(self) -> str:
        return self.headers["x-event-key"]

    @property
    def payload(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Takes deliveries and answers them with `answers`, then with 202; None never answers."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Received] = []
        self.answers: deque[int | None] = deque()

    @property
    def event_keys(self) -> list[str]:
        return [one.event_key for one in self.received]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.received.append(Received(dict(request.headers), await request.body()))
        answer = self.answers.popleft() if self.answers else 202
        if answer is None:
            await receive()  # until the sender hangs up
            return
        await Response(status_code=answer)(scope, receive, send)


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        yield simulator


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiving = Receiver()
    async with listening(receiving) as origin:
        receiving.url = f"{origin}/hooks/1"
        yield receiving


@pytest.fixture
async def shop(bitbucket: Simulator, receiver: Receiver) -> Repository:
    """A repository whose every event goes to the receiver."""
    repository = bitbucket.repository("acme/shop", files={"README.md": "# Shop\n", "src/app.js": "start()\n"})
    repository.hook(receiver.url, secret=SECRET)
    return repository


@pytest.fixture
async def rest(bitbucket: Simulator, shop: Repository) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the shop's REST side: paths are below the repository."""
    async with httpx.AsyncClient(
        base_url=f"{bitbucket.url}/repositories/acme/shop", verify=False, trust_env=False
    ) as client:
        yield client
