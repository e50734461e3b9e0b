"""A client for each credential, all over one pool of connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from service import clock
from service.bitbucket import requests
from service.client.authorization import Authorization, Basic, Bearer, OAuthConsumer, site_of
from service.client.budget import Budget
from service.client.calls import Calls
from service.client.client import Client
from service.client.credentials import Kind, opened
from service.client.exchange import pool
from service.store import credentials
from service.store.credentials import Credential
from service.store.database import Database
from service.store.repositories import Repository
from service.vault import Vault


class NoCredential(LookupError):
    """There is no such credential (any more)."""


@dataclass(frozen=True, slots=True)
class _Opened:
    place: str
    authorization: Authorization
    budget: Budget


class Clients:
    """Makes clients. Neither `of` nor anything that a client does is to be awaited inside a transaction."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        base_url: str,
        per_hour: int,
        allow_private_targets: bool = False,
        http: httpx.AsyncClient | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._base_url = base_url
        self._per_hour = per_hour
        self._allow_private = allow_private_targets
        self._http = http or pool()
        self._now = now
        self._kept: dict[int, _Opened] = {}

    async def of(self, credential_id: int, *, urgent: bool = False) -> Client:
        """Raises NoCredential, or CannotOpen where the vault has lost its key.

        `urgent` is for what a person waits for: it may go a tenth beyond the budget.
        """
        async with self._database.read() as connection:
            credential = await credentials.by_id(connection, credential_id)
        if credential is None:
            self._kept.pop(credential_id, None)
            raise NoCredential(f"there is no credential {credential_id}: connect one, and give it to the repository")
        known = self._opened(credential)
        return Client(
            self._http,
            self._base_url,
            known.authorization,
            known.budget,
            urgent=urgent,
            allow_private_targets=self._allow_private,
        )

    async def for_repository(self, repository: Repository, *, urgent: bool = False) -> Client | None:
        """None for a repository that was connected without a credential."""
        return None if repository.credential_id is None else await self.of(repository.credential_id, urgent=urgent)

    async def close(self) -> None:
        await self._http.aclose()

    def _opened(self, credential: Credential) -> _Opened:
        """Kept as long as its secret stays: an OAuth consumer's token is worth two hours."""
        kept = self._kept.get(credential.id)
        if kept is None or kept.place != credential.place:
            budget = Budget(self._database, credential.id, credential.name, per_hour=self._per_hour, now=self._now)
            kept = _Opened(credential.place, self._authorization(credential, budget), budget)
            self._kept[credential.id] = kept
        return kept

    def _authorization(self, credential: Credential, budget: Budget) -> Authorization:
        secret = opened(self._vault, credential)
        match credential.kind:
            case Kind.ACCESS_TOKEN:
                return Bearer(secret)
            case Kind.API_TOKEN:
                return Basic(credential.account or "", secret)
            case _:
                consumer = Basic(credential.account or "", secret)
                tokens = Calls(self._http, site_of(self._base_url), consumer, budget)
                return OAuthConsumer(consumer, lambda: tokens.ask(requests.access_token()))
