"""The storage that finished logs lie in: where Bitbucket's redirect may lead, and where not.

The address is looked up once, checked, and connected to as checked: a name that answers differently the second time
leads nowhere else. What goes there carries no `Authorization`; the link itself is signed, so it is shown to nobody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass, field

import httpx

# Not `is_global`: it lets pass what leads to private space by another name (NAT64, 6to4, mapped addresses).
_RESERVED = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
    "::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 "
    "3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
)
_NOT_PUBLIC = tuple(ipaddress.ip_network(network) for network in _RESERVED.split())


class BadTarget(ValueError):
    """The redirect leads somewhere it may not. The message names the host, never the whole link."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked link: `url` names the address, `host` the server."""

    url: str = field(repr=False)
    host: str
    host_header: str


async def checked(link: str, *, allow_private: bool) -> Target:
    """Raises BadTarget unless the link is https to a public address, or PENSTOCK_ALLOW_PRIVATE_TARGETS lets it be."""
    try:
        url = httpx.URL(link)
    except httpx.InvalidURL:
        raise BadTarget("the log is said to lie at something that is no link") from None
    if url.scheme not in ("https", "http") or not url.host or url.userinfo:
        raise BadTarget(f"the log is said to lie at {url.host or 'no host'}, which is no web link")
    if url.scheme != "https" and not allow_private:
        raise BadTarget(f"the log lies at {url.host} without TLS: PENSTOCK_ALLOW_PRIVATE_TARGETS=true allows that")
    address = await _address(url, allow_private)
    return Target(str(url.copy_with(host=address)), url.host, url.netloc.decode("ascii"))


async def _address(url: httpx.URL, allow_private: bool) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadTarget(f"the log lies at {url.host}, which is not found") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise BadTarget(
            f"the log lies at {url.host}, a private address: PENSTOCK_ALLOW_PRIVATE_TARGETS=true allows that"
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether the address, however it is written, is none of the reserved ones."""
    parsed = ipaddress.ip_address(address)
    return not any(parsed.version == network.version and parsed in network for network in _NOT_PUBLIC)
