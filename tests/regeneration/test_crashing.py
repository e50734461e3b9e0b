"""Wherever the service dies while it brings a revision, there is one pull request, or one commit, in the end."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from service.simulator import Simulator
from service.store.tables import work
from tests.crash.test_crash import WHILE_DELIVERING
from tests.living import client_of
from tests.regeneration.conftest import FILE, QUICK, open_requests, staged, text_of
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express")

# Where it dies, and by which policy it brings things there.
DEATHS = {
    "delivery.branched": "pull_request",
    "delivery.pushed": "pull_request",
    "delivery.opened": "pull_request",
    "delivery.committed": "commit",
}


def test_every_place_is_visited() -> None:
    assert set(DEATHS) == set(WHILE_DELIVERING)


@pytest.mark.parametrize("place", DEATHS)
async def test_what_was_begun_is_ended_and_not_doubled(bitbucket: Simulator, tmp_path: Path, place: str) -> None:
    async with staged(bitbucket, tmp_path) as stage:
        shop, number = await stage.generate("shop", NODE, config_delivery="commit")
        await stage.penstock.client.put(f"/api/pipelines/{number}", json={"config_delivery": DEATHS[place]})
        await stage.quiet()
        token = stage.penstock.token
    commits = len(list(shop.refs.history.ancestry(shop.head())))

    await _dies_at(bitbucket, tmp_path, place, token, number)

    async with staged(bitbucket, tmp_path) as stage:
        async with stage.penstock.house.recorder.record() as record:  # the lease of the dead runs out
            await record.connection.execute(update(work).values(leased_until=None))
        await stage.quiet()
        newest = await stage.newest(number)
        assert newest["revision"] == 2
        if DEATHS[place] == "commit":
            assert (text_of(shop), newest["delivered"]) == (newest["files"][FILE], "delivered")
            assert len(list(shop.refs.history.ancestry(shop.head()))) == commits + 1
        else:
            [request] = open_requests(shop)
            assert len(shop.pull_requests) == 1
            assert newest["pull_request_url"].endswith(f"/pull-requests/{request.id}")
            assert text_of(shop, ref="penstock/config") == newest["files"][FILE]
            branch = shop.refs.history.between(shop.head(), shop.head("penstock/config"))
            assert len(branch) == 1


async def _dies_at(bitbucket: Simulator, directory: Path, place: str, token: str, number: int) -> None:
    """A real process on the same data, killed at that place of what a new setting sets going."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        **QUICK,
        "PENSTOCK_DATA_DIR": str(directory),
        "PENSTOCK_BITBUCKET_API_URL": bitbucket.url,
        "PENSTOCK_TEST_FAILPOINT": place,
        "PENSTOCK_LOG_LEVEL": "error",
    }
    serving = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", "serve", "--port", str(port), env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            client_of(f"http://127.0.0.1:{port}", headers=headers) as client,
            asyncio.timeout(60),
        ):
            while True:
                try:
                    answer = await client.put(f"/api/pipelines/{number}", json={"port": 8123})
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
            assert answer.status_code == 200, answer.text
            assert await serving.wait() == -9
    finally:
        if serving.returncode is None:
            serving.kill()
