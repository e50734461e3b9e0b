"""Standard Webhooks: how a target knows that a message is ours, and that it is the same one again.

https://www.standardwebhooks.com - `webhook-id`, `webhook-timestamp`, `webhook-signature`; a secret is `whsec_` and
base64. While a secret is being replaced both sign, so that the target may change over when it likes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes


class BadSecret(ValueError):
    """A secret that cannot sign."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


def key_of(secret: str) -> bytes:
    """Raises BadSecret, which does not repeat it."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise BadSecret(
            f"a secret is {PREFIX} and base64 of {SHORTEST} to {LONGEST} bytes; without one it is generated"
        )
    return key


def signed(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one try."""
    timestamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = [hmac.digest(key_of(secret), content, hashlib.sha256) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }
