"""Bytes of a log by range, RFC 9110 section 14."""

from __future__ import annotations

import hashlib
import re

from starlette.datastructures import Headers
from starlette.responses import Response

RANGE = re.compile(r"bytes=(\d+)-(\d*)\Z")


def ranged(log: bytearray, headers: Headers, *, name: str, honour: bool = True) -> Response:
    """200 with all, 206 with a part, 416 where the part begins at or behind the end, 304 where nothing has changed.

    A range that cannot be read is ignored, as is every range where it is not to be honoured. The log is neither hashed
    nor copied whole: it only grows, so its `name` and its size say which one it is.
    """
    etag = f'"{hashlib.sha256(f"{name} {len(log)}".encode()).hexdigest()[:32]}"'
    common = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    if headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    asked = RANGE.match(headers.get("range", "")) if honour else None
    if asked is None:
        return Response(bytes(log), headers=common)
    first, last = int(asked[1]), int(asked[2]) if asked[2] else len(log) - 1
    if first >= len(log):
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(log)}"})
    last = min(last, len(log) - 1)
    part = bytes(log[first : last + 1])
    return Response(part, 206, headers=common | {"Content-Range": f"bytes {first}-{last}/{len(log)}"})
