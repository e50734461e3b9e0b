"""Who may call, how much, how often."""

from __future__ import annotations

import base64
from collections import defaultdict, deque
from dataclasses import dataclass, field

from service.simulator.clock import Clock

EVERYTHING = frozenset(
    {"repository:write", "repository:admin", "pullrequest:write", "webhook", "pipeline:variable", "account"}
)
IMPLIED = {
    "pipeline:write": ("pipeline",),
    "pipeline:variable": ("pipeline:write", "pipeline"),
    "repository:write": ("repository",),
    "pullrequest": ("repository",),
    "pullrequest:write": ("pullrequest", "repository:write", "repository"),
}
"""Classic scopes imply smaller ones; `repository:admin` and `webhook` imply none."""


@dataclass(frozen=True, slots=True)
class Credential:
    """`header` is the whole value of `Authorization`."""

    header: str = field(repr=False)
    scopes: frozenset[str] = EVERYTHING

    def grants(self, scope: str) -> bool:
        return scope in self.scopes or any(scope in IMPLIED.get(held, ()) for held in self.scopes)


class Credentials:
    """The credentials that are accepted. As long as there are none, everybody is let in."""

    def __init__(self) -> None:
        self._by_header: dict[str, Credential] = {}
        self.clients: dict[str, Credential] = {}

    def add_token(self, token: str, scopes: frozenset[str] = EVERYTHING) -> Credential:
        """An access token, sent as `Bearer`."""
        return self._add(Credential(f"Bearer {token}", scopes))

    def add_api_token(self, email: str, token: str, scopes: frozenset[str] = EVERYTHING) -> Credential:
        """A person's API token, sent as Basic with the e-mail in front."""
        return self._add(Credential(basic(email, token), scopes))

    def add_client(self, client_id: str, client_secret: str, scopes: frozenset[str] = EVERYTHING) -> Credential:
        """An OAuth consumer: it gets its tokens at `/site/oauth2/access_token`."""
        credential = self._add(Credential(f"Bearer token-of-{client_id}", scopes))
        self.clients[basic(client_id, client_secret)] = credential
        return credential

    def revoke(self, credential: Credential) -> None:
        del self._by_header[credential.header]

    def find(self, header: str | None) -> Credential | None:
        """The credential of an `Authorization` header; one with all rights where none are asked for; None is a 401."""
        if not self._by_header:
            return Credential(header or "")
        return self._by_header.get(header or "")

    def _add(self, credential: Credential) -> Credential:
        self._by_header[credential.header] = credential
        return credential


class RateLimit:
    """Requests per credential in a rolling hour of the cloud's time.

    https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/
    """

    def __init__(self, clock: Clock, *, limit: int = 1000, window_seconds: float = 3600) -> None:
        self.limit = limit
        self.window_seconds = window_seconds
        self._clock = clock
        self._taken: dict[str, deque[float]] = defaultdict(deque)

    def take(self, caller: str) -> bool:
        """Count one request of `caller`; False if it is over the limit, then it does not count."""
        now = self._clock.now().timestamp()
        taken = self._taken[caller]
        while taken and taken[0] <= now - self.window_seconds:
            taken.popleft()
        if len(taken) >= self.limit:
            return False
        taken.append(now)
        return True

    def is_near(self, caller: str) -> bool:
        """Whether less than a fifth is left."""
        return len(self._taken[caller]) > self.limit * 0.8


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
