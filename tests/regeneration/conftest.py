"""A repository with a generated pipeline, at a Bitbucket that answers, beside the running service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from service import changes
from service.simulator import Repository, Simulator
from service.simulator.settings import PullRequest
from service.store.tables import work
from service.workers import rounds
from tests.documented import only_documented_requests
from tests.living import Living, living

__all__ = ["only_documented_requests"]

TOKEN = "ATCTT3x-a-token-of-these-tests-4711"
FILE = "bitbucket-pipelines.yml"

QUICK = {
    "PENSTOCK_RATE_BUDGET_PER_HOUR": "1000000",
    "PENSTOCK_RECONCILE_SECONDS": "3600",
    "PENSTOCK_ALLOW_PRIVATE_TARGETS": "true",
}


@dataclass
class Stage:
    """The two sides, and what a test asks them."""

    bitbucket: Simulator
    penstock: Living

    async def generate(self, slug: str, files: Mapping[str, str | bytes], **wanted: Any) -> tuple[Repository, int]:
        """(the repository, its pipeline's number), with everything brought that was to be brought."""
        repository = self.bitbucket.repository(f"team/{slug}", files=files)
        credential = (await self.penstock.get("/api/credentials"))["items"][0]["id"]
        body = {"workspace": "team", "slug": slug, "credential_id": credential, "domain": "shop.example.com"}
        body |= {"server_ip": "203.0.113.5", **wanted}
        answer = await self.penstock.client.post("/api/pipelines/generate", json=body)
        assert answer.status_code == 201, answer.text
        await self.until(lambda: bool(repository.hooks))
        await self.quiet()
        return repository, answer.json()["id"]

    async def until(self, question: Callable[[], Any]) -> Any:
        async with asyncio.timeout(30):
            while True:
                found = question()
                if isinstance(found, Awaitable):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.02)

    async def quiet(self) -> None:
        """Nothing waits any more to be looked into or brought."""
        await self.bitbucket.settled()
        await self.penstock.settled()
        await self.until(self._nothing_waits)
        await self.bitbucket.settled()
        await self.penstock.settled()
        await self.until(self._nothing_waits)

    async def _nothing_waits(self) -> bool:
        kinds = ("regenerate", "deliver", "cleanup", "gone", "drift")
        question = select(func.count()).select_from(work).where(work.c.status == "waiting", work.c.kind.in_(kinds))
        soon = self.penstock.house.recorder.now() + timedelta(seconds=60)
        async with self.penstock.house.database.read() as connection:
            return not (await connection.execute(question.where(work.c.due_at < soon))).scalar_one()

    async def revisions(self, pipeline_id: int) -> list[dict[str, Any]]:
        """Oldest first, with everything."""
        listed = (await self.penstock.get(f"/api/pipelines/{pipeline_id}"))["config_revisions"]
        numbers = sorted(one["revision"] for one in listed)
        return [await self.penstock.get(f"/api/pipelines/{pipeline_id}/revisions/{number}") for number in numbers]

    async def newest(self, pipeline_id: int) -> dict[str, Any]:
        return (await self.revisions(pipeline_id))[-1]

    async def verdicts(self, ref: str = "main") -> list[tuple[str, str]]:
        """(verdict, reason) of the newest push of the branch, that of its execution apart."""
        found = await self.penstock.get("/api/deliveries", event_key="repo:push", limit=20)
        for item in found["items"]:
            delivery = await self.penstock.get(f"/api/deliveries/{item['id']}")
            said = [(one["verdict"], one["reason"]) for one in delivery["verdicts"] if one["ref"] == ref]
            if said:
                return said[1:]
        return []

    async def merge(self, repository: Repository) -> None:
        """A person merges the one open pull request."""
        [one] = open_requests(repository)
        await repository.merge(one)
        await self.quiet()

    async def push(self, repository: Repository, files: Mapping[str, str | bytes | None], **how: Any) -> None:
        """A person pushes to the main branch."""
        await repository.push(None, files, **how)
        await self.quiet()


def open_requests(repository: Repository) -> list[PullRequest]:
    return [one for one in repository.pull_requests if one.state == "OPEN"]


def text_of(repository: Repository, path: str = FILE, ref: str | None = None) -> str:
    return repository.head(ref).files[path].decode()


@asynccontextmanager
async def staged(bitbucket: Simulator, directory: Path, **settings: str) -> AsyncIterator[Stage]:
    environ = {**QUICK, "PENSTOCK_DATA_DIR": str(directory), "PENSTOCK_BITBUCKET_API_URL": bitbucket.url, **settings}
    async with living(environ) as penstock:
        if not (await penstock.get("/api/credentials"))["items"]:
            kept = await penstock.client.post("/api/credentials", json={"kind": "access_token", "token": TOKEN})
            assert kept.status_code == 201, kept.text
        yield Stage(bitbucket, penstock)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BACKSTOP", 0.05)
    monkeypatch.setattr(changes, "SETTLING", 0.1)


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        simulator.credentials.add_token(TOKEN)
        yield simulator


@pytest.fixture
async def stage(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(bitbucket, tmp_path) as running:
        yield running
