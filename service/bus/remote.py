"""A doorbell between processes over one connection: what PostgreSQL's bus shares with Redis's."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from service.bus import Topic
from service.bus.memory import Bell, MemoryBus

log = logging.getLogger(__name__)

CHANNEL = "penstock"

# Seconds. A line that has been silent for IDLE says an empty word, and its echo must come back within ECHO: a
# connection that died without a word, behind a firewall for example, is found by this and by nothing else.
IDLE = 15.0
ECHO = 5.0
FIRST_BACK_OFF = 0.1
LONGEST_BACK_OFF = 10.0


class Line(Protocol):
    """One connection that speaks on the channel. Everything said on it, by this process too, is heard."""

    async def say(self, text: str) -> None:
        """Raises any exception when the line is broken."""


Hear = Callable[[str], None]
Lose = Callable[[], None]
Dial = Callable[[Hear, Lose], AbstractAsyncContextManager[Line]]


class RemoteBus:
    """Rings here at once, and everywhere else as soon as the line is free.

    At most one message is under way; what rings meanwhile merges into the next one. When the line breaks it is dialled
    again, with back-off, and then every bell here rings: whatever was missed is found by looking.
    """

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._name = secrets.token_hex(8)
        self._here = MemoryBus()
        self._unsaid: set[Topic] = set()
        self._something_to_say = asyncio.Event()
        self._echo = asyncio.Event()
        self._lost = False
        self._closed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    def ring(self, *topics: Topic) -> None:
        self._here.ring(*topics)
        self._unsaid.update(topics)
        self._something_to_say.set()

    def subscribe(self, topic: Topic) -> Bell:
        return self._here.subscribe(topic)

    async def open(self) -> None:
        """Raises OSError where the server does not answer or lets nobody in."""
        connected = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(self._keep(connected), name="bus")
        await connected

    async def close(self) -> None:
        self._closed.set()
        self._lose()
        if self._keeping is not None:
            self._keeping.cancel()  # may be swallowed by a driver that is just connecting: hence the flag
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._here.close()

    async def _keep(self, connected: asyncio.Future[None]) -> None:
        back_off = FIRST_BACK_OFF
        while not self._closed.is_set():
            try:
                self._lost = self._closed.is_set()
                async with self._dial(self._hear, self._lose) as line:
                    if connected.done():
                        log.info("bus.connected")
                    else:
                        connected.set_result(None)
                    back_off = FIRST_BACK_OFF
                    self._here.ring(*Topic)  # after listening has begun: a look before it would miss what comes between
                    await self._speak(line)
            except Exception as error:  # the drivers raise many kinds, and the answer to all is to dial again
                if not connected.done():
                    connected.set_exception(ConnectionError(f"the bus does not answer: {error!r}"))
                    return
                if self._closed.is_set():
                    return
                log.warning("bus.lost error=%r back_off=%.1f", error, back_off)
            await asyncio.sleep(back_off * random.uniform(0.5, 1.0))  # noqa: S311 - spreads replicas, hides nothing
            back_off = min(back_off * 2, LONGEST_BACK_OFF)

    async def _speak(self, line: Line) -> None:
        """Until the line is lost."""
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    await self._something_to_say.wait()
            except TimeoutError:
                pass  # an empty word, to hear its echo
            self._check()
            self._something_to_say.clear()
            topics, self._unsaid = self._unsaid, set()
            try:
                async with asyncio.timeout(ECHO):
                    self._echo.clear()
                    await line.say(" ".join((self._name, *topics)))
                    await self._echo.wait()
                self._check()
            except BaseException:  # who should have heard it is told on the next line
                self._unsaid |= topics
                self._something_to_say.set()
                raise

    def _hear(self, text: str) -> None:
        name, *topics = text.split(" ")
        if name == self._name:
            self._echo.set()  # rung here already
        else:
            # a topic that this version does not know is another version's, in the middle of an upgrade
            self._here.ring(*(Topic(topic) for topic in topics if topic in set(Topic)))

    def _check(self) -> None:
        if self._lost:
            raise ConnectionError("the connection was closed")

    def _lose(self) -> None:
        self._lost = True
        self._echo.set()
        self._something_to_say.set()
