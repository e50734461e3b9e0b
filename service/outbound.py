"""Requests to where people say they should go: webhooks, chat rooms, health checks.

The address is checked when the link is saved and again, with what the name leads to by then, whenever something is
sent; the connection goes to the checked address under the server's name. Redirects are answers, not followed. Neither
what comes back nor how long it takes is up to the other side.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from service.addresses import BadTarget, NotFound, Target, checked
from service.client.exchange import NoReply, Reply, exchange, pool, public_trust

PORTS = frozenset({443, 8443})
SECONDS = 10.0
MOST_BYTES = 16 * 1024

PER_HOST = 4  # connections
MOST_HOSTS = 256  # whose connections are kept


class Unreachable(Exception):
    """There was no usable answer: later it may go well. `unsent`: the request cannot have arrived."""

    def __init__(self, why: str, *, unsent: bool = False) -> None:
        super().__init__(why)
        self.unsent = unsent


@dataclass(slots=True)
class _Host:
    """The connections to one server, under its name: those of two names at one address are never mixed up."""

    http: httpx.AsyncClient
    using: int = field(default=0)


class Outbound:
    """The one way out for links that people gave.

    `allow_private` is PENSTOCK_ALLOW_PRIVATE_TARGETS; `tls` says whose certificates count, the public ones without it.
    """

    def __init__(self, *, allow_private: bool, tls: ssl.SSLContext | None = None) -> None:
        self._allow_private = allow_private
        self._hosts: OrderedDict[tuple[str, str], _Host] = OrderedDict()
        self._tls = tls or public_trust()

    async def check(self, url: str) -> None:
        """Raises BadTarget, with what a person can do about it, for a link that nothing would be sent to."""
        await checked(url, allow_private=self._allow_private, ports=PORTS)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float = SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> Reply:
        """The answer, whatever its status, with the first `most_bytes` of its body as they came.

        `timeout` seconds are for everything, the look-up of the name included. Raises BadTarget, Unreachable; neither
        names more of the link than its host.
        """
        try:
            async with asyncio.timeout(timeout):
                target = await checked(url, allow_private=self._allow_private, ports=PORTS)
                return await self._send(method, target, dict(headers or {}), content, timeout, most_bytes)
        except NotFound as error:
            raise Unreachable(str(error), unsent=True) from None
        except TimeoutError:
            raise Unreachable(f"no whole answer within {timeout:g} seconds") from None

    async def close(self) -> None:
        """Lets go of all connections."""
        hosts = list(self._hosts.values())
        self._hosts.clear()
        for host in hosts:
            await host.http.aclose()

    async def _send(
        self,
        method: str,
        target: Target,
        headers: dict[str, str],
        content: bytes | None,
        timeout: float,
        most_bytes: int,
    ) -> Reply:
        """To the first address that can be connected to."""
        headers = {name: text for name, text in headers.items() if name.lower() != "host"}
        async with self._connections(target) as http:
            for last, url in ((url == target.urls[-1], url) for url in target.urls):
                try:
                    return await exchange(
                        http,
                        method,
                        url,
                        headers={**headers, "Host": target.host_header},
                        body=content,
                        seconds=timeout,
                        limit=most_bytes,
                        exact=False,
                        plain=False,
                        server_name=target.host,
                    )
                except NoReply as error:
                    if last or not error.unsent:
                        raise Unreachable(f"{target.host}: {error}", unsent=error.unsent) from None
        raise AssertionError("a checked link has an address")

    @asynccontextmanager
    async def _connections(self, target: Target) -> AsyncIterator[httpx.AsyncClient]:
        place = (target.host, target.host_header)
        if place not in self._hosts:
            limits = httpx.Limits(max_connections=PER_HOST, max_keepalive_connections=1, keepalive_expiry=15)
            transport = httpx.AsyncHTTPTransport(verify=self._tls, limits=limits, trust_env=False)
            self._hosts[place] = _Host(pool(transport=transport))
        host = self._hosts[place]
        self._hosts.move_to_end(place)
        host.using += 1
        try:
            yield host.http
        finally:
            host.using -= 1
            await self._forget_unused()

    async def _forget_unused(self) -> None:
        idle = [place for place, host in self._hosts.items() if not host.using]
        for place in idle[: max(0, len(self._hosts) - MOST_HOSTS)]:
            await self._hosts.pop(place).http.aclose()


__all__ = ["BadTarget", "Outbound", "Reply", "Unreachable"]
