"""What Bitbucket's refusals say, as errors of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from service.bitbucket.answers import ErrorAnswer, ErrorDetail
from service.client.errors import (
    BitbucketError,
    Conflict,
    NotAllowed,
    NotFound,
    RateLimited,
    Refused,
    Unreachable,
)
from service.client.exchange import Reply

LONGEST_REASON = 500
LONGEST_WAIT = 3600.0  # the window of Bitbucket's limits: to wait longer than that helps nobody
MASK = "****"
SHORTEST_SECRET = 4  # a shorter one is in every sentence; our API takes none


def refusal(
    credential: str, place: str, reply: Reply, secrets: Iterable[str], wait: float | None = None
) -> BitbucketError:
    """The error for a status that is neither a success nor Bitbucket's own failure."""
    told = _told(reply)
    reason = scrubbed(_reason(told), secrets)
    match reply.status:
        case 401:
            text = f"Bitbucket refuses the credential {credential!r} ({reason}): make a new token and connect that"
            return NotAllowed(text, credential=credential, status=401)
        case 403:
            return _forbidden(credential, place, told, reason)
        case 404:
            return NotFound(f"Bitbucket has nothing at {place} that the credential {credential!r} may see: {reason}")
        case 409:
            return Conflict(f"Bitbucket refuses {place}: {reason}")
        case 429:
            wait = wait or 0.0
            text = f"Bitbucket limits the credential {credential!r}: it is not used for {wait:.0f} s"
            return RateLimited(text, retry_after=wait)
        case status if status < 400:
            return Unreachable(f"Bitbucket redirects {place}, which is not followed")
        case status:
            return Refused(f"Bitbucket refuses {place} ({status}): {reason}", status=status)


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, from a number or a date (RFC 9110, 10.2.3); None where it says nothing readable.

    Bitbucket documents no such header, and may be behind something that sends one.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):  # the second for numbers beyond any calendar
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, should Bitbucket have repeated one."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text


def _forbidden(credential: str, place: str, told: ErrorDetail, reason: str) -> NotAllowed:
    required, granted = _scopes(told.detail, "required"), _scopes(told.detail, "granted")
    text = f"the credential {credential!r} may not {place} ({reason}): give its owner the right to, in the repository"
    if required:
        has = ", ".join(granted) or "none"
        text = (
            f"the credential {credential!r} may not {place}: it lacks a scope of {', '.join(required)}, it has {has}; "
            "make a token with these scopes and connect that"
        )
    return NotAllowed(text, credential=credential, status=403, required=required, granted=granted)


def _told(reply: Reply) -> ErrorDetail:
    """What the body says; of a page for people, a text or nothing, what can be said in a line."""
    try:
        return msgspec.json.decode(reply.body, type=ErrorAnswer).error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        plain = reply.headers.get("Content-Type", "").startswith("text/plain")
        text = reply.body[:LONGEST_REASON].decode(errors="replace").strip() if plain else ""
        return ErrorDetail(message=text or f"status {reply.status}")


def _reason(told: ErrorDetail) -> str:
    parts = [told.message]
    if isinstance(told.detail, str) and told.detail != told.message:
        parts.append(told.detail)
    if isinstance(told.fields, Mapping):
        parts += [f"{name}: {_words(value)}" for name, value in told.fields.items()]
    line = " ".join("; ".join(part for part in parts if part).split())
    return "".join(c for c in line if c.isprintable())[:LONGEST_REASON] or "it does not say why"


def _words(value: Any) -> str:
    return ", ".join(str(word) for word in value) if isinstance(value, list) else str(value)


def _scopes(detail: Any, key: str) -> tuple[str, ...]:
    named = detail.get(key) if isinstance(detail, Mapping) else None
    return tuple(str(scope)[:100] for scope in named[:50]) if isinstance(named, list) else ()
