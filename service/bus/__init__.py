"""The doorbell between processes: it says that there is something new, never what.

The database is the truth. A ring that is lost costs the time until the next look, never an entry, so `wait` has a
time-out and whoever waits reads the database after it, rung or not.
"""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import Protocol


class Topic(StrEnum):
    """What may be new."""

    INBOX = "inbox"  # deliveries to process
    LOG = "log"  # entries to send
    WORK = "work"  # work to do
    LOGS = "logs"  # log text to show
    MESSAGES = "messages"  # messages to send to people


class Doorbell(Protocol):
    """One listener's bell. A ring between two waits is remembered; many of them are one."""

    async def wait(self, timeout: float) -> bool:
        """Until it rings, or `timeout` seconds; whether it rang."""

    def close(self) -> None:
        """Ends listening."""


class Bus(Protocol):
    """Rings the bells of one topic in every process that shares this bus."""

    def ring(self, *topics: Topic) -> None:
        """Never waits, never raises: to be called after the commit."""

    def subscribe(self, topic: Topic) -> Doorbell:
        """A bell for one topic: to be had before the first read, or what comes in between is missed."""

    async def close(self) -> None:
        """Ends the bus; bells stay silent from now on."""


BACKENDS = {"memory": "service.bus.memory", "postgresql": "service.bus.postgresql", "redis": "service.bus.redis"}


class UnknownBus(ValueError):
    """PENSTOCK_BUS_URL names no bus: use memory:, postgresql: or redis://host:6379/0."""


async def connect(url: str, database_url: str) -> Bus:
    """The bus that `url` names. Raises UnknownBus, or OSError where the server does not answer."""
    scheme = url.partition(":")[0]
    if scheme not in BACKENDS:
        raise UnknownBus(f"PENSTOCK_BUS_URL is {url!r}: use memory:, postgresql: or redis://host:6379/0")
    bus: Bus = await import_module(BACKENDS[scheme]).connect(url, database_url)
    return bus
