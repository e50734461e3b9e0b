"""A repository of the simulated cloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from service.simulator import payloads
from service.simulator.actors import MAYA, Actor, new_uuid
from service.simulator.cloud import SITE, Cloud
from service.simulator.commits import Commit, Files
from service.simulator.plan import Plan, play
from service.simulator.pushing import (
    REFS_THAT_START_RUNS,
    Create,
    CreateTag,
    Delete,
    DeleteTag,
    Force,
    RefChange,
    Update,
    Wish,
)
from service.simulator.refs import Refs
from service.simulator.runs import Deployment, NotPossible, Run
from service.simulator.settings import Environment, Hook, PullRequest, Variable, Variables
from service.simulator.starting import push_target, ref_target, run_by_hand, run_from_file
from service.simulator.statuses import CommitStatus, pipelines_key, status_state
from service.simulator.targets import BadTarget, Target

HOOK_EVENTS = (
    "repo:push",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "repo:updated",
    "repo:transfer",
    "repo:deleted",
    "pipeline:span_created",
)


class HowToRun(TypedDict, total=False):
    """How to start a run by hand. The steps are `plan`'s or `steps`; else those of the pipelines file; else three."""

    commit: Commit
    custom: str
    steps: Sequence[str]
    plan: Plan
    trigger: str
    creator: Actor
    variables: Sequence[Variable]


