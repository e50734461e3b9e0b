"""The webhook door, as thin as ASGI allows: read, verify, store, answer.

The status code answers the sender's one question: send it again? Bitbucket retries a 5xx and nothing else, at most
twice, at once, and waits ten seconds. So what is our fault is a 503 well before that, what is the sender's is a 4xx,
and there is never a 429 (it would lose the delivery) and never a call to anybody else before the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from service import clock
from service.bitbucket.envelope import BadDelivery, Envelope, event_key, open_envelope
from service.bitbucket.signature import verify
from service.failpoints import fail_point
from service.store.inbox import Arrival, Inbox, Receipt, Unavailable, pack
from service.web.hooks import Hooks, KnownHook

logger = logging.getLogger(__name__)

PATH = "/webhooks/bitbucket/"

BODY_SECONDS = 5.0
STORE_SECONDS = 8.0  # from the first byte; Bitbucket hangs up at ten


class Refused(Exception):
    """Answers the request now. `close` also ends the connection: the rest of the body is not read."""

    def __init__(self, status: int, detail: str, *, close: bool = False) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.close = close


UNAUTHORIZED = "unknown hook, or a missing or wrong signature"

NOT_STORED = "the delivery could not be stored: send it again"


class Intake:
    """The ASGI application at PATH. `limit` is the largest body in bytes."""

    def __init__(self, hooks: Hooks, inbox: Inbox, *, limit: int, now: Callable[[], datetime] = clock.now) -> None:
        self._hooks = hooks
        self._inbox = inbox
        self._limit = limit
        self._now = now

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            status, answer, close = await self._take(scope, receive)
        except Refused as refused:
            status, close = refused.status, refused.close
            answer = {"error": refused.detail}
        except Unavailable as away:
            logger.warning("intake.unavailable", extra={"reason": str(away)})
            status, answer, close = 503, {"error": NOT_STORED}, False
        except Exception:
            logger.exception("intake.failed")
            status, answer, close = 503, {"error": NOT_STORED}, False
        if status == 202:
            fail_point("intake.answering")
        await _answer(send, status, msgspec.json.encode(answer), close=close)

    async def _take(self, scope: Any, receive: Any) -> tuple[int, dict[str, str], bool]:
        begun = time.monotonic()
        if scope["method"] != "POST":
            raise Refused(405, "Bitbucket delivers with POST")
        headers = _Headers(scope["headers"])
        body = await _read(headers, receive, self._limit, patience=None if _is_here(scope) else BODY_SECONDS)
        hook_id = scope["path"][len(PATH) :]
        hook = await self._hook(hook_id, begun + STORE_SECONDS)
        secrets = hook.valid(self._now()) if hook else []
        by = verify(body, headers.signatures, secrets)
        if hook is None or by is None:
            raise Refused(401, UNAUTHORIZED)
        flags = ("signed_with_previous_secret",) if by else ()
        try:
            envelope = open_envelope(body)
            key = event_key(headers.event_key, envelope)
        except BadDelivery as bad:
            raise Refused(400, str(bad)) from None
        _refuse_a_stranger(hook, envelope)
        arrival = Arrival(
            hook_id=hook_id,
            repository_id=hook.repository_id,
            request_uuid=headers.request_uuid,
            digest=hashlib.sha256(body).digest(),
            event_key=key,
            attempt=headers.attempt,
            packed=pack(body),
            received_at=self._now(),
            flags=flags,
            teaches=envelope.repository_uuid if hook.repository_uuid is None else None,
        )
        receipt, number = await self._inbox.put(arrival, timeout=begun + STORE_SECONDS - time.monotonic())
        if arrival.teaches:
            self._hooks.forget(hook_id)
        if receipt is Receipt.FOREIGN:
            raise Refused(403, "signed for this hook, but about another connected repository")
        return (202 if receipt is Receipt.ACCEPTED else 200), {"delivery_id": number, "status": receipt.value}, False

    async def _hook(self, hook_id: str, deadline: float) -> KnownHook | None:
        if not (hook_id.isascii() and hook_id.isalnum()):
            return None
        try:
            return await self._hooks.get(hook_id, timeout=deadline - time.monotonic())
        except TimeoutError:
            raise Unavailable("the database did not name the hook in time") from None


class _Headers:
    """The few headers that count, as raw bytes where they decide anything."""

    __slots__ = ("attempt", "encoded", "event_key", "length", "request_uuid", "signatures")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.signatures: list[bytes] = []
        self.encoded = False
        self.length: int | None = None
        self.event_key: str | None = None
        self.request_uuid = ""
        self.attempt = 1
        for name, value in raw:
            if name == b"x-hub-signature":
                self.signatures.append(value)
            elif name == b"content-length":
                self.length = int(value) if value.isdigit() else None
            elif name == b"content-encoding":
                self.encoded |= value.strip().lower() not in (b"", b"identity")
            elif name == b"x-event-key":
                self.event_key = value.decode("latin-1").strip() or None
            elif name == b"x-request-uuid":
                text = value.decode("latin-1").strip()
                # any word will do as a key; what is no word is as good as none, and the body's digest stands in
                self.request_uuid = text if len(text) <= 128 and text.isascii() and text.isprintable() else ""
            elif name == b"x-attempt-number":
                self.attempt = int(value) if value.isdigit() and len(value) < 5 else 1


def _is_here(scope: Any) -> bool:
    """Whether the whole body has arrived with its head, as it mostly has: then nothing has to watch the time."""
    connection = scope.get("extensions", {}).get("penstock.connection")
    return connection is not None and connection.is_read


async def _read(headers: _Headers, receive: Any, limit: int, *, patience: float | None) -> bytes:
    """The raw body. Refuses before reading where the length says enough, and as soon as it is too much."""
    if headers.encoded:
        raise Refused(415, "Content-Encoding is not accepted: Bitbucket sends none", close=True)
    if headers.length is not None and headers.length > limit:
        raise Refused(413, f"the body is larger than {limit} bytes", close=True)
    try:
        if patience is None:
            body = await _gather(receive, limit)
        else:
            async with asyncio.timeout(patience):
                body = await _gather(receive, limit)
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {patience:g} s", close=True) from None
    if len(body) > limit:
        raise Refused(413, f"the body is larger than {limit} bytes", close=True)
    return body


async def _gather(receive: Any, limit: int) -> bytes:
    message = await receive()
    if not message.get("more_body"):  # the usual case: one piece, no copy
        return bytes(message.get("body", b""))
    gathered = bytearray(message.get("body", b""))
    while message.get("more_body") and len(gathered) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(408, "the sender hung up", close=True)
        gathered += message.get("body", b"")
    return bytes(gathered)


def _refuse_a_stranger(hook: KnownHook, envelope: Envelope) -> None:
    """Signed with this hook's secret, but about another repository: by uuid once it is known, by name until then."""
    if hook.repository_uuid is not None:
        strange = envelope.repository_uuid is not None and envelope.repository_uuid != hook.repository_uuid
        if envelope.repository_uuid is None and envelope.full_name is not None:
            strange = envelope.full_name.casefold() != hook.full_name.casefold()
    else:
        strange = envelope.full_name is not None and envelope.full_name.casefold() != hook.full_name.casefold()
    if strange:
        raise Refused(403, "signed for this hook, but about another repository")


async def _answer(send: Any, status: int, body: bytes, *, close: bool) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if close:
        headers.append((b"connection", b"close"))
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
