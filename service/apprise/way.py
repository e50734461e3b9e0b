"""The way out by Apprise's library: one process a message, given up in time.

The URL goes in by a pipe; no command line and no environment has it. Nothing of it comes back: what the library says
of a failure is masked before that.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from importlib.util import find_spec

import msgspec

from service.addresses import BadTarget
from service.apprise.order import Answer, Message, Order
from service.outbound import PORTS

SECONDS = 30.0  # for all of one message, the wait for its turn included
AT_ONCE = 4  # processes
MOST_BYTES = 4096  # of an answer

NOT_INSTALLED = (
    "Apprise's library is not installed here: `pip install 'penstock[apprise]'` and start the service anew, "
    "or give the https:// link of an Apprise server's API"
)


class NotTaken(Exception):
    """The library did not deliver it. The text names nothing of the URL."""


def by_library(url: str) -> bool:
    """Whether the URL, or what is shown of it, is for the library: a web link is that of an Apprise server's API."""
    return bool(scheme_of(url)) and scheme_of(url) not in ("http", "https")


def scheme_of(url: str) -> str:
    """Empty where it is no URL. All of one that may be shown: a host may be a token, or the name of a secret topic."""
    scheme, sign, _ = url.partition("://")
    return scheme.lower() if sign else ""


def installed() -> bool:
    return find_spec("apprise") is not None


class Apprise:
    """The way out by the library. `allow_private` is PENSTOCK_ALLOW_PRIVATE_TARGETS."""

    def __init__(self, *, allow_private: bool, seconds: float = SECONDS) -> None:
        self._ports = None if allow_private else sorted(PORTS)
        self._seconds = seconds
        self._room = asyncio.Semaphore(AT_ONCE)

    async def check(self, url: str) -> None:
        """Raises BadTarget, with what a person can do about it, for a URL by which nothing would be sent.

        Nothing is sent to find out.
        """
        if error := await self._carried_out(url, None):
            raise BadTarget(error)

    async def send(self, url: str, body: bytes) -> None:
        """Delivers a composed message. Raises NotTaken."""
        if error := await self._carried_out(url, body):
            raise NotTaken(error)

    async def _carried_out(self, url: str, body: bytes | None) -> str | None:
        if not installed():
            return NOT_INSTALLED
        message = None if body is None else msgspec.json.decode(body, type=Message)
        order = Order(url=url, ports=self._ports, seconds=self._seconds, message=message)
        try:
            async with asyncio.timeout(self._seconds), self._room:
                return _read(await _run(msgspec.json.encode(order)))
        except TimeoutError:
            return f"Apprise was not done within {self._seconds:g} seconds"


async def _run(order: bytes) -> bytes:
    """What the child says to the order. It does not outlive the wait for it."""
    command = (sys.executable, "-P", "-m", "service.apprise.child")
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environment())
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with suppress(ConnectionError):  # it has ended already: its answer is missing, which is told
            child.stdin.write(order)
            await child.stdin.drain()
        child.stdin.close()
        said = b""
        while len(said) <= MOST_BYTES and (more := await child.stdout.read(MOST_BYTES)):
            said += more
        if len(said) <= MOST_BYTES:
            await child.wait()
        return said
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()


def _read(said: bytes) -> str | None:
    try:
        return msgspec.json.decode(said[: MOST_BYTES + 1], type=Answer).error
    except msgspec.DecodeError:
        return "Apprise ended without an answer"


def _environment() -> dict[str, str]:
    """Our modules and nothing else: no secret, no proxy, no home with passwords in it."""
    return {"PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path), "HOME": os.devnull}