class Repository:
    """What people do in a repository, as methods: each returns once its deliveries have been answered.

    `runs_on_push` lets a push start what the pipelines file says, as Bitbucket does; otherwise runs start by
    `start_run`. `plays`, if set, is asked for each run that a push or the REST API started: it goes by the plan, or by
    hand where there is none.
    """

    def __init__(self, cloud: Cloud, full_name: str, *, main: str = "main", owner: Actor | None = None) -> None:
        self.cloud = cloud
        self.workspace, self.slug = full_name.split("/")
        self.name = self.slug
        self.uuid = new_uuid()
        self.owner = owner or Actor(self.workspace.title(), kind="team")
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

    # -- what it is -----------------------------------------------------------------------------------------------

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

    # -- pushes ---------------------------------------------------------------------------------------------------

    async def push(
        self,
        branch: str | None = None,
        files: Files | None = None,
        *,
        message: str = "Change something",
        author: Actor | str | None = None,
        commits: int = 1,
        actor: Actor = MAYA,
    ) -> Commit:
        """Push commits to a branch, made if it is new. The author, if given as text, has no account here."""
        branch = branch or self.refs.main
        await self.push_refs(Update(branch, files or {}, message, author, commits), actor=actor)
        return self.head(branch)

    async def push_refs(self, *wishes: Wish, actor: Actor = MAYA) -> Sequence[RefChange]:
        """One push that moves any number of refs, in one delivery; without any, the empty push that also happens."""
        changes = [self.refs.apply(wish, actor) for wish in wishes]
        await self.pushed(changes, actor)
        return changes

    async def create_branch(self, name: str, at: Commit | None = None) -> Commit:
        await self.push_refs(Create(name, at))
        return self.head(name)

    async def delete_branch(self, name: str) -> None:
        await self.push_refs(Delete(name))

    async def force_push(self, branch: str, to: Commit | None = None) -> Commit:
        """Point a branch elsewhere, or, without `to`, at a rewritten form of its newest commit."""
        await self.push_refs(Force(branch, to))
        return self.head(branch)

    async def tag(self, name: str, at: Commit | None = None, *, message: str | None = None) -> Commit:
        await self.push_refs(CreateTag(name, at, message))
        return self.head(name)

    async def delete_tag(self, name: str) -> None:
        await self.push_refs(DeleteTag(name))

    async def pushed(self, changes: Sequence[RefChange], actor: Actor) -> None:
        """Announce refs that have moved, then start what they start."""
        await self.announce("repo:push", payloads.push(self, changes, actor))
        if not self.runs_on_push or not self.pipelines_enabled or len(changes) > REFS_THAT_START_RUNS:
            return
        for change in changes:
            if target := push_target(change):
                await self._start_pushed(target, actor)

    async def _start_pushed(self, target: Target, actor: Actor) -> None:
        try:
            run = run_from_file(self, target, trigger="PUSH", creator=actor)
        except BadTarget as error:
            run = run_by_hand(self, target, (), trigger="PUSH", creator=actor)
            self.runs.append(run)
            await run.finish("ERROR", error=str(error))
            return
        if run:
            await self.launch(run)

    # -- runs -----------------------------------------------------------------------------------------------------

    async def start_run(self, ref: str | None = None, **how: Unpack[HowToRun]) -> Run:
        """Start a run on a ref (the main branch by default) and return it with its first step in progress."""
        run = self.queue_run(ref, **how)
        await run.begin()
        if plan := how.get("plan"):
            self.cloud.spawn(play(run, plan))
        return run

    def queue_run(self, ref: str | None = None, **how: Unpack[HowToRun]) -> Run:
        """Like `start_run`, but the run is still PARSING: it has no steps and nothing has been announced."""
        target = ref_target(self, ref or self.refs.main, how.get("commit"), how.get("custom"))
        plan = how.get("plan")
        run = run_by_hand(
            self,
            target,
            plan.definitions if plan else how.get("steps"),
            trigger=how.get("trigger", "PUSH"),
            creator=how.get("creator", MAYA),
            variables=tuple(how.get("variables", ())),
        )
        self.runs.append(run)
        return run

    async def launch(self, run: Run) -> None:
        """Add a run that a push or the REST API asked for: it goes by its plan, or waits PENDING to be driven."""
        self.runs.append(run)
        await run.parsed()
        if plan := self.plays(run) if self.plays else None:
            self.cloud.spawn(play(run, plan))

    async def announce_run(self, run: Run, word: str) -> None:
        """Write the commit status of a run that began (INPROGRESS) or ended with the result `word`; then the span."""
        ended = word != "INPROGRESS"
        refname = run.target.ref_name
        await self.set_status(
            run.target.commit,
            pipelines_key(refname or run.target.commit.hash),
            status_state(word) if ended else word,
            name=f"Pipeline #{run.build_number}" + (f" for {refname}" if refname else ""),
            url=run.url,
            refname=refname,
            actor=run.creator,
        )
        if ended:
            await self.announce("pipeline:span_created", payloads.span(run))

    async def set_status(
        self,
        commit: Commit,
        key: str,
        state: str,
        *,
        name: str = "",
        url: str = "",
        refname: str | None = None,
        description: str = "",
        actor: Actor = MAYA,
    ) -> CommitStatus:
        """Write a build status, anybody's: Pipelines writes its own this way, and so does a forger."""
        now = self.cloud.clock.now()
        status = CommitStatus(commit, key, state, name, refname, description, url, created_on=now, updated_on=now)
        event_key = self.write_status(status)
        await self.announce(event_key, payloads.commit_status(self, status, actor))
        return status

    def write_status(self, status: CommitStatus) -> str:
        """Put `status` in the place of the one with its commit and key; the event key that says so."""
        known = self.statuses.get((status.commit.hash, status.key))
        self.statuses[status.commit.hash, status.key] = status
        if known is None:
            return "repo:commit_status_created"
        status.created_on = known.created_on
        return "repo:commit_status_updated"

    # -- the repository itself ------------------------------------------------------------------------------------

    def hook(self, url: str, *, secret: str = "", events: Sequence[str] = HOOK_EVENTS, active: bool = True) -> Hook:
        """Subscribe `url`, as a person does in the settings."""
        hook = Hook(url, tuple(events), self.cloud.clock.now(), secret, active=active)
        self.hooks.append(hook)
        return hook

    async def rename(self, name: str, *, actor: Actor = MAYA) -> None:
        """Change name and slug; the uuid stays."""
        before = payloads.naming(self)
        self.name, self.slug = name, name.lower().replace(" ", "-")
        await self.announce("repo:updated", payloads.updated(self, before, actor))

    async def transfer(self, workspace: str, *, actor: Actor = MAYA) -> None:
        """Give the repository to another workspace; the uuid stays."""
        previous = self.owner
        self.workspace, self.owner = workspace, Actor(workspace.title(), kind="team")
        await self.announce("repo:transfer", payloads.transferred(self, previous, actor))

    async def delete(self, *, actor: Actor = MAYA) -> None:
        """Delete it: REST answers 404 from now on."""
        self.deleted = True
        await self.announce("repo:deleted", payloads.deleted(self, actor))

    async def announce(self, event_key: str, payload: object) -> None:
        await self.cloud.courier.announce(self.hooks, event_key, payload)
