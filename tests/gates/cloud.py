"""A Bitbucket in memory, behind the client's own methods: for tests that ask too often for HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from service.bitbucket.answers import Run, Step
from service.bitbucket.answers.parts import Hash, Named
from service.bitbucket.answers.runs import Result, RunState, Selector, Target
from service.client import AlreadyEnded, NotFound, Unreachable
from service.outbound import Reply
from tests.living import push, status

# The file of those commits that offer a way back.
OFFERING = b"pipelines: {custom: {rollback: [], rollback-staging: []}}\n"


@dataclass
class CloudRun:
    """A run as Bitbucket has it. `for_execution` is the one on whose behalf Penstock started it."""

    number: int
    branch: str
    commit: str
    created_on: datetime
    trigger: str
    custom: str | None = None
    for_execution: int | None = None
    state: str = "PENDING"
    result: str | None = None
    run_number: int = 1
    ended_on: datetime | None = None

    @property
    def answer(self) -> Run:
        selector = Selector(type="custom", pattern=self.custom) if self.custom else None
        return Run(
            uuid=f"{{{self.number:08d}-0000-4000-8000-000000000000}}",
            build_number=self.number,
            state=RunState(name=self.state, result=Result(name=self.result) if self.result else None),
            created_on=self.created_on,
            completed_on=self.ended_on,
            target=Target(ref_type="branch", ref_name=self.branch, commit=Hash(hash=self.commit), selector=selector),
            trigger=Named(name=self.trigger),
            run_number=self.run_number,
        )


@dataclass
class Cloud:
    """Answers whoever asks, and lays every status that it writes into `mail`, which a test delivers as it likes.

    Its clock is its own: `ahead` of everybody else's. `cuts` says how many of the next starts are carried out and
    answered by a broken connection; while it is `down` nothing is answered at all. The files of the commits in
    `offering` have a pipeline that rolls back.
    """

    clock: Any
    offering: frozenset[str] = frozenset()
    runs_: dict[int, CloudRun] = field(default_factory=dict)
    mail: list[dict[str, Any]] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
    ahead: timedelta = timedelta(seconds=90)
    cuts: int = 0
    down: bool = False
    ticks: int = 0

    def now(self) -> datetime:
        self.ticks += 1
        found: datetime = self.clock() + self.ahead + timedelta(milliseconds=self.ticks)
        return found.astimezone(UTC)

    def push(self, branch: str, commit: str, *, runs: bool) -> None:
        self.heads[branch] = commit
        self.mail.append(push(branch, commit))
        if runs:
            self.open(branch, commit, "PUSH")

    def open(self, branch: str, commit: str, trigger: str, **more: Any) -> CloudRun:
        run = CloudRun(len(self.runs_) + 1, branch, commit, self.now(), trigger, **more)
        self.runs_[run.number] = run
        return run

    def begin(self, run: CloudRun) -> None:
        run.state = "IN_PROGRESS"
        self._say(run, "INPROGRESS", self.now())

    def end(self, run: CloudRun, result: str) -> None:
        run.state, run.result, run.ended_on = "COMPLETED", result, self.now()
        self._say(run, result, run.ended_on + timedelta(milliseconds=300))

    def rerun(self, run: CloudRun) -> None:
        run.run_number, run.result, run.ended_on = run.run_number + 1, None, None
        self.begin(run)

    def _say(self, run: CloudRun, word: str, at: datetime) -> None:
        self.mail.append(status(run.number, word, run.commit, branch=run.branch, at=at.isoformat()))

    # -- what the client asks -----------------------------------------------------------------------------------------

    async def for_repository(self, repository: Any, *, urgent: bool = False) -> Cloud | None:
        return self if repository.credential_id is not None else None

    async def branch(self, repository: str, name: str) -> Any:
        self._answer()
        return type("Branch", (), {"target": Hash(hash=self.heads.get(name, "0" * 40))})

    async def run(self, repository: str, number: Any) -> Run:
        self._answer()
        if isinstance(number, str):
            number = int(number[1:9])
        return self.runs_[number].answer

    async def runs(self, repository: str, *, limit: int, commit: str | None = None) -> list[Run]:
        self._answer()
        found = [run.answer for run in self.runs_.values() if commit in (None, run.commit)]
        return found[::-1][:limit]

    async def steps(self, repository: str, run_uuid: str) -> list[Step]:
        self._answer()
        run = self.runs_[int(run_uuid[1:9])]
        if run.state == "PENDING":
            return []
        state = RunState(name="IN_PROGRESS" if run.result is None else "COMPLETED")
        made = {"uuid": run_uuid, "name": "Deploy", "state": state, "run_number": run.run_number}
        return [Step(**made, started_on=run.created_on + timedelta(milliseconds=1))]

    async def source(self, repository: str, commit: str, path: str) -> bytes:
        self._answer()
        if commit not in self.offering:
            raise NotFound(f"there is no {path} at {commit}")
        return OFFERING

    async def start_run(
        self, repository: str, *, branch: str, commit: str, custom: Any, variables: Any, yaml: Any = None
    ) -> Run:
        self._answer()
        [execution_id] = [int(one.value) for one in variables if one.key == "PENSTOCK_EXECUTION_ID"]
        run = self.open(branch, commit, "MANUAL", custom=custom, for_execution=execution_id)
        if self.cuts:
            self.cuts -= 1
            raise Unreachable("the connection broke", maybe_done=True)
        return run.answer

    async def stop_run(self, repository: str, run_uuid: str) -> None:
        self._answer()
        run = self.runs_[int(run_uuid[1:9])]
        if run.result is not None:
            raise AlreadyEnded("it has ended", status=400)
        self.end(run, "STOPPED")

    def _answer(self) -> None:
        if self.down:
            raise Unreachable("Bitbucket does not answer")


@dataclass
class Site:
    """What a health check asks."""

    well: bool = True

    async def send(self, method: str, url: str, **_: Any) -> Reply:
        return Reply(200 if self.well else 503, httpx.Headers(), b"")
