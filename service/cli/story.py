"""What the demo tells: each chapter makes something happen at Bitbucket, and looks what Penstock made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from service.simulator import Plan, PlannedStep, Repository, Run, Simulator, uneventful
from service.simulator.settings import PullRequest

PIPELINES = """
pipelines:
  branches:
    main:
      - step: {name: Build, script: [npm ci, npm run build]}
      - step: {name: Test, script: [npm test]}
      - step: {name: Deploy to production, deployment: production, script: [./deploy.sh]}
  custom:
    rollback:
      - variables: [{name: RELEASE, default: previous}]
      - step: {name: Roll back production, deployment: production, script: [./rollback.sh]}
"""
SHOP = {
    "package.json": '{"name": "shop", "dependencies": {"react": "^18.2.0"}}\n',
    "bitbucket-pipelines.yml": PIPELINES,
}
API = {"requirements.txt": "fastapi==0.115.0\nuvicorn==0.30.0\n", "app/main.py": "from fastapi import FastAPI\n"}
QUAY = {
    "package.json": '{"name": "quay", "dependencies": {"express": "^5.1.0"}, "scripts": {"start": "node server.js"}}\n',
    "package-lock.json": "{}\n",
    "server.js": "require('express')().listen(process.env.PORT)\n",
    ".nvmrc": "20\n",
}
DOCS = {"index.html": "<h1>Handbook</h1>\n"}

PIPELINES = "bitbucket-pipelines.yml"

# What opens the Bitbucket to play with, as everything does.
TOKEN = "a-token-of-the-demo"  # noqa: S105

# The state that a chapter waits for comes within moments; this is for machines that are busy.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the demo's table. `right` says whether it ended as the story has it."""

    happened: str
    recorded: str
    right: bool


