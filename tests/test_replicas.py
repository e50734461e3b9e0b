"""Two processes on one PostgreSQL: whichever of them is spoken to, both know."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec
import pytest

from service import clock
from service.store import accounts, migrate
from service.store.database import Database
from tests.conftest import emptied
from tests.living import Hook, push, repository, signed

pytestmark = [pytest.mark.anyio, pytest.mark.external_service]

ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def replica(directory: Path, url: str, role: str) -> AsyncIterator[str]:
    """A process of that role on the common database; its address."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    environ = {
        **mine,
        "PENSTOCK_DATA_DIR": str(directory / role),
        "PENSTOCK_DATABASE_URL": url,
        "PENSTOCK_SECRET_KEYS": base64.b64encode(sha256(b"one key for all the replicas").digest()).decode(),
        "PENSTOCK_LOG_LEVEL": "error",
    }
    command = (sys.executable, "-m", "service", "serve", "--port", "0", "--role", role)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().split()[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


@pytest.fixture
async def url(postgresql_url: str) -> str:
    await emptied(postgresql_url)
    database = Database(postgresql_url)
    await migrate.upgrade(database)
    await database.close()
    return postgresql_url


async def token_of(url: str) -> str:
    database = Database(url)
    async with database.write() as connection:
        now = clock.now()
        user = await accounts.add_user(connection, "replicas", None, is_admin=True, now=now)
        token = await accounts.add_token(connection, user, "tests", now=now, expires_at=None)
    await database.close()
    return token


async def test_a_delivery_to_one_is_processed_by_another_and_seen_on_a_third(tmp_path: Path, url: str) -> None:
    token = await token_of(url)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        replica(tmp_path / "a", url, "web") as door,
        replica(tmp_path / "b", url, "web") as window,
        replica(tmp_path / "c", url, "worker"),
        httpx.AsyncClient(headers=headers, timeout=30) as client,
    ):
        made = (await client.post(f"{door}/api/repositories", json={"workspace": "acme", "slug": "twin"})).json()
        hook = Hook(made["id"], "acme/twin", made["webhook"]["url"], made["webhook"]["secret"])
        body = msgspec.json.encode({"repository": repository(hook), **push("main", "c" * 40)})
        kinds = []

        async with client.stream("GET", f"{window}/api/events") as stream:
            lines = stream.aiter_lines()
            while not (await anext(lines)).startswith("event: ready"):
                pass
            answer = await client.post(hook.url, content=body, headers=signed(body, hook, "repo:push"))
            assert answer.status_code == 202, answer.text
            while "delivery.processed" not in kinds:
                line = await anext(lines)
                if line.startswith("event: "):
                    kinds.append(line.removeprefix("event: "))

    assert kinds == ["execution.created", "delivery.processed"]
