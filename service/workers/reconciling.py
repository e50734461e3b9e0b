"""Compares a repository at Bitbucket with our records, and writes down what no webhook has told us.

Its runs each time, for one call. Its branches and deployments more rarely, or soon where one of them is in doubt.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.bitbucket import sections
from service.bitbucket.answers import Run
from service.client import Client, Clients
from service.client.errors import BitbucketError, NotAllowed, NotFound
from service.events import Source
from service.history import Patience
from service.machine import State
from service.recorder import Record, Recorder
from service.sightings import execution_of, sighting_of
from service.store import executions, heads, pipelines, repositories
from service.store.executions import Execution
from service.store.pipelines import Pipeline
from service.store.repositories import Repository
from service.store.work import Work
from service.workers.finding import take_deployments, take_heads
from service.workers.following import later
from service.workers.surveying import ARRIVING, Survey, Surveyor
from service.workers.tasks import Writing

logger = logging.getLogger(__name__)

# A quiet repository is looked at so many times as rarely as one in which something is under way.
QUIET = 10

# By how much of its time a look may come sooner.
SOONER = 0.8

# The share of a credential's hourly calls that may go into looking where nothing seems to happen.
SHARE = 0.4

# How many of the newest runs are compared: one page, one call.
NEWEST = 50

# How long a run's absence after its push is unremarkable, in seconds.
UNREMARKABLE = ARRIVING

# What is left when all that can be seen is as it should be: minutes are told on no page of the API.
MINUTES = (
    f"Bitbucket has begun no run of the commit, though its {sections.FILE} has a pipeline for it: {{also}}has the"
    " workspace build minutes left (its settings > Plan details)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted:
    """How often to look, in seconds, where something is under way; and how many calls an hour a credential has."""

    seconds: float
    calls_per_hour: int


class Reconciler:
    """The task of kind `reconcile`, one row for each repository that has a credential."""

    def __init__(
        self,
        recorder: Recorder,
        clients: Clients,
        patience: Patience,
        budget: Budgeted,
        url_of: Callable[[str], str],
    ) -> None:
        """`url_of` makes a hook's address."""
        self._recorder = recorder
        self._clients = clients
        self._patience = patience
        self._budget = budget
        self._surveyor = Surveyor(recorder, url_of)

    async def __call__(self, piece: Work) -> Writing:
        repository_id = int(piece.payload["repository_id"])
        async with self._recorder.database.read() as connection:
            repository = await repositories.by_id(connection, repository_id)
            waiting = await executions.waiting_for_a_run(connection, repository_id)
            doubted = await heads.any_doubted(connection, repository_id, self._arrived())
        if repository is None or repository.disconnected_at or repository.credential_id is None:
            return _ended
        client = await self._clients.for_repository(repository)
        assert client is not None
        try:
            found = await client.runs(repository.address, limit=NEWEST)
            silent = await self._why_silent(client, repository, waiting, found)
            due = doubted or self._due(repository)
            survey = await self._surveyor.look(client, repository) if due else None
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None

        async def write_down(record: Record) -> float | None:
            return await self._write_down(record, repository_id, found, silent, survey)

        return write_down

    def _arrived(self) -> datetime:
        """Of a push that was made before this, a delivery has arrived if there is one."""
        return self._recorder.now() - timedelta(seconds=ARRIVING)

    def _due(self, repository: Repository) -> bool:
        """As often as a quiet repository is looked at, however much goes on in this one."""
        if repository.surveyed_at is None:
            return True
        return self._recorder.now() - repository.surveyed_at >= timedelta(seconds=self._budget.seconds * QUIET * SOONER)

    async def _why_silent(
        self, client: Client, repository: Repository, waiting: Sequence[Execution], found: Sequence[Run]
    ) -> dict[int, str]:
        """execution id → why Bitbucket has begun no run for it, for those that have waited remarkably long."""
        commits = {run.target.commit.hash for run in found if run.target.commit}
        old = self._recorder.now() - timedelta(seconds=UNREMARKABLE)
        reasons = {}
        for execution in waiting:
            commit = execution.bitbucket_commit_hash
            if commit is None or execution.created_at > old or commit in commits or execution.waiting_on:
                continue
            reasons[execution.id] = await _silent_cause(client, repository.address, commit, execution.branch)
        return reasons

    async def _write_down(
        self,
        record: Record,
        repository_id: int,
        found: Sequence[Run],
        silent: dict[int, str],
        survey: Survey | None,
    ) -> float | None:
        repository = await repositories.by_id(record.connection, repository_id, lock=True)
        if repository is None or repository.disconnected_at or repository.credential_id is None:
            return None
        pipeline = await pipelines.active_of(record.connection, repository_id)
        for run in reversed(found):  # the oldest first, as it happened
            if pipeline is not None:
                await self._compare(record, repository, pipeline.id, run)
        for execution_id, reason in silent.items():
            await executions.change(record.connection, execution_id, waiting_on=reason)
        await repositories.reconciled(record.connection, repository_id, record.now)
        if survey is not None:
            await self._take(record, repository, pipeline, survey)
        busy = await executions.under_way(record.connection, repository_id)
        calls = 1 + (survey.calls if survey else 0)
        return await self._next_look(record, repository, busy=busy, calls=calls)

    async def _take(self, record: Record, repository: Repository, pipeline: Pipeline | None, survey: Survey) -> None:
        await repositories.surveyed(record.connection, repository.id, record.now)
        await take_heads(record, repository, pipeline, survey, self._patience)
        if pipeline is not None:
            for run in survey.runs:
                await self._compare(record, repository, pipeline.id, run, deployed=True)
            busy = await executions.under_way(record.connection, repository.id)
            await take_deployments(record, repository, pipeline, survey.deployed, busy=busy)

    async def _compare(
        self, record: Record, repository: Repository, pipeline_id: int, run: Run, *, deployed: bool = False
    ) -> None:
        """`deployed`: it has deployed something since we are here, however old it is."""
        known = await executions.by_build_number(record.connection, repository.id, run.build_number)
        if known is None and run.created_on < repository.connected_at and not deployed:
            return  # what was before us is not ours to record
        if known is not None and State(known.status).final and known.confirmed and known.attempt >= run.run_number:
            return
        sighting = sighting_of(run, repository_id=repository.id, pipeline_id=pipeline_id)
        _, execution = await execution_of(record, sighting, self._patience)
        # what is under way is followed already; the rest is looked at now, with its steps, which the page does not tell
        followed = known is not None and not State(known.status).final
        due_at = record.now + timedelta(seconds=self._budget.seconds if followed else 0)
        payload = {"execution_id": execution.id, "source": Source.RECONCILE}
        await record.work("follow", str(execution.id), payload, due_at=due_at)
        if known is None and record.now - run.created_on > timedelta(seconds=UNREMARKABLE):
            # no webhook has told of it: is ours still there?
            await record.work("hook", str(repository.id), {"repository_id": repository.id})

    async def _next_look(self, record: Record, repository: Repository, *, busy: bool, calls: int) -> float:
        """Seconds. All that share a credential spend its share of calls together: what one look took, it waits for."""
        sharing = await repositories.sharing_credential(record.connection, repository.credential_id or 0)
        affordable = sharing * calls * 3600 / (self._budget.calls_per_hour * SHARE)
        wanted = self._budget.seconds * (1 if busy else QUIET)
        if await heads.any_doubted(record.connection, repository.id, record.now):
            wanted = min(wanted, ARRIVING / SOONER)
        # they were connected together; they need not be looked at together for ever
        return max(wanted * random.uniform(SOONER, 1), affordable * random.uniform(1, 2 - SOONER))  # noqa: S311


async def _silent_cause(client: Client, name: str, commit: str, branch: str | None) -> str:
    """Asked once for each execution: whatever it is, it is told."""
    also = ""
    try:
        if not await client.pipelines_enabled(name):
            return "Pipelines is switched off: enable it in the repository's settings at Bitbucket"
    except NotAllowed:
        also = "is Pipelines switched on there, and "  # only an administrator's token may look
    try:
        text = await client.source(name, commit, sections.FILE)
    except NotFound:
        return f"the commit has no {sections.FILE}: generate one, or add it"
    return (branch and sections.nothing_for(text, branch)) or MINUTES.format(also=also)


async def _ended(record: Record) -> float | None:
    """The repository is gone, or has no credential any more: connecting it again writes a new row."""
    return None
