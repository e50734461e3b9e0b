"""Commands beside a running service: they open the same database, and the service hears of what they did."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Ended, Run
from tests.living import Living, push

pytestmark = pytest.mark.long

COMMIT = "a" * 40


@pytest.fixture
def beside(penstock_on_each: Living, run: Run) -> Run:
    """Runs commands on the database of the running service."""
    house = penstock_on_each.house

    def beside(*words: str, stdin: str = "") -> Ended:
        return run(*words, stdin=stdin, PENSTOCK_DATABASE_URL=house.settings.database)

    return beside


@pytest.mark.anyio
async def test_a_token_made_beside_the_service_opens_it_and_a_revoked_one_does_not(
    penstock_on_each: Living, beside: Run
) -> None:
    penstock = penstock_on_each

    async def knock() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return (await penstock.client.get("/api/repositories", headers=headers)).status_code

    assert (await asyncio.to_thread(beside, "user", "add", "bob", "--password-stdin", stdin="x" * 12)).status == 0
    token = (await asyncio.to_thread(beside, "token", "create", "bob")).out.strip()
    before = await knock()
    listed = (await asyncio.to_thread(beside, "token", "list", "--json")).json
    [number] = [one["id"] for one in listed if one["user"] == "bob"]
    await asyncio.to_thread(beside, "token", "revoke", str(number))

    assert (before, await knock()) == (200, 401)


@pytest.mark.anyio
async def test_deliveries_are_listed_shown_and_put_back_beside_the_service(
    penstock_on_each: Living, beside: Run
) -> None:
    penstock = penstock_on_each
    answer = await penstock.deliver("repo:push", push("main", COMMIT))
    number = answer.json()["delivery_id"]
    await penstock.settled()

    listed = await asyncio.to_thread(beside, "deliveries", "list", "--json")
    table = await asyncio.to_thread(beside, "deliveries", "list", "--status", "processed")
    shown = await asyncio.to_thread(beside, "deliveries", "show", number)
    dry = await asyncio.to_thread(beside, "deliveries", "replay", number, "--dry-run", "--json")
    replayed = await asyncio.to_thread(beside, "deliveries", "replay", number)

    assert [(one["id"], one["status"]) for one in listed.json] == [(number, "processed")]
    assert f"{number}" in table.out
    assert "1 opened" in table.out
    assert "production deploys main" in shown.out
    assert dry.json == {
        "delivery_id": number,
        "replayed": False,
        "events": [{"event": "BranchPushed", "ref": "main"}],
    }
    assert replayed.status == 0
    assert [verdict["verdict"] for verdict in await penstock.verdicts(answer)] == ["unchanged"]


class Serving:
    """`penstock serve` in a process of its own."""

    def __init__(self, environ: dict[str, str], directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=directory,
            env=environ,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        os.kill(self.process.pid, number)
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def serving(environ: dict[str, str], tmp_path: Path) -> Iterator[Serving]:
    serving = Serving(environ, tmp_path)
    yield serving
    serving.client.close()
    if serving.process.poll() is None:
        serving.process.kill()
        serving.process.communicate()


def test_serving_makes_its_database_and_prints_where_it_is_and_a_way_in(serving: Serving, tmp_path: Path) -> None:
    link = serving.line()

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", serving.url)
    assert serving.client.get("/readyz").json() == {"status": "ready", "database": True, "workers": True}
    assert re.search(rf"{serving.url}/sign-in\?ticket=[\w-]{{32}}\n$", link)
    assert {"penstock.db", "secret.keys"} <= {path.name for path in (tmp_path / "data").iterdir()}
    assert serving.stop() == -signal.SIGTERM  # as whoever sent it expects, once all is closed in good order


def test_where_somebody_can_sign_in_no_link_is_printed(environ: dict[str, str], run: Run, tmp_path: Path) -> None:
    run("user", "add", "ada", "--password-stdin", stdin="correct horse battery\n")

    serving = Serving(environ, tmp_path)
    assert serving.client.get("/healthz").status_code == 200
    serving.client.close()
    os.kill(serving.process.pid, signal.SIGTERM)
    out, _ = serving.process.communicate(timeout=60)

    assert "ticket" not in out


def test_a_port_that_is_taken_is_told_in_one_line(serving: Serving, run: Run) -> None:
    told = run("serve", "--port", serving.url.rpartition(":")[2]).failure

    assert "cannot listen on 127.0.0.1 port" in told
    assert "choose another with --port" in told
