"""Who sits before the browser, which consumers may ask who he is, and what they were told."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from service.simulator.actors import MAYA, Actor


@dataclass(frozen=True, slots=True)
class Consumer:
    """An OAuth consumer for people. Bitbucket sends a browser back to below its callback URL alone."""

    client_id: str
    secret: str = field(repr=False)
    callback_url: str


@dataclass(frozen=True, slots=True)
class Code:
    """What a browser was sent back with, to be exchanged once."""

    consumer: Consumer
    who: Actor
    redirect_uri: str
    challenge: str


class People:
    """`signed_in` is whoever sits before the browser; whether he `consents` to be known; `members` of workspaces."""

    def __init__(self) -> None:
        self.signed_in: Actor = MAYA
        self.consents = True
        self.members: dict[str, set[str]] = {}
        self._consumers: dict[str, Consumer] = {}
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Actor] = {}

    def add_consumer(self, client_id: str, secret: str, callback_url: str) -> Consumer:
        return self._consumers.setdefault(client_id, Consumer(client_id, secret, callback_url))

    def consumer(self, client_id: str) -> Consumer | None:
        return self._consumers.get(client_id)

    def join(self, workspace: str, who: Actor) -> None:
        self.members.setdefault(workspace, set()).add(who.uuid)

    def code_for(self, consumer: Consumer, redirect_uri: str, challenge: str) -> str:
        code = secrets.token_urlsafe(12)
        self._codes[code] = Code(consumer, self.signed_in, redirect_uri, challenge)
        return code

    def token_for(self, consumer: Consumer, code: str, redirect_uri: str, verifier: str) -> str | None:
        """None for a code that is not this consumer's, was used, or was asked for by somebody else."""
        known = self._codes.pop(code, None)
        if known is None or known.consumer != consumer or known.redirect_uri != redirect_uri:
            return None
        if known.challenge and known.challenge != challenge_of(verifier):
            return None
        token = secrets.token_urlsafe(24)
        self._tokens[token] = known.who
        return token

    def who(self, authorization: str) -> Actor | None:
        return self._tokens.get(authorization.removeprefix("Bearer "))


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
