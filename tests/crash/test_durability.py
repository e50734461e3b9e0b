"""What a 202 rests on: the file is written as promised, and a command beside the service is no danger to it."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from service import clock
from service.store.database import Database
from service.store.inbox import Arrival, pack
from service.store.inbox_sqlite import SqliteCommit
from tests.living import Living, push

pytestmark = pytest.mark.anyio

# https://sqlite.org/pragma.html#pragma_synchronous: 2 is FULL, an fsync of the WAL after every commit.
DURABLE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def asked(database: Database) -> dict[str, object]:
    async with database.write() as connection:
        return {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in DURABLE}


async def test_every_connection_that_writes_syncs_each_commit(penstock: Living) -> None:
    house = penstock.house
    beside = Database(house.settings.database, beside=True)
    inbox = SqliteCommit(house.database.path)
    arrival = Arrival("h", 1, "u", b"d", "unknown", 1, pack(b"{}"), clock.now())
    await inbox(lambda: [arrival])
    connection = inbox._connection
    assert connection
    of_the_inbox = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in DURABLE}
    found = [await asked(house.database), await asked(beside), of_the_inbox]
    inbox.close()
    await beside.close()

    assert found == [DURABLE] * 3


async def test_a_transaction_has_the_writers_lock_from_its_begin(penstock: Living) -> None:
    with closing(sqlite3.connect(penstock.house.database.path, timeout=0)) as other:
        async with penstock.house.database.write():
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")


async def test_commands_work_beside_the_service_while_deliveries_flow(penstock: Living) -> None:
    data = Path(penstock.house.database.path).parent

    async def command(*words: str, given: bytes = b"") -> tuple[int | None, str]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "service",
            *words,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, "PENSTOCK_DATA_DIR": str(data)},
        )
        said, complaint = await process.communicate(given)
        return process.returncode, (said + complaint).decode()

    async def manage() -> str:
        made = await command("user", "add", "grace", "--password-stdin", given=b"correct horse battery\n")
        assert made == (0, "grace may sign in\n")
        status, token = await command("token", "create", "grace")
        assert status == 0, token
        return token.strip()

    managing = asyncio.create_task(manage())
    sent = 0
    while not managing.done():
        answer = await penstock.deliver("repo:push", push("main", f"{sent:040x}"))
        assert answer.status_code == 202
        sent += 1
        await asyncio.sleep(0.02)
    signed_in = {"Authorization": f"Bearer {await managing}"}

    assert (await penstock.client.get("/api/repositories", headers=signed_in)).status_code == 200
    assert len(await penstock.executions()) == min(sent, 50)
    await penstock.assert_alive()


@contextmanager
def little_room_behind(file: Path, *, room: int) -> Iterator[None]:
    """A disk that is nearly full: the kernel refuses this process what would make any file larger than that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_X16_a_full_disk_is_503_and_once_there_is_room_all_goes_on(penstock: Living) -> None:
    async def deliver(number: int) -> int:
        large = {"large": os.urandom(100_000).hex()}
        return (await penstock.deliver("repo:push", {**push("main", f"{number:040x}"), **large})).status_code

    before = [await deliver(number) for number in range(3)]
    await penstock.settled()
    with little_room_behind(Path(penstock.house.database.path + "-wal"), room=50_000):
        full = [await deliver(number) for number in range(3, 9)]
        readable = (await penstock.client.get("/api/deliveries")).status_code
    after = [await deliver(number) for number in range(9, 12)]
    await penstock.settled()

    assert (before, readable, after) == ([202] * 3, 200, [202] * 3)
    assert set(full) <= {202, 503}
    assert 503 in full
    stored = await penstock.get("/api/deliveries", status="processed")
    assert len(stored["items"]) == [*before, *full, *after].count(202)
    with closing(sqlite3.connect(penstock.house.database.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    await penstock.assert_alive()
