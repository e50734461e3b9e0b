"""Where the servers are that ring bells between processes, and what happens where there is none."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from tests.conftest import POSTGRES, skip_or_fail

REDIS = os.environ.get("PENSTOCK_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def need_postgres() -> str:
    return _need(POSTGRES, "PENSTOCK_TEST_POSTGRES_URL")


def need_redis() -> str:
    return _need(REDIS, "PENSTOCK_TEST_REDIS_URL")


def _need(url: str, setting: str) -> str:
    """`url`, if anything listens there."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=2).close()
    except OSError as error:
        skip_or_fail(f"no server at {address.hostname}:{address.port} ({error}): start one, or set {setting}")
    return url
