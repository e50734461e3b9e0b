"""What people do in a repository of the simulated cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from service.simulator import payloads
from service.simulator.actors import MAYA, Actor
from service.simulator.commits import Commit, Files
from service.simulator.merging import merge
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
from service.simulator.runs import Run
from service.simulator.settings import HOOK_EVENTS, Hook, PullRequest, Variable
from service.simulator.starting import push_target, ref_target, run_by_hand, run_from_file
from service.simulator.state import RepositoryState
from service.simulator.statuses import CommitStatus, pipelines_key, status_state
from service.simulator.targets import BadTarget, Target


class HowToRun(TypedDict, total=False):
    """How to start a run by hand. The steps are `plan`'s or `steps`; else those of the pipelines file; else three."""

    commit: Commit
    custom: str
    steps: Sequence[str]
    plan: Plan
    trigger: str
    creator: Actor
    variables: Sequence[Variable]


class Repository(RepositoryState):
    """A repository to act in: each method returns once its deliveries have been answered."""

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

    # -- pull requests --------------------------------------------------------------------------------------------

    async def merge(self, one: PullRequest, *, actor: Actor = MAYA) -> Commit:
        """Press the button. Raises CannotMerge where both branches have changed the same lines."""
        await self.merged(one, merge(self, one, actor), actor)
        return self.head(one.destination)

    async def merged(self, one: PullRequest, changes: Sequence[RefChange], actor: Actor) -> None:
        """Announce a merge, and the branches that it moved or took away."""
        await self.announce("pullrequest:fulfilled", payloads.pull_request(self, one, actor))
        for change in changes:
            await self.pushed([change], actor)

    async def decline(self, one: PullRequest, *, actor: Actor = MAYA) -> None:
        one.state, one.updated_on = "DECLINED", self.cloud.clock.now()
        await self.announce("pullrequest:rejected", payloads.pull_request(self, one, actor))

    # -- the repository itself ------------------------------------------------------------------------------------

    def hook(self, url: str, *, secret: str = "", events: Sequence[str] = HOOK_EVENTS, active: bool = True) -> Hook:
        """Subscribe `url`, to everything by default, as a person does in the settings."""
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
        self.workspace, self.owner = workspace, self.cloud.workspace(workspace)
        await self.announce("repo:transfer", payloads.transferred(self, previous, actor))

    async def delete(self, *, actor: Actor = MAYA) -> None:
        """Delete it: REST answers 404 from now on."""
        self.deleted = True
        await self.announce("repo:deleted", payloads.deleted(self, actor))
