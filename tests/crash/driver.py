"""A sender that outlives the service: it delivers, sees it die, starts it again, and remembers what was promised.

The service is a real process. It dies where PENSTOCK_TEST_FAILPOINT says, or after a random while. What it has
acknowledged until then is held against a copy of its database, never against the living file: whoever opens and closes
that would checkpoint it, and mend or break what the crash has left.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.living import Hook, push, repository, signed, status

HERE = Path(__file__).parents[2]
SERVICE = ("-m", "service")

# A start may take long on a machine that does other things too; nothing here depends on how long.
PATIENCE = 60.0

MUCH = 60


@dataclass(frozen=True, slots=True)
class Letter:
    """One delivery as Bitbucket holds it: sent again it has the same bytes and the same X-Request-UUID."""

    body: bytes
    headers: dict[str, str]

    @property
    def key(self) -> tuple[str, bytes]:
        return self.headers["X-Request-UUID"], self.body


@dataclass(slots=True)
class Run:
    """One of Bitbucket's runs: the push that starts it, its beginning, its end."""

    number: int
    commit: str
    end: str


@dataclass(slots=True)
class Promised:
    """What the service has said, and so must keep: the acknowledged letters by the id it gave, and the runs told of."""

    acknowledged: dict[str, Letter] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)


class Driver:
    """Drives one service in `directory`. `program` is what Python runs in its stead, `environ` what it gets to know."""

    def __init__(
        self, directory: Path, *, seed: int, program: Sequence[str] = SERVICE, environ: Mapping[str, str] | None = None
    ) -> None:
        self.data = directory / "data"
        self.promised = Promised()
        self.deaths = 0
        self.program = program
        self._environ = {"PENSTOCK_DATA_DIR": str(self.data), "PENSTOCK_LOG_LEVEL": "error", **(environ or {})}
        self._random = random.Random(seed)
        self._unheard: dict[tuple[str, bytes], Letter] = {}  # sent without an answer: to be sent again
        self._process: asyncio.subprocess.Process | None = None
        self._hook = Hook(0, "", "", "")
        self._client = httpx.AsyncClient(timeout=PATIENCE)  # one for all: making it takes longer than a start
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def database(self) -> Path:
        return self.data / "penstock.db"

    async def prepare(self) -> None:
        """An account and a connected repository, made as a person makes them."""
        await self.command("user", "add", "ada", "--admin", "--password-stdin", given=b"correct horse battery\n")
        token = (await self.command("token", "create", "ada")).strip()
        self._client.headers["Authorization"] = f"Bearer {token}"
        await self.start()
        wanted = {"workspace": "acme", "slug": "shop"}
        made = (await self._client.post(f"{self.url}/api/repositories", json=wanted)).json()
        self._hook = Hook(made["id"], "acme/shop", made["webhook"]["url"], made["webhook"]["secret"])
        await self.kill()

    async def command(self, *words: str, given: bytes = b"") -> str:
        """A `penstock` command beside the service, or without it; what it prints."""
        process = await self._spawn(*words)
        said, complaint = await process.communicate(given)
        assert process.returncode == 0, complaint.decode()
        return said.decode()

    async def start(self, fail_point: str = "") -> bool:
        """Starts the service; False if it died before it was up."""
        self._process = process = await self._spawn("serve", "--port", str(self._port), fail_point=fail_point)
        assert process.stdout
        if await process.stdout.readline():  # where it is: it listens, and answers once it is up
            try:
                return (await self._client.get(f"{self.url}/healthz")).is_success
            except httpx.TransportError:
                pass
        await self._buried()
        return False

    async def kill(self) -> None:
        """SIGKILL, unless it is dead already."""
        if self._process and self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)  # not by its transport, which would take its status from asyncio
        await self._buried()

    async def deliver(self, runs: int) -> bool:
        """Tells of so many new runs, shuffled and with repetitions; whether the service has outlived it.

        While much waits to be sent again there is nothing new: it dies faster than it can be told.
        """
        new = range(runs if len(self._unheard) < MUCH else 0)
        letters = [*self._unheard.values(), *(letter for _ in new for letter in self._letters_of(self._new_run()))]
        self._unheard = {}
        letters += self._random.sample(letters, len(letters) // 4)
        self._random.shuffle(letters)
        waiting = iter(letters)
        await asyncio.gather(*(self._deliver_all(waiting) for _ in range(4)))
        return not self._unheard

    async def settled(self) -> None:
        """Sends what was not heard until it is, then waits until all of it is processed."""
        assert not self._unheard or await self.deliver(0), "the service does not answer"
        for _ in range(600):
            waiting = await self._client.get(f"{self.url}/api/deliveries", params={"status": "accepted", "limit": 1})
            if not waiting.json()["items"]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("deliveries were still waiting after a minute")

    async def close(self) -> None:
        await self.kill()
        await self._client.aclose()

    async def died(self) -> bool:
        """Whether it dies by itself within a moment, as the last fail points come after the answer."""
        assert self._process
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            return False
        await self._buried()
        return True

    async def _spawn(self, *words: str, fail_point: str = "") -> asyncio.subprocess.Process:
        dying = {"PENSTOCK_TEST_FAILPOINT": fail_point} if fail_point else {}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, *self.program, *words, cwd=HERE, stdin=pipe, stdout=pipe, stderr=pipe,
            env={**os.environ, **self._environ, **dying},
        )  # fmt: skip

    async def _buried(self) -> None:
        process, self._process = self._process, None
        if process:
            _, complaint = await process.communicate()
            assert process.returncode == -signal.SIGKILL, complaint.decode()
            self.deaths += 1

    def _new_run(self) -> Run:
        number = len(self.promised.runs) + 1
        run = Run(number, f"{self._random.getrandbits(160):040x}", self._random.choice(["SUCCESSFUL", "FAILED"]))
        self.promised.runs.append(run)
        return run

    def _letters_of(self, run: Run) -> list[Letter]:
        minute = f"2026-03-01T{9 + run.number // 60 % 12:02}:{run.number % 60:02}"
        pushed, begun = push("main", run.commit), status(run.number, "INPROGRESS", run.commit, at=f"{minute}:05+00:00")
        ended = status(run.number, run.end, run.commit, at=f"{minute}:45+00:00")
        letters = [
            self._letter("repo:push", pushed),
            self._letter("repo:commit_status_created", begun),
            self._letter("repo:commit_status_updated", ended),
        ]
        if self._random.random() < 0.2:  # the same once more, as another request
            letters.append(self._letter("repo:push", pushed))
        return letters

    def _letter(self, key: str, payload: dict[str, Any]) -> Letter:
        body = msgspec.json.encode({"repository": repository(self._hook), **payload})
        number = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        return Letter(body, signed(body, self._hook, key, number))

    async def _deliver_all(self, letters: Iterator[Letter]) -> None:
        for letter in letters:
            try:
                answer = await self._client.post(self._hook.url, content=letter.body, headers=letter.headers)
            except httpx.TransportError:
                self._unheard[letter.key] = letter
                continue
            assert answer.status_code in (200, 202), answer.text
            known = self.promised.acknowledged.setdefault(answer.json()["delivery_id"], letter)
            assert known.key == letter.key, "one id was given to two deliveries"


@asynccontextmanager
async def driving(
    directory: Path, *, seed: int, program: Sequence[str] = SERVICE, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Driver]:
    """A driver whose service is dead at the end, whatever happens."""
    driver = Driver(directory, seed=seed, program=program, environ=environ)
    try:
        yield driver
    finally:
        await driver.close()
