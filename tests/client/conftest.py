"""A simulator, a database with one credential, and clients that know no other peer."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service import clock
from service.client import Client, Clients, sealed
from service.client.authorization import Bearer
from service.client.budget import Budget
from service.client.exchange import pool
from service.simulator import Repository, Simulator
from service.store import accounts, credentials
from service.store.credentials import Credential
from service.store.database import Database
from service.vault import Vault
from tests.client.peer import Peer, playing
from tests.schema import lay

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


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        simulator.credentials.add_token(TOKEN)
        yield simulator


@pytest.fixture
def shop(bitbucket: Simulator) -> Repository:
    return bitbucket.repository(SHOP, files={"bitbucket-pipelines.yml": PIPELINES, "src/app.js": "start()\n"})


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'penstock.db'}"
    await lay(url)
    opened = Database(url)
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


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with playing() as started:
        yield started


@pytest.fixture
async def elsewhere() -> AsyncIterator[Peer]:
    """Another host, for what may not go there."""
    async with playing() as started:
        yield started


@dataclass
class Asking:
    """A client of the peer. `pauses` are the seconds that it would have waited between its tries."""

    client: Client
    pauses: list[float]


@pytest.fixture
async def asking(peer: Peer, sqlite: Database, vault: Vault) -> AsyncIterator[Asking]:
    credential = await add_credential(sqlite, vault)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with pool() as http:
        budget = Budget(sqlite, credential.id, credential.name, per_hour=PER_HOUR)
        client = Client(http, peer.url, Bearer(TOKEN), budget, seconds=0.5, sleep=sleep, allow_private_targets=True)
        yield Asking(client, pauses)


@pytest.fixture
def unused_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
