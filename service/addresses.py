"""Where a name leads: looked up once, checked, and connected to as checked.

A name that answers differently the second time leads nowhere else, and a name with one private address among its public
ones counts as private. Names are looked up by threads of their own: a server of names that hangs holds up nobody but
those who ask for the same name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

# Not `is_global`: it lets pass what leads to private space by another name (NAT64, 6to4, mapped addresses).
_RESERVED = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
    "::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 "
    "3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
)
_NOT_PUBLIC = tuple(ipaddress.ip_network(network) for network in _RESERVED.split())

LOOKUP_SECONDS = 5.0
MOST_ADDRESSES = 3  # of a name with many, those that are tried
LONGEST = 2048  # characters of a link

_threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="lookup")
_under_way: dict[tuple[str, int], Future[list[Any]]] = {}


class BadTarget(ValueError):
    """A link leads somewhere it may not. The message names the host, never the whole link."""


class NotFound(BadTarget):
    """Nobody knows the name: now, perhaps later."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked link. `urls` name the addresses, the first to be tried first; `host` is the server's name."""

    urls: tuple[str, ...] = field(repr=False)
    host: str
    host_header: str


async def checked(link: str, *, allow_private: bool, ports: frozenset[int] | None = None) -> Target:
    """The link's addresses. Raises BadTarget unless they are public and the link is https, or all is allowed.

    `ports` are the only ones, where given and not all is allowed.
    """
    url = _read(link)
    if not allow_private:
        if url.scheme != "https":
            raise BadTarget(f"{url.host} is to be reached without TLS: {ALLOWED}")
        if ports is not None and _port(url) not in ports:
            raise BadTarget(f"{url.host} is to be reached at port {_port(url)}: {ALLOWED}")
    addresses = await _addresses(url)
    if not allow_private and not all(is_allowed(address) for address in addresses):
        raise BadTarget(f"{url.host} is a private address: {ALLOWED}")
    urls = tuple(str(url.copy_with(host=address, fragment=None)) for address in addresses[:MOST_ADDRESSES])
    return Target(urls, url.host.rstrip("."), url.netloc.decode("ascii"))


ALLOWED = "PENSTOCK_ALLOW_PRIVATE_TARGETS=true allows that"


def is_allowed(address: str) -> bool:
    """Whether anybody's link may lead there: it is public, and not this machine's own."""
    return is_public(address) and not _is_own(address)


def is_public(address: str) -> bool:
    """Whether the address, however it is written, is none of the reserved ones."""
    parsed = ipaddress.ip_address(address)
    return not any(parsed.version == network.version and parsed in network for network in _NOT_PUBLIC)


def _read(link: str) -> httpx.URL:
    if len(link) > LONGEST:
        raise BadTarget(f"a link of more than {LONGEST} characters is not used")
    try:
        url = httpx.URL(link)
    except httpx.InvalidURL:
        raise BadTarget("that is no link") from None
    if url.scheme not in ("https", "http") or not url.host:
        raise BadTarget(f"{url.host or 'no host'} is no web link: it begins with https://")
    if url.userinfo:
        raise BadTarget(f"the link to {url.host} holds a name or a password before the host: leave them out")
    return url


def _port(url: httpx.URL) -> int:
    return url.port if url.port is not None else (443 if url.scheme == "https" else 80)


async def _addresses(url: httpx.URL) -> list[str]:
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await asyncio.shield(asyncio.wrap_future(_lookup(url.host, _port(url))))
    except (OSError, UnicodeError):  # TimeoutError among them
        raise NotFound(f"{url.host} is not found") from None
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def _lookup(host: str, port: int) -> Future[list[Any]]:
    """One look at a time for one name: who asks meanwhile waits for the same answer."""
    place = (host, port)
    if (running := _under_way.get(place)) is not None:
        return running
    future: Future[list[Any]] = _threads.submit(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    _under_way[place] = future
    future.add_done_callback(lambda _: _under_way.pop(place, None))
    return future


def _is_own(address: str) -> bool:
    """Whether the address is this machine's own, behind whatever guards it from outside: no packet is sent to ask."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0]) == address
    return False
