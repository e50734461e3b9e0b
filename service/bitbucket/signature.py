"""Bitbucket's webhook signature: HMAC-SHA256 over the raw body, hex, in `X-Hub-Signature`.

https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks. Only the body is signed: no
header, no timestamp. Whatever else arrives with a delivery is a hint.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

SIGNATURE = re.compile(rb"sha256=([0-9a-fA-F]{64})\Z")

# Checked where there is no secret, so that an unknown hook costs the sender the same time as a known one.
NOBODYS_SECRET = b"\0" * 32


def sign(body: bytes, secret: bytes) -> str:
    """The header's value for `body`, as Bitbucket sends it."""
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()


def verify(body: bytes, headers: Sequence[bytes], secrets: Sequence[bytes]) -> int | None:
    """The index of the secret that signed `body`, or None.

    `headers` are all values of `X-Hub-Signature` as raw bytes: none, two, or a malformed one is a refusal. Every
    secret is tried, found or not, and compared as bytes: text with a byte above 0x7f raises in `compare_digest`.
    """
    match = SIGNATURE.match(headers[0]) if len(headers) == 1 else None
    given = bytes.fromhex(match[1].decode()) if match else b"\0" * 32
    found = None
    for index, secret in enumerate(secrets or (NOBODYS_SECRET,)):
        same = hmac.compare_digest(hmac.digest(secret, body, "sha256"), given)
        if same and match and secrets and found is None:
            found = index
    return found
