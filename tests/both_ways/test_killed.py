"""A real service, killed and started again while logs are read: real processes, real sockets, no byte lost or twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.simulator import Run, Simulator
from tests.both_ways.conftest import FILES, QUICK
from tests.both_ways.reading import Heard
from tests.both_ways.test_logs import text_of
from tests.web.listening import listen

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ROOT = Path(__file__).parents[2]
SECRET = "hunter2-but-longer"

# In which anything that is to come, comes.
SOON = 120.0


class Service:
    """One service on one port, in a process that is killed and started again."""

    def __init__(self, directory: Path, bitbucket: Simulator) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {**QUICK, "PENSTOCK_DATA_DIR": str(directory), "PENSTOCK_BITBUCKET_API_URL": bitbucket.url}
        self.environ = {**os.environ, **settings, "PENSTOCK_LOG_LEVEL": "error", "PENSTOCK_URL": self.url}
        self.client = httpx.AsyncClient(base_url=self.url, timeout=SOON, trust_env=False)
        self.token = ""
        self._process: asyncio.subprocess.Process | None = None

    async def command(self, *words: str, given: bytes = b"") -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of a `penstock` command, with its output in pipes."""
        return await ended(await self.spawn(*words), given)

    async def spawn(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "service", *words, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environ
        )

    async def prepare(self) -> None:
        await self.command("user", "add", "ada", "--admin", "--password-stdin", given=b"correct horse battery\n")
        self.token = (await self.command("token", "create", "ada"))[1].strip()
        self.environ["PENSTOCK_TOKEN"] = self.token
        self.client.headers["Authorization"] = f"Bearer {self.token}"

    async def start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        words = (sys.executable, "-m", "service", "serve", "--port", str(self.port))
        self._process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=pipe, env=self.environ)
        assert self._process.stdout is not None
        assert await self._process.stdout.readline()

        async def up() -> bool:
            try:
                return (await self.client.get("/healthz")).is_success
            except httpx.TransportError:
                return False

        await until(up)

    async def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            await self._process.communicate()
            self._process = None

    async def get(self, path: str, **params: Any) -> Any:
        return (await self.client.get(path, params=params)).raise_for_status().json()


async def ended(process: asyncio.subprocess.Process, given: bytes = b"") -> tuple[int, str, str]:
    said, complaint = await process.communicate(given)
    assert process.returncode is not None
    return process.returncode, said.decode(), complaint.decode()


async def until(question: Any) -> Any:
    async with asyncio.timeout(SOON):
        while not (found := await question()):  # noqa: ASYNC110 - the other side tells nobody
            await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def serving(directory: Path, bitbucket: Simulator) -> AsyncIterator[Service]:
    """With the repository acme/till connected."""
    service = Service(directory, bitbucket)
    till = bitbucket.repository("acme/till", files=FILES)
    try:
        await service.prepare()
        await service.start()
        kept = await service.client.post("/api/credentials", json={"kind": "access_token", "token": "t" * 40})
        body = {"workspace": "acme", "slug": "till", "credential_id": kept.raise_for_status().json()["id"]}
        (await service.client.post("/api/repositories", json=body)).raise_for_status()
        variables = {"environment_variables": [{"key": "PASSWORD", "value": SECRET, "secured": True}]}
        (await service.client.put("/api/pipelines/1", json=variables)).raise_for_status()

        async def hooked() -> bool:
            return bool(till.hooks)

        await until(hooked)
        yield service
    finally:
        await service.kill()
        await service.client.aclose()


async def execution_of(service: Service, run: Run) -> int:
    async def look() -> int | None:
        found = (await service.get("/api/pipelines/1/executions"))["items"]
        return next((one["id"] for one in found if one["bitbucket_build_number"] == run.build_number), None)

    number: int = await until(look)
    return number


async def read_along(service: Service, execution_id: int, heard: Heard) -> None:
    """As a browser does: whenever the stream ends or breaks, from the last event on."""
    path = f"/api/executions/{execution_id}/logs/stream"
    while heard.ended is None:
        try:
            place = heard.last_id or None
            async with listen(
                service.port, path, authorization=f"Bearer {service.token}", last_event_id=place
            ) as stream:
                while stream.status == 200 and (event := await stream.next()) is not None:
                    heard.take(event)
        except (OSError, EOFError, AssertionError) as error:
            if isinstance(error, AssertionError) and error.args:
                raise
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.endurance)])
async def test_streamed_is_stored_is_bitbuckets_with_the_service_killed_in_between(
    bitbucket: Simulator, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    heard, wrote = Heard(), b"+ make\n"
    async with serving(tmp_path, bitbucket) as service:
        run = await bitbucket.repositories[0].start_run("main", steps=["Build"])
        execution_id = await execution_of(service, run)
        reading = asyncio.create_task(read_along(service, execution_id, heard))
        following = await service.spawn("logs", str(execution_id), "-f", "--raw")
        assert following.stdout is not None
        await run.write("+ make\n")
        first = await asyncio.wait_for(following.stdout.readline(), SOON)
        for number in range(2):
            text = text_of(40_000, seed=seed * 10 + number) + f"\npassword={SECRET};\n".encode()
            at = chance.randrange(len(text))
            await run.write(text[:at])
            await asyncio.sleep(chance.uniform(0, 0.6))
            await service.kill()
            await run.write(text[at:])
            wrote += text
            await service.start()
        await run.finish()
        await asyncio.wait_for(reading, SOON)
        code, said, complaint = await asyncio.wait_for(ended(following), SOON)
        answer = await service.client.get(
            "/api/pipelines/1/logs", params={"execution_id": execution_id}, headers={"Accept": "text/plain"}
        )

    masked = wrote.replace(SECRET.encode(), b"****")
    assert answer.content == masked
    assert (heard.texts, heard.ended) == ({"Build": masked}, "SUCCESS")
    assert (code, first + said.encode()) == (0, masked), complaint


@pytest.mark.parametrize(("result", "code"), [("SUCCESSFUL", 0), ("FAILED", 1)])
async def test_who_waits_in_a_terminal_learns_the_outcome_though_the_service_was_killed_meanwhile(
    bitbucket: Simulator, tmp_path: Path, result: str, code: int
) -> None:
    async with serving(tmp_path, bitbucket) as service:
        waiting = asyncio.create_task(service.command("trigger", "acme/till", "--branch", "main", "--wait"))
        runs = bitbucket.repositories[0].runs

        async def begun() -> bool:
            return bool(runs)

        await until(begun)
        await runs[0].begin()
        await service.kill()
        await runs[0].finish(result)
        await service.start()
        ended, said, complaint = await asyncio.wait_for(waiting, SOON)

    word = "SUCCESS" if code == 0 else "FAILED"
    assert (ended, said.startswith(f"execution 1 is {word}")) == (code, True), complaint
    assert "\x1b" not in said + complaint
    assert "Traceback" not in complaint


async def test_a_service_that_is_not_there_is_told_at_once(bitbucket: Simulator, tmp_path: Path) -> None:
    service = Service(tmp_path, bitbucket)
    service.environ["PENSTOCK_TOKEN"] = "whatever"

    code, said, complaint = await asyncio.wait_for(service.command("logs", "1", "-f"), SOON)

    await service.client.aclose()
    assert (code, said) == (1, "")
    assert len(complaint.splitlines()) == 1
    assert service.url in complaint
