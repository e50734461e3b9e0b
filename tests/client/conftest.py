"""A simulator, a database with one credential, and clients that know no other peer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from service import clock
from service.client import Client, Clients, sealed
from service.simulator import Repository, Simulator
from service.store import accounts, credentials, migrate
from service.store.credentials import Credential
from service.store.database import Database
from service.vault import Vault

SHOP = "acme/shop"
TOKEN = "ATCTT3xFfGN0-a-token-that-nobody-may-see"
PER_HOUR = 900

PIPELINES = """\
pipelines:
  default:
    - step: {name: Build, script: [make]}
    - step: {name: Deploy, deployment: production, script: [ship]}
  custom:
    rollback:
      - step: {name: Back, script: [back]}
"""

Connecting = Callable[..., Awaitable[Clients]]


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        simulator.credentials.add_token(TOKEN)
        yield simulator


@pytest.fixture
def shop(bitbucket: Simulator) -> Repository:
    return bitbucket.repository(SHOP, files={"bitbucket-pipelines.yml": PIPELINES, "src/app.js": "start()\n"})


@pytest.fixture
async def sqlite(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}")
    await migrate.upgrade(opened)
    yield opened
    await opened.close()


@pytest.fixture
def vault() -> Vault:
    return Vault([os.urandom(32)])


async def add_credential(
    database: Database,
    vault: Vault,
    *,
    kind: str = "access_token",
    account: str | None = None,
    secret: str = TOKEN,
    per_hour: int = PER_HOUR,
) -> Credential:
    place, blob = sealed(vault, secret)
    async with database.write() as connection:
        user = await accounts.user_named(connection, "maya")
        user_id = (
            user.id if user else await accounts.add_user(connection, "maya", None, is_admin=False, now=clock.now())
        )
        return await credentials.add(
            connection,
            user_id=user_id,
            name="deploys",
            kind=kind,
            account=account,
            place=place,
            secret=blob,
            per_hour=per_hour,
            now=clock.now(),
        )


@pytest.fixture
async def clients(bitbucket: Simulator, sqlite: Database, vault: Vault) -> AsyncIterator[Clients]:
    """The storage of the simulator is a private address without TLS: that is allowed here."""
    made = Clients(sqlite, vault, base_url=bitbucket.url, per_hour=PER_HOUR, allow_private_targets=True)
    yield made
    await made.close()


@pytest.fixture
async def client(clients: Clients, sqlite: Database, vault: Vault) -> Client:
    return await clients.of((await add_credential(sqlite, vault)).id)
