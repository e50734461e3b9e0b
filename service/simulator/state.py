"""What a repository of the simulated cloud has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.simulator.actors import Actor, new_uuid
from service.simulator.cloud import SITE, Cloud
from service.simulator.commits import Commit
from service.simulator.plan import Plan
from service.simulator.refs import Refs
from service.simulator.runs import NotPossible, Run
from service.simulator.settings import Environment, Hook, PullRequest, Variables
from service.simulator.statuses import CommitStatus
from service.simulator.steps import Deployment


class RepositoryState:
    """Refs, runs, settings of one repository; `Repository` adds what people do with them.

    `runs_on_push` lets a push start what the pipelines file says, as Bitbucket does; otherwise runs start by
    `start_run`. `plays`, if set, is asked for each run that a push or the REST API started: it goes by the plan, or by
    hand where there is none.
    """

    def __init__(self, cloud: Cloud, full_name: str, *, main: str = "main", owner: Actor | None = None) -> None:
        self.cloud = cloud
        self.workspace, self.slug = full_name.split("/")
        self.name = self.slug
        self.uuid = new_uuid()
        self.owner = owner or cloud.workspace(self.workspace)
        self.project_uuid = new_uuid()
        self.created_on: datetime = cloud.clock.now()
        self.refs = Refs(main, cloud.clock)
        self.runs: list[Run] = []
        self.runs_on_push = False
        self.plays: Callable[[Run], Plan | None] | None = None
        self.pipelines_enabled = True
        self.next_build = 1
        self.new_style_urls = False
        self.variables = Variables()
        self.environments: list[Environment] = []
        self.deployments: list[Deployment] = []
        self.hooks: list[Hook] = []
        self.statuses: dict[tuple[str, str], CommitStatus] = {}
        self.pull_requests: list[PullRequest] = []
        self.logs_honour_range = True
        self.deleted = False

    @property
    def full_name(self) -> str:
        return f"{self.workspace}/{self.slug}"

    @property
    def api(self) -> str:
        return f"{self.cloud.api_url}/repositories/{self.full_name}"

    @property
    def html(self) -> str:
        return f"{SITE}/{self.full_name}"

    @property
    def latest_run(self) -> Run:
        """The newest run. Raises NotPossible where nothing has run yet."""
        if not self.runs:
            raise NotPossible(f"{self.full_name} has no run yet; start_run() one, or set runs_on_push and push")
        return self.runs[-1]

    def head(self, ref: str | None = None) -> Commit:
        """The commit a branch (the main one by default) or tag points at."""
        return self.refs.head(ref or self.refs.main)

    def environment(self, name: str) -> Environment:
        """The environment of that name or slug, made if there is none: a first deployment makes its environment."""
        for environment in self.environments:
            if name.lower() in {environment.name.lower(), environment.slug}:
                return environment
        kind = next((kind for kind in ("Production", "Staging") if kind.lower() in name.lower()), "Test")
        environment = Environment(name.capitalize(), kind)
        self.environments.append(environment)
        return environment

    def next_build_number(self) -> int:
        self.next_build += 1
        return self.next_build - 1

    def write_status(self, status: CommitStatus) -> str:
        """Put `status` in the place of the one with its commit and key; the event key that says so."""
        known = self.statuses.get((status.commit.hash, status.key))
        self.statuses[status.commit.hash, status.key] = status
        if known is None:
            return "repo:commit_status_created"
        status.created_on = known.created_on
        return "repo:commit_status_updated"

    async def announce(self, event_key: str, payload: object) -> None:
        await self.cloud.courier.announce(self.hooks, event_key, payload)
