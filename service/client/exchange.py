"""One request out, one answer in, within bounds: of time, of size, of where it goes.

Nothing is followed and nothing is tried twice here. What comes from the other side counts as a stranger's: a body that
does not end, arrives in drops or was compressed without being asked for is cut off.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
LARGEST_ANSWER = 8 * 1024 * 1024
MOST_CONNECTIONS = 50

# At their informal levels these two write whole URLs: of on-demand runs, with the values of variables in them, and of
# log storage, with the signature that opens it.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its body read, or with the first `limit` bytes of it."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


class NoReply(Exception):
    """There was no usable answer. `unsent`: the request cannot have arrived."""

    def __init__(self, why: str, *, unsent: bool = False) -> None:
        super().__init__(why)
        self.unsent = unsent


@cache
def public_trust() -> ssl.SSLContext:
    """Whose certificates count unless told otherwise: reading them takes longer than much else of a start, so they are
    read once."""
    return httpx.create_ssl_context(trust_env=False)


def pool(*, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """The connections of this process.

    No proxy or certificate comes from the environment, no redirect is followed, no cookie is kept: it would carry what
    one credential was given into the calls of another.
    """
    return httpx.AsyncClient(
        verify=public_trust(),
        transport=transport,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
        limits=httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=20),
    )


async def exchange(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    seconds: float,
    body: bytes | None = None,
    limit: int = LARGEST_ANSWER,
    skip: int = 0,
    exact: bool = True,
    plain: bool = True,
    server_name: str | None = None,
) -> Reply:
    """Raises NoReply. A body over `limit` is an error, or, where `exact` is False, cut to it.

    A compressed one is an error, or, where `plain` is False, left as it came. `skip` leaves out that many bytes of a
    200: of a log whose server has not heard of ranges. `server_name` is whose certificate is asked for where the URL
    names an address.
    """
    sent = {"User-Agent": "penstock", "Accept-Encoding": "identity"} | dict(headers)
    extensions = {"sni_hostname": server_name} if server_name else {}
    try:
        async with (
            asyncio.timeout(seconds),
            http.stream(method, url, headers=sent, content=body, extensions=extensions) as response,
        ):
            if plain:
                _check_plain(response)
            return Reply(response.status_code, response.headers, await _read(response, limit, skip, exact))
    except TimeoutError:
        raise NoReply(f"no whole answer within {seconds:g} seconds") from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NoReply(f"no connection ({type(error).__name__})", unsent=True) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # not its text: it may quote what was sent or received
        raise NoReply(f"the connection broke ({type(error).__name__})") from None


def _check_plain(response: httpx.Response) -> None:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise NoReply("the answer is compressed, which was not asked for")


async def _read(response: httpx.Response, limit: int, skip: int, exact: bool) -> bytes:
    to_skip = skip if response.status_code == httpx.codes.OK else 0
    body = bytearray()
    async for chunk in response.aiter_raw():
        if to_skip:
            chunk, to_skip = chunk[to_skip:], max(0, to_skip - len(chunk))
        body += chunk
        if len(body) > limit and exact:
            raise NoReply(f"the answer is larger than {limit} bytes")
        if len(body) >= limit and not exact:
            break
    return bytes(body[:limit])
