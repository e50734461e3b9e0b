"""The `Authorization` header of each kind of credential.

https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

from service.bitbucket.answers import AccessToken

# A token is replaced this many seconds before it ends, so that none ends on its way.
MARGIN_SECONDS = 60.0

SITE_OF_API = {"api.bitbucket.org": "bitbucket.org"}


class Authorization(Protocol):
    """Something that opens Bitbucket. Its repr shows nothing of it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may contain."""

    async def header(self) -> str: ...

    async def renew(self, refused: str) -> bool:
        """Whether there is another header to try, now that `refused` was answered with a 401."""


class Bearer:
    """An access token of a repository, a project or a workspace."""

    def __init__(self, token: str) -> None:
        self._token = token

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._token,)

    async def header(self) -> str:
        return f"Bearer {self._token}"

    async def renew(self, refused: str) -> bool:
        return False


class Basic:
    """A person's API token with the e-mail in front: the user name instead of it is a 401."""

    def __init__(self, account: str, token: str) -> None:
        self._token = token
        self._pair = base64.b64encode(f"{account}:{token}".encode()).decode()  # RFC 7617

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._token, self._pair)

    async def header(self) -> str:
        return f"Basic {self._pair}"

    async def renew(self, refused: str) -> bool:
        return False


class OAuthConsumer:
    """The client credentials of an OAuth consumer: they get a token that is kept until it ends.

    There is no refresh token; a token that is refused is replaced once, for it may have been revoked.
    """

    def __init__(
        self,
        consumer: Basic,
        fetch: Callable[[], Awaitable[AccessToken]],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._fetch = fetch
        self._now = now
        self._token = ""
        self._until = 0.0
        self._turn = asyncio.Lock()

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*self._consumer.secrets, *((self._token,) if self._token else ()))

    async def header(self) -> str:
        async with self._turn:  # of many that find it ended, one fetches the next
            if not self._token or self._now() >= self._until:
                await self._replace()
            return f"Bearer {self._token}"

    async def renew(self, refused: str) -> bool:
        async with self._turn:
            if refused == f"Bearer {self._token}":
                await self._replace()
            return True

    async def _replace(self) -> None:
        answer = await self._fetch()
        self._token = answer.access_token
        self._until = self._now() + answer.expires_in - MARGIN_SECONDS


def site_of(base_url: str) -> str:
    """The origin where an OAuth consumer gets its tokens: Bitbucket's site, or that of any other API itself."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{SITE_OF_API.get(parts.netloc, parts.netloc)}"
