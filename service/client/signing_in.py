"""Signing in by an account at Bitbucket: the authorization code grant of RFC 6749, with the proof key of RFC 7636.

https://developer.atlassian.com/cloud/bitbucket/oauth-2/. What a consumer may ask is fixed at the consumer: it needs the
scope `account` and nothing else. The token that comes of it is used for two questions and forgotten.
"""

from __future__ import annotations

import secrets
import warnings
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from service.client.authorization import site_of

SECONDS = 10.0


class NotLetIn(Exception):
    """Somebody does not come in this way. The message is for him."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what has to be known when it comes back. `state` comes back with it."""

    url: str
    state: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """An account at Bitbucket. `uuid` has its braces, and is all that stays the same."""

    uuid: str
    nickname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """An OAuth consumer, and whom it lets in: members of `workspace`, and the `accounts` (uuids)."""

    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    callback_url: str
    workspace: str
    accounts: frozenset[str]

    def begin(self) -> Begun:
        verifier = secrets.token_urlsafe(48)
        client = _consumer(self)
        url, state = client.create_authorization_url(
            f"{site_of(self.api_url)}/site/oauth2/authorize", code_verifier=verifier
        )
        return Begun(url, state, verifier)

    async def finish(self, code: str, verifier: str) -> Person:
        """Who has come back with the code. Raises NotLetIn, also where Bitbucket does not answer."""
        from authlib.integrations.base_client import OAuthError

        try:
            async with _consumer(self) as client:
                token_url = f"{site_of(self.api_url)}/site/oauth2/access_token"
                await client.fetch_token(token_url, code=code, code_verifier=verifier)
                person = _person((await _asked(client, f"{self.api_url}/user")).json())
                if not await self._lets_in(client, person):
                    raise NotLetIn(f"{person.nickname} at Bitbucket may not come in here; ask whoever runs Penstock")
        except OAuthError as error:
            raise NotLetIn(f"Bitbucket refused it ({error.error}); begin again") from None
        except (httpx.HTTPError, ValueError, TypeError, KeyError):
            raise NotLetIn("Bitbucket did not answer as expected; try again in a moment") from None
        return person

    async def _lets_in(self, client: Any, person: Person) -> bool:
        if person.uuid in self.accounts:
            return True
        if not self.workspace:
            return False
        # a 403 or a 404 says that he is no member
        where = f"{self.api_url}/user/workspaces/{quote(self.workspace, safe='')}/permission"
        answer = await client.get(where)
        if answer.status_code in (403, 404):
            return False
        answer.raise_for_status()
        return answer.json().get("permission") in ("owner", "member", "collaborator")


def _consumer(one: SigningIn) -> Any:
    from authlib.deprecate import AuthlibDeprecationWarning  # an extra: only who signs in this way needs it

    with warnings.catch_warnings():  # newer ones say that they would rather have httpx's successor
        warnings.simplefilter("ignore", AuthlibDeprecationWarning)
        from authlib.integrations.httpx_client import AsyncOAuth2Client

    return AsyncOAuth2Client(
        one.client_id,
        one.client_secret,
        redirect_uri=one.callback_url,
        code_challenge_method="S256",
        timeout=SECONDS,
        trust_env=False,
        follow_redirects=False,
    )


async def _asked(client: Any, url: str) -> httpx.Response:
    answer: httpx.Response = await client.get(url)
    answer.raise_for_status()
    return answer


def _person(told: dict[str, Any]) -> Person:
    """Raises KeyError for what is no account."""
    return Person(str(told["uuid"]), str(told.get("nickname") or told.get("display_name") or "")[:255])
