"""Makes the README's picture of the dashboard: `python -m tests.browser.picture [FILE]`.

The service is the real one; what it shows is a team's afternoon, told to it as Bitbucket would.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import update

from service.events import Source, Trigger
from service.history import observe
from service.machine import Observation
from service.store import accounts, executions
from service.store.tables import deliveries, pipelines
from tests.browser.chromium import chromium
from tests.living import Hook, Living, living, push, status

PICTURE = Path(__file__).parents[2] / ".readme/dashboard.png"


@dataclass(frozen=True)
class Run:
    """One run of a repository: how many minutes ago it was pushed, and after how many more it got how far."""

    name: str
    kind: str
    number: int
    message: str
    pushed: float
    reported: tuple[tuple[str, float], ...] = ()
    stages: tuple[tuple[Trigger, float], ...] = ()

    @property
    def commit(self) -> str:
        return hashlib.sha1(f"{self.name} {self.number}".encode(), usedforsecurity=False).hexdigest()

    def at(self, after: float) -> datetime:
        return datetime.now(UTC) - timedelta(minutes=self.pushed - after)

    @property
    def newest(self) -> datetime:
        return self.at(max((after for _, after in (*self.reported, *self.stages)), default=0))


BEGAN, T = ("INPROGRESS", 0.1), Trigger
RUNS = (
    Run("harbour/ledger", "django", 311, "Close the books at midnight, local time", 190, (BEGAN, ("SUCCESSFUL", 6.4))),
    Run("harbour/status-page", "static", 57, "Say when the next ferry leaves", 95, (BEGAN, ("SUCCESSFUL", 1.2))),
    Run("harbour/tides", "fastapi", 128, "Cache the almanac for a day", 48, (BEGAN, ("FAILED", 3.1))),
    Run("harbour/shop", "react", 204, "Show prices with tax", 31, (BEGAN, ("SUCCESSFUL", 4.2))),
    Run("harbour/pilot", "express", 73, "Retry the pilot's radio", 7.3, (BEGAN,), ((T.TEST, 2.5), (T.DEPLOY, 5.9))),
    Run("harbour/lantern", "vue", 92, "Turn the lens the other way", 3.6, (BEGAN,), ((T.TEST, 2.1),)),
    Run("harbour/gateway", "docker", 18, "Answer on IPv6 too", 1.4, (BEGAN,)),
    Run("harbour/almanac", "nextjs", 40, "Moon phases on the front page", 0.4),
)


async def tell(service: Living, run: Run) -> None:
    """Connects the repository, and lets it happen."""
    hook = await service.connect(run.name)
    await service.deliver("repo:push", push("main", run.commit, message=f"{run.message}\n"), hook=hook)
    for state, after in run.reported:
        said = status(run.number, state, run.commit, at=run.at(after).isoformat(), full_name=run.name)
        await service.deliver("repo:commit_status_updated", said, hook=hook)
    await service.settled()
    for trigger, after in run.stages:
        await observe_step(service, hook, run, Observation(trigger=trigger, source=Source.API, at=run.at(after)))
    await date_back(service, hook, run)


async def observe_step(service: Living, hook: Hook, run: Run, seen: Observation) -> None:
    """What a step says, which no webhook carries."""
    async with service.house.recorder.record() as record:
        execution = await executions.by_build_number(record.connection, hook.id, run.number)
        assert execution is not None
        await observe(record, execution, seen, service.house.patience)


async def date_back(service: Living, hook: Hook, run: Run) -> None:
    """As if it had come when it happened, to a pipeline of a known kind."""
    ours = update(pipelines).where(pipelines.c.repository_id == hook.id)
    theirs = update(deliveries).where(deliveries.c.repository_id == hook.id)
    async with service.house.recorder.record() as record:
        kind = {"project_type": run.kind, "generated_at": record.now, "last_execution_at": run.newest}
        await record.connection.execute(ours.values(**kind))
        await record.connection.execute(theirs.values(received_at=run.newest))


async def sign_in_link(service: Living) -> str:
    async with service.house.recorder.record() as record:
        user = await accounts.user_named(record.connection, "ada")
        assert user is not None
        soon = record.now + timedelta(minutes=5)
        ticket = await accounts.add_ticket(record.connection, user_id=user.id, expires_at=soon)
    return f"{service.url}/sign-in?ticket={ticket}"


def photograph(link: str, picture: Path, *, width: int, scheme: Literal["light", "dark"]) -> None:
    with chromium() as browser:
        page = browser.new_context(viewport={"width": width, "height": 720}, color_scheme=scheme).new_page()
        page.goto(link)
        page.locator('[data-connection="live"]').wait_for()
        page.screenshot(path=picture, full_page=True, animations="disabled")


async def main(picture: Path, *, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with living({"PENSTOCK_DATA_DIR": directory}) as service:
            for run in RUNS:
                await tell(service, run)
            await asyncio.to_thread(photograph, await sign_in_link(service), picture, width=width, scheme=scheme)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE))
