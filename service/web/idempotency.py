"""Answers a call once: who sends it again with the same `Idempotency-Key` gets the same answer, and nothing happens.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ says which errors go with which mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from service.store import answers
from service.store.accounts import Viewer
from service.web.call import house_of, raw_body
from service.web.problems import Problem

LONGEST_KEY = 200

# The headers that belong to an answer, and not to the way on which it came.
KEPT = ("Location", "ETag")


async def answered_once(
    request: Request, viewer: Viewer, key: str, handler: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Raises a 422 for a key that was used for another call, a 409 while the first call is still being answered."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise Problem(
            422, "Idempotency-Key is 1 to 200 characters", errors=[("Idempotency-Key", "1 to 200 characters")]
        )
    recorder, vault = house_of(request).recorder, house_of(request).vault
    place = {"table": "answers", "column": "body", "row": f"{viewer.user_id} {key}"}
    call = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    digest = hashlib.sha256(call + await raw_body(request)).hexdigest()
    async with recorder.record() as record:
        known = await answers.begin(record.connection, user_id=viewer.user_id, key=key, digest=digest, now=record.now)
    if known is not None:
        return _again(known, digest, lambda sealed: vault.open(sealed, **place))
    try:
        response = await handler(request)
    except BaseException:
        async with recorder.record() as record:
            await answers.forget(record.connection, user_id=viewer.user_id, key=key)
        raise
    async with recorder.record() as record:
        sealed = vault.seal(bytes(response.body), **place)
        headers = {name: response.headers[name] for name in KEPT if name in response.headers}
        given = answers.Answer(digest, response.status_code, sealed, headers)
        await answers.finish(record.connection, user_id=viewer.user_id, key=key, answer=given)
    return response


def _again(known: answers.Answer, digest: str, opened: Callable[[bytes], bytes]) -> Response:
    if known.digest != digest:
        told = [("Idempotency-Key", "use a new one for another call")]
        raise Problem(422, "this Idempotency-Key was used for another call", errors=told)
    if known.status == 0:
        raise Problem(409, "the first call with this Idempotency-Key is still being answered; try again in a moment")
    headers = {**(known.headers or {}), "Idempotency-Replayed": "true"}
    return Response(opened(known.body), known.status, headers, media_type="application/json")
