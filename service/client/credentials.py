"""The door for credentials: which kinds are taken, how their secrets are kept."""

from __future__ import annotations

import secrets
from enum import StrEnum

from service.store.credentials import Credential
from service.vault import Vault


class Kind(StrEnum):
    """`account` goes with the second and the third: the e-mail, the client id."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - its name
    API_TOKEN = "api_token"  # noqa: S105 - its name
    OAUTH_CLIENT = "oauth_client"


APP_PASSWORD_PREFIX = "ATBB"  # noqa: S105 - what all of them begin with, and no token does

APP_PASSWORDS_ARE_GONE = (
    "Atlassian removed app passwords on 2026-07-28: make an API token (id.atlassian.com, Security, API tokens) or an "
    "access token (repository settings, Access tokens) and connect that"
)


class NotAccepted(ValueError):
    """The credential cannot work; `field` is what has to change."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def check(kind: str, account: str | None, secret: str) -> None:
    """Raises NotAccepted, whose message says what would be right and never what the secret was."""
    if kind == "app_password":
        raise NotAccepted(APP_PASSWORDS_ARE_GONE, "kind")
    if kind not in list(Kind):
        raise NotAccepted(f"{kind!r} is not a kind of credential: {', '.join(Kind)} are", "kind")
    if secret.startswith(APP_PASSWORD_PREFIX):
        raise NotAccepted(APP_PASSWORDS_ARE_GONE, "token")
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise NotAccepted(
            "a secret is one word of printable ASCII characters: copy it once more", _SECRET_FIELDS[Kind(kind)]
        )
    if kind == Kind.API_TOKEN and "@" not in (account or ""):
        raise NotAccepted("an API token goes with the e-mail of its Atlassian account, not its user name", "email")
    if kind == Kind.OAUTH_CLIENT and not account:
        raise NotAccepted("an OAuth consumer has a client id (Bitbucket calls it Key)", "client_id")


_SECRET_FIELDS = {Kind.ACCESS_TOKEN: "token", Kind.API_TOKEN: "token", Kind.OAUTH_CLIENT: "client_secret"}


def sealed(vault: Vault, secret: str) -> tuple[str, bytes]:
    """A new place, and the secret sealed for it: both go into the row."""
    place = secrets.token_hex(16)
    return place, vault.seal(secret.encode(), table="credentials", column="secret", row=place)


def opened(vault: Vault, credential: Credential) -> str:
    """Raises CannotOpen."""
    return vault.open(credential.secret, table="credentials", column="secret", row=credential.place).decode()
