"""A simulated Bitbucket with one repository, connected with a credential to the running service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from service.app import Role
from service.simulator import Repository, Run, Simulator
from service.workers import rounds, tailing
from tests.documented import only_documented_requests
from tests.living import Living, living

__all__ = ["only_documented_requests"]

# What opens Bitbucket to the service: it must turn up nowhere.
TOKEN = "ATCTT3x-our-own-access-token-0815"

# Rounds follow each other as quickly as a test can bear.
QUICK = {
    "PENSTOCK_POLL_SECONDS": "0.2",
    "PENSTOCK_RECONCILE_SECONDS": "0.4",
    "PENSTOCK_RATE_BUDGET_PER_HOUR": "1000000",
    "PENSTOCK_ALLOW_PRIVATE_TARGETS": "true",
}

# What a credential may ask where the test is about that.
BUDGET_PER_HOUR = "900"

# Seconds in which anything that is to come, comes.
SOON = 60.0

# The usual three steps, on whatever branch.
PIPELINES = """
pipelines:
  default:
    - step: {name: Build, script: [make]}
    - step: {name: Test, script: [make test]}
    - step: {name: Deploy, deployment: production, script: [make deploy]}
"""
FILES = {"bitbucket-pipelines.yml": PIPELINES}

T = TypeVar("T")


@dataclass
class Both:
    """The two, with the repository as Bitbucket has it, and its numbers at the service."""

    bitbucket: Simulator
    penstock: Living
    shop: Repository
    repository_id: int
    pipeline_id: int

    async def until(self, question: Callable[[], Awaitable[T | None]]) -> T:
        """What `question` answers, once it answers anything."""
        async with asyncio.timeout(SOON):
            while not (found := await question()):  # noqa: ASYNC110 - the other side tells nobody
                await asyncio.sleep(0.05)
            return found

    async def executions(self, pipeline_id: int | None = None) -> list[dict[str, Any]]:
        """Newest first."""
        path = f"/api/pipelines/{pipeline_id or self.pipeline_id}/executions"
        items: list[dict[str, Any]] = (await self.penstock.get(path, limit=200))["items"]
        return items

    async def execution(self, run: Run | int, **wanted: Any) -> dict[str, Any]:
        """The execution of a run or with a number, with all its details, once it is as wanted."""

        async def look() -> dict[str, Any] | None:
            if isinstance(run, int):
                number: int | None = run
            else:
                found = [
                    one["id"] for one in await self.executions() if one["bitbucket_build_number"] == run.build_number
                ]
                number = found[0] if found else None
            if number is None:
                return None
            execution: dict[str, Any] = await self.penstock.get(f"/api/executions/{number}")
            return execution if execution | wanted == execution else None

        return await self.until(look)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        return await self.penstock.client.post(path, json=body or {}, headers=headers)

    async def trigger(self, **body: Any) -> dict[str, Any]:
        answer = await self.post(f"/api/pipelines/{self.pipeline_id}/trigger", {"branch": "main", **body})
        assert answer.status_code == 202, answer.text
        execution: dict[str, Any] = answer.json()
        return execution

    async def connected(self, full_name: str) -> tuple[Repository, int]:
        """One more repository, with the same credential; and its pipeline's number."""
        repository = self.bitbucket.repository(full_name, files=FILES)
        numbers = await connect(self.penstock, full_name)
        await self.until(_hooked(repository))
        return repository, numbers[1]

    async def looks(self, run: Run, times: int, *, since: int | None = None) -> None:
        """Returns when the service has asked about the run that many times more than `since`, or than by now."""
        before = self.asked("GET", f"{run.uuid}/steps") if since is None else since

        async def look() -> bool:
            return self.asked("GET", f"{run.uuid}/steps") >= before + times

        await self.until(look)

    def asked(self, method: str = "", path: str = "") -> int:
        """How many requests the service has made, of this method, with this in their path."""
        return sum(
            (not method or request.method == method) and path in request.path for request in self.bitbucket.requests
        )


def _hooked(repository: Repository) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return bool(repository.hooks)

    return look


async def connect(penstock: Living, full_name: str) -> tuple[int, int]:
    """(the repository's number, its pipeline's), connected with the first credential."""
    workspace, slug = full_name.split("/")
    credential_id = (await penstock.get("/api/credentials"))["items"][0]["id"]
    body = {"workspace": workspace, "slug": slug, "credential_id": credential_id}
    answer = await penstock.client.post("/api/repositories", json=body)
    assert answer.status_code == 201, answer.text
    repository_id: int = answer.json()["id"]
    pipeline_id: int = (await penstock.get("/api/pipelines", repository_id=repository_id))["items"][0]["id"]
    return repository_id, pipeline_id


@asynccontextmanager
async def both_running(bitbucket: Simulator, directory: Path, **settings: str) -> AsyncIterator[Both]:
    """The service on the data in `directory`; entered again, it is the same service after a restart."""
    known = [repository for repository in bitbucket.repositories if repository.full_name == "acme/till"]
    shop = known[0] if known else bitbucket.repository("acme/till", files=FILES)
    environ = {**QUICK, "PENSTOCK_DATA_DIR": str(directory), "PENSTOCK_BITBUCKET_API_URL": bitbucket.url, **settings}
    async with living(environ) as penstock:
        found = [one for one in (await penstock.get("/api/repositories"))["items"] if one["slug"] == "till"]
        if found:
            pipelines = await penstock.get("/api/pipelines", repository_id=found[0]["id"])
            numbers = found[0]["id"], pipelines["items"][0]["id"]
        else:
            kept = await penstock.client.post("/api/credentials", json={"kind": "access_token", "token": TOKEN})
            assert kept.status_code == 201, kept.text
            numbers = await connect(penstock, "acme/till")
        both = Both(bitbucket, penstock, shop, *numbers)
        await both.until(_hooked(shop))
        yield both


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is looked for often, and a step that has ended keeps nobody waiting for its last lines."""
    monkeypatch.setattr(rounds, "BACKSTOP", 0.1)
    monkeypatch.setattr(tailing, "LAST_LINES", 0.3)


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        yield simulator


@pytest.fixture
async def both(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Both]:
    async with both_running(bitbucket, tmp_path) as running:
        yield running


@pytest.fixture
async def deaf(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Living]:
    """A service whose doors are open and whom no webhook reaches; its work is done by `Rounds`."""
    bitbucket.delivery_faults.lose(1.0, seed=1)
    environ = {**QUICK, "PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_BITBUCKET_API_URL": bitbucket.url}
    environ["PENSTOCK_RATE_BUDGET_PER_HOUR"] = BUDGET_PER_HOUR
    async with living(environ, role=Role.WEB) as penstock:
        kept = await penstock.client.post("/api/credentials", json={"kind": "access_token", "token": TOKEN})
        assert kept.status_code == 201, kept.text
        yield penstock
