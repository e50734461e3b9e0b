"""A shop that is deployed and rolled back, with Bitbucket simulated beside the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.simulator import Plan, Run, Simulator
from service.simulator.plan import uneventful
from tests.both_ways.conftest import Both, both_running, quick
from tests.documented import only_documented_requests

__all__ = ["only_documented_requests", "quick"]

# The pipeline of the branch, and the one that Penstock starts to go back to a release.
PIPELINES = """
pipelines:
  branches:
    main:
      - step: {name: Build, script: [make]}
      - step: {name: Deploy, deployment: production, script: [make deploy]}
  custom:
    rollback:
      - variables: [{name: RELEASE, default: previous}]
      - step: {name: Roll back production, deployment: production, script: [make rollback]}
"""
WITHOUT = PIPELINES.partition("  custom:")[0]


@dataclass
class Story:
    """What happens to production of acme/till. `breaks` names the step at which the next runs fail."""

    both: Both
    breaks: str | None = None
    pushes: int = 0

    async def deploy(self, *, fails_at: str | None = None, files: dict[str, str] | None = None) -> dict[str, Any]:
        """A push, and its execution once it has ended."""
        self.breaks, self.pushes = fails_at, self.pushes + 1
        known = len(self.both.shop.runs)
        await self.both.shop.push("main", {"count.txt": f"{self.pushes}\n", **(files or {})})
        run = self.both.shop.runs[known]
        ended = await self.both.execution(run, status="FAILED" if fails_at else "SUCCESS")
        self.breaks = None
        return ended

    async def environment(self, **values: Any) -> dict[str, Any]:
        """Production, as it is or as it is to be from now on."""
        path = f"/api/pipelines/{self.both.pipeline_id}/environments/production"
        if values:
            answer = await self.both.penstock.client.put(path, json=values)
            assert answer.status_code == 200, answer.text
        found: dict[str, Any] = await self.both.penstock.get(path)
        return found

    async def ask(self, **body: Any) -> tuple[int, dict[str, Any]]:
        wanted = {"environment": "production", "reason": "the till is stuck", **body}
        answer = await self.both.post(f"/api/pipelines/{self.both.pipeline_id}/rollback", wanted)
        return answer.status_code, answer.json()

    async def plan(self, **body: Any) -> dict[str, Any]:
        status, plan = await self.ask(dry_run=True, **body)
        assert status == 200, plan
        return plan

    async def roll_back(self, **body: Any) -> dict[str, Any]:
        """Asked for by a person; the rollback's execution once it has succeeded."""
        status, execution = await self.ask(**body)
        assert status == 202, execution
        return await self.both.execution(execution["id"], status="SUCCESS")

    async def rollbacks(self) -> list[dict[str, Any]]:
        return [one for one in await self.both.executions() if one["trigger_type"] == "rollback"]

    async def again(self, execution: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self.both.penstock.get(f"/api/executions/{execution['id']}")
        return found

    def run_of(self, execution: dict[str, Any]) -> Run:
        return next(one for one in self.both.shop.runs if one.build_number == execution["bitbucket_build_number"])

    def sent(self, execution: dict[str, Any]) -> dict[str, str]:
        """The variables that its run was started with."""
        return {one.key: one.value for one in self.run_of(execution).variables}

    def play(self, run: Run) -> Plan:
        fails = self.breaks if any(step.name == self.breaks for step in run.all_steps) else None
        return uneventful(run, seconds=0.05, fails_at=fails)


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        simulator.repository("acme/till", files={"bitbucket-pipelines.yml": PIPELINES})
        yield simulator


@pytest.fixture
async def story(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Story]:
    async with both_running(bitbucket, tmp_path) as both:
        told = Story(both)
        both.shop.plays, both.shop.runs_on_push = told.play, True
        yield told
