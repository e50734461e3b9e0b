"""Where the servers are that some tests need, and what happens where there is none."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

POSTGRES_URL = os.environ.get("PENSTOCK_TEST_POSTGRES_URL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test")
REDIS_URL = os.environ.get("PENSTOCK_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def need(url: str, setting: str) -> str:
    """`url`, if anything listens there. Else the test is skipped, or fails where CI=true, for there none may be."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=2).close()
    except OSError as error:
        missing = f"no server at {address.hostname}:{address.port} ({error}): start one, or set {setting}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return url


def need_postgres() -> str:
    return need(POSTGRES_URL, "PENSTOCK_TEST_POSTGRES_URL")


def need_redis() -> str:
    return need(REDIS_URL, "PENSTOCK_TEST_REDIS_URL")


@asynccontextmanager
async def fresh_postgres() -> AsyncIterator[str]:
    """The address of an empty database that is there for one test."""
    server = need_postgres()
    name = f"penstock_test_{secrets.token_hex(6)}"
    await _command(server, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        await _command(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _command(server: str, text: str) -> None:
    connection = await asyncpg.connect(server.replace("+asyncpg", ""))
    await connection.execute(text)
    await connection.close()