@dataclass
class Stage:
    """The two sides of the story: Bitbucket, and Penstock's API."""

    bitbucket: Simulator
    penstock: httpx.AsyncClient
    seconds: float  # how long a step of a run takes
    repositories: dict[str, Repository] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    credential_id: int | None = None

    async def connect(self, full_name: str, files: dict[str, str]) -> Repository:
        """The repository at Bitbucket, connected with a credential: Penstock makes the webhook there by itself."""
        repository = self.bitbucket.repository(full_name, files)
        workspace, slug = full_name.split("/")
        body = {"workspace": workspace, "slug": slug, "credential_id": await self._credential()}
        made = await self._post("/api/repositories", body)
        self.repositories[full_name], self.ids[full_name] = repository, made["id"]
        for _ in range(int(PATIENCE / 0.05)):
            if repository.hooks:
                break
            await asyncio.sleep(0.05)
        return repository

    async def _credential(self) -> int:
        if self.credential_id is None:
            made = await self._post("/api/credentials", {"kind": "access_token", "name": "demo", "token": TOKEN})
            self.credential_id = int(made["id"])
        return self.credential_id

    async def roll_back_by_itself(self, full_name: str) -> None:
        """From now on Penstock rolls production back when a deployment to it has failed."""
        pipelines = await self._get("/api/pipelines", repository_id=self.ids[full_name])
        path = f"/api/pipelines/{pipelines['items'][0]['id']}/environments/production"
        (await self.penstock.put(path, json={"rollback_policy": "on_failure"})).raise_for_status()

    def plan(self, *, fails_at: str | None = None) -> Plan:
        """Build, test and deploy, as the generated pipelines do."""
        steps = (
            ("Build", None, ("+ npm ci", "added 213 packages", "+ npm run build", "dist/ 412 kB")),
            ("Test", None, ("+ npm test", "42 passed")),
            ("Deploy to production", "production", ("+ ./deploy.sh", "uploading release", "checking health")),
        )
        return Plan(
            tuple(
                PlannedStep(name, self.seconds, deployment, "FAILED" if name == fails_at else "SUCCESSFUL", log)
                for name, deployment, log in steps
            )
        )

    async def run(self, repository: Repository, *, fails_at: str | None = None) -> Run:
        """A run of the newest commit on main, from its begin to its end."""
        run = await repository.start_run("main", plan=self.plan(fails_at=fails_at))
        await self.bitbucket.settled()
        return run

    async def execution(self, full_name: str, number: int, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The execution of a run, once it is as wanted or patience has run out."""
        found: dict[str, Any] = {}
        for _ in range(int(PATIENCE / 0.05)):
            pipelines = await self._get("/api/pipelines", repository_id=self.ids[full_name])
            listed = await self._get(f"/api/pipelines/{pipelines['items'][0]['id']}/executions")
            found = next((e for e in listed["items"] if e["bitbucket_build_number"] == number), found)
            if found and wanted(found):
                break
            await asyncio.sleep(0.05)
        return found

    async def verdict(self, event_key: str) -> dict[str, Any]:
        """The first verdict of the newest delivery of its kind, once it is processed."""
        for _ in range(int(PATIENCE / 0.05)):
            newest = (await self._get("/api/deliveries", event_key=event_key, limit=1))["items"][0]
            if newest["status"] != "accepted":
                verdict: dict[str, Any] = (await self._get(f"/api/deliveries/{newest['id']}"))["verdicts"][0]
                return verdict
            await asyncio.sleep(0.05)
        return {"verdict": "none", "reason": "it was not processed in time"}

    async def generate(self, body: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = await self._post("/api/pipelines/generate", body)
        return made

    async def revisions(self, pipeline_id: int) -> list[dict[str, Any]]:
        """The newest first."""
        found: list[dict[str, Any]] = (await self._get(f"/api/pipelines/{pipeline_id}"))["config_revisions"]
        return found

    async def proposed(self, repository: Repository, number: int) -> PullRequest | None:
        """The pull request of that number, once it is there."""
        for _ in range(int(PATIENCE / 0.05)):
            if len(repository.pull_requests) >= number:
                return repository.pull_requests[number - 1]
            await asyncio.sleep(0.05)
        return None

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.penstock.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def _get(self, path: str, **params: Any) -> Any:
        answer = await self.penstock.get(path, params=params)
        answer.raise_for_status()
        return answer.json()


Chapter = Callable[[Stage], Awaitable[Told]]


async def a_push_that_succeeds(stage: Stage) -> Told:
    shop = await stage.connect("acme/shop", SHOP)
    await shop.push("main", {"src/App.jsx": "export default () => <h1>Shoes</h1>\n"}, message="Sell shoes")
    run = await stage.run(shop)
    found = await stage.execution("acme/shop", run.build_number, lambda e: e["status"] == "SUCCESS")
    return _told("acme/shop: a push to main, its run succeeds", found, found.get("status") == "SUCCESS")


async def a_run_that_fails_while_deploying(stage: Stage) -> Told:
    api = await stage.connect("acme/api", API)
    await api.push("main", {"app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n"}, message="Serve the API")
    run = await stage.run(api, fails_at="Deploy to production")
    found = await stage.execution("acme/api", run.build_number, lambda e: e["status"] == "FAILED")
    at_the_step = "Deploy to production" in (found.get("error_message") or "")
    return _told("acme/api: a run fails while it deploys", found, found.get("status") == "FAILED" and at_the_step)


async def a_rerun_of_the_failed_step(stage: Stage) -> Told:
    run = stage.repositories["acme/api"].runs[-1]
    await run.rerun()
    await asyncio.sleep(stage.seconds)
    await run.finish("SUCCESSFUL")
    found = await stage.execution("acme/api", run.build_number, lambda e: e["status"] == "SUCCESS")
    right = (found.get("status"), found.get("attempt")) == ("SUCCESS", 2)
    return _told("acme/api: somebody runs the failed step again, it succeeds", found, right)


async def deliveries_out_of_order(stage: Stage) -> Told:
    docs = await stage.connect("acme/docs", DOCS)
    faults = stage.bitbucket.delivery_faults
    faults.hold_back()
    faults.duplicate(copies=3, times=3)
    await docs.push("main", {"index.html": "<h1>The handbook</h1>\n"}, message="Say which handbook")
    run = await stage.run(docs)
    await stage.bitbucket.release(newest_first=True)
    await stage.bitbucket.settled()
    found = await stage.execution("acme/docs", run.build_number, lambda e: e["status"] == "SUCCESS")
    return _told(
        "acme/docs: every webhook arrives late, newest first, some three times", found, found.get("status") == "SUCCESS"
    )


async def no_webhook_at_all(stage: Stage) -> Told:
    docs = stage.repositories["acme/docs"]
    stage.bitbucket.delivery_faults.drop(times=4)
    await docs.push("main", {"index.html": "<h1>The best handbook</h1>\n"}, message="Praise the handbook")
    run = await stage.run(docs)
    found = await stage.execution("acme/docs", run.build_number, lambda e: e["status"] == "SUCCESS")
    return _told("acme/docs: every webhook is lost, the run succeeds", found, found.get("status") == "SUCCESS")


async def a_forged_status(stage: Stage) -> Told:
    shop = stage.repositories["acme/shop"]
    run = await shop.start_run("main", steps=["Build", "Test"])
    await shop.set_status(
        shop.head("main"),
        "3343801",
        "SUCCESSFUL",
        name=f"Pipeline #{run.build_number} for main",
        url=run.url,
        refname="main",
    )
    found = await stage.execution("acme/shop", run.build_number, lambda e: e["reported_status"] == "SUCCESS")
    right = (found.get("status"), found.get("reported_status")) == ("BUILDING", "SUCCESS")
    told = f"#{run.build_number} {found.get('status')}, reported {found.get('reported_status')}: not believed"
    await run.finish("SUCCESSFUL")
    return Told("acme/shop: somebody forges a green status of a run that goes on", told, right)


async def a_branch_that_nobody_deploys(stage: Stage) -> Told:
    await stage.repositories["acme/shop"].push("wild-idea", {"idea.md": "Sell hats\n"}, message="Think of hats")
    verdict = await stage.verdict("repo:push")
    recorded = f"{verdict['verdict']}: {verdict['reason']}"
    return Told("acme/shop: a push to a branch that no environment deploys", recorded, verdict["verdict"] == "ignored")


async def a_status_of_somebody_else(stage: Stage) -> Told:
    shop = stage.repositories["acme/shop"]
    await shop.set_status(shop.head("main"), "lint", "FAILED", name="Code style", url="https://style.example.com/1")
    verdict = await stage.verdict("repo:commit_status_created")
    recorded = f"{verdict['verdict']}: {verdict['reason']}"
    return Told("acme/shop: another tool posts a red status", recorded, verdict["verdict"] == "ignored")


async def a_rename(stage: Stage) -> Told:
    await stage.repositories["acme/docs"].rename("handbook")
    verdict = await stage.verdict("repo:updated")
    return Told("acme/docs: it is renamed to handbook", verdict["reason"], verdict["verdict"] == "renamed")


async def a_config_change(stage: Stage) -> Told:
    """Generated, merged, edited by a person; then a newer Node: what is proposed keeps the person's line."""
    quay = await stage.connect("acme/quay", QUAY)
    place = {"domain": "quay.example.com", "server_ip": "203.0.113.7"}
    made = await stage.generate({"repository_id": stage.ids["acme/quay"], **place})
    first = await stage.proposed(quay, 1)
    if first is None:
        return Told("acme/quay: its pipeline is generated", "no pull request came", False)
    await quay.merge(first)
    text = quay.head().files[PIPELINES].decode()
    edited = text.replace("max-time: 20", "max-time: 45  # the tests are slow")
    await quay.push("main", {PIPELINES: edited}, message="Give the tests time")
    await quay.push("main", {".nvmrc": "22\n"}, message="Move to Node 22")
    second = await stage.proposed(quay, 2)
    shown = quay.head("penstock/config").files[PIPELINES].decode() if second else ""
    newest = (await stage.revisions(made["id"]))[0]
    told = f"revision {newest['revision']}: {'; '.join(newest['changes'])}; by pull request, an edit is kept"
    right = "node:22" in shown and "max-time: 45  # the tests are slow" in shown
    return Told("acme/quay: .nvmrc asks for another Node, somebody has edited the pipeline's file", told, right)


async def a_failure_that_is_rolled_back(stage: Stage) -> Told:
    """Automatic rollback is off until an environment turns it on."""
    shop = stage.repositories["acme/shop"]
    await stage.roll_back_by_itself("acme/shop")
    shop.plays = lambda run: uneventful(run, seconds=stage.seconds)
    await shop.push("main", {"src/prices.js": "export const price = none\n"}, message="Forget the prices")
    run = await stage.run(shop, fails_at="Deploy to production")
    found = await stage.execution("acme/shop", run.build_number, lambda e: e["rolled_back"])
    back = await stage.execution("acme/shop", shop.runs[-1].build_number, lambda e: e["status"] == "SUCCESS")
    right = bool(found.get("rolled_back")) and (back.get("trigger_type"), back.get("status")) == ("rollback", "SUCCESS")
    told = _told("acme/shop: a run fails while it deploys, and is rolled back", found, right)
    recorded = f"{told.recorded}; rolled back by #{back.get('bitbucket_build_number')}, production is held"
    return replace(told, recorded=recorded)


CHAPTERS: tuple[Chapter, ...] = (
    a_push_that_succeeds,
    a_run_that_fails_while_deploying,
    a_rerun_of_the_failed_step,
    deliveries_out_of_order,
    no_webhook_at_all,
    a_forged_status,
    a_branch_that_nobody_deploys,
    a_status_of_somebody_else,
    a_rename,
    a_failure_that_is_rolled_back,
    a_config_change,
)


def _told(happened: str, execution: dict[str, Any], right: bool) -> Told:
    if not execution:
        return Told(happened, "no execution was recorded", right)
    attempt = f", attempt {execution['attempt']}" if execution["attempt"] > 1 else ""
    reason = f": {execution['error_message']}" if execution["error_message"] else ""
    recorded = (
        f"#{execution['bitbucket_build_number']} {execution['status']} on {execution['environment']}{attempt}{reason}"
    )
    return Told(happened, recorded, right)
