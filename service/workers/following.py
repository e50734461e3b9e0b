"""Follows one execution at Bitbucket until it has ended: one poller for each, however many look on.

While a step runs its log is asked for and no more: the log tells that the step is over. The steps are asked for when
nobody reads the log, and the run itself when something has changed, when somebody has told of it, and every now and
then.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from service.bitbucket import runs
from service.bitbucket.answers import Run
from service.client import Client, Clients
from service.client.errors import BitbucketError, BudgetSpent, NotAllowed, NotFound, RateLimited
from service.events import Source, Trigger
from service.history import Patience, observe
from service.launching import tell_that_it_waits
from service.machine import Observation, State
from service.occupancy import waits_here
from service.recorder import Record, Recorder
from service.sightings import execution_of, sighting_of
from service.store import executions, repositories, steps, work
from service.store.executions import Execution
from service.store.repositories import Repository
from service.store.steps import StepRow
from service.store.work import Work
from service.workers.pacing import Look, Pace, next_look, watched
from service.workers.tasks import Again, Later, Writing
from service.workers.told import Told, deployments_of, go_on, is_running

# Seconds after which a run that Bitbucket does not know (any more) is asked for once more, before it counts as lost.
GONE = 60.0

# Seconds before a credential that does not work is tried again: somebody has to mend it first.
BROKEN = 900.0

# Seconds before the next try when Bitbucket cannot be reached; doubled each time, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0

# Seconds before the next try when the budget is spent, at most.
LONGEST_WAIT = 3600.0


class Follower:
    """The task of kind `follow`. Its rows are written by handlers, by whoever triggers a run, and by the reconciler."""

    def __init__(self, recorder: Recorder, clients: Clients, patience: Patience, pace: Pace) -> None:
        self._recorder = recorder
        self._clients = clients
        self._patience = patience
        self._pace = pace

    async def __call__(self, piece: Work) -> Writing:
        execution_id = int(piece.payload["execution_id"])
        async with self._recorder.database.read() as connection:
            execution = await executions.by_id(connection, execution_id)
            repository = await repositories.by_id(connection, execution.repository_id) if execution else None
            known = await steps.of_execution(connection, execution_id)
            trouble = await work.trouble_of(connection, "tail", str(execution_id))
        if execution is None or repository is None or execution.bitbucket_build_number is None:
            return _nothing
        client = await self._clients.for_repository(repository)
        if client is None:
            return _nothing
        look, now = Look.of(piece.payload), self._recorder.now()
        whole = execution.bitbucket_pipeline_uuid is None or look.is_over(self._pace, now) or trouble is not None
        if not whole and watched(execution, now) and any(is_running(step) for step in known):
            return self._going_on(execution, repository, look)
        try:
            if not whole:
                return await self._ask_for_the_steps(client, repository, execution, known, look)
            source = Source(piece.payload.get("source", Source.API))
            return await self._ask(client, repository, execution, known, source)
        except BudgetSpent as error:
            return self._going_on(execution, repository, look, until=error.until)
        except NotFound as error:
            if piece.error != str(error):
                raise Later(GONE, str(error)) from None
            return self._lost(execution_id)
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None

    async def _ask(
        self, client: Client, repository: Repository, execution: Execution, known: Sequence[StepRow], source: Source
    ) -> Writing:
        name = repository.address
        number = execution.bitbucket_pipeline_uuid or execution.bitbucket_build_number
        run = await client.run(name, number or 0)
        found = await client.steps(name, run.uuid)
        deployments = await deployments_of(client, name, known, found)
        return self._seen(execution, repository, Told(run, found, deployments, source))

    async def _ask_for_the_steps(
        self, client: Client, repository: Repository, execution: Execution, known: Sequence[StepRow], look: Look
    ) -> Writing:
        """The run is asked for only where they tell something new. Of one that has ended they are final after it."""
        name, uuid = repository.address, execution.bitbucket_pipeline_uuid or ""
        found = await client.steps(name, uuid)
        if go_on(known, found):
            return self._going_on(execution, repository, look)
        run = await client.run(name, uuid)
        if runs.ended(run):
            found = await client.steps(name, uuid)
        deployments = await deployments_of(client, name, known, found)
        return self._seen(execution, repository, Told(run, found, deployments, Source.API))

    def _going_on(
        self, execution: Execution, repository: Repository, look: Look, *, until: datetime | None = None
    ) -> Writing:
        """Nothing new is known. `until` is when the credential has calls again, where it has none."""

        async def write_down(record: Record) -> Again:
            if until is None:
                await record.work("tail", str(execution.id), {"execution_id": execution.id})
            after = await next_look(record, execution, repository, self._pace, look.asked_at)
            if until is None:
                return Again(after.every, after.payload(execution.id))
            seconds = max(after.every, (until - record.now) / timedelta(seconds=1))
            seconds *= random.uniform(1.0, 1.5)  # noqa: S311 - of many that wait none would get the two that it needs
            return Again(seconds, replace(after, every=round(seconds, 3), slowed=True).payload(execution.id))

        return write_down

    def _seen(self, execution: Execution, repository: Repository, told: Told) -> Writing:
        async def write_down(record: Record) -> Again | None:
            return await self._write_down(record, execution.id, repository, told)

        return write_down

    async def _write_down(self, record: Record, execution_id: int, repository: Repository, told: Told) -> Again | None:
        run, found = told.run, told.steps
        execution = await locked(record, execution_id)
        if execution is None:
            return None
        if not _same(execution, run):
            await self._part(record, execution, run)
            return None
        await steps.put(record.connection, execution.id, told.seen())
        for seen in runs.observations_of(run, found, source=told.source, deployments=told.deployments):
            _, execution = await observe(record, execution, seen, self._patience, hints_end=False)
        waiting = execution.waiting_on if waits_here(execution) else None
        paused = runs.waiting_on(run, found)
        known = {"bitbucket_pipeline_uuid": run.uuid, "waiting_on": paused or waiting}
        before, execution = execution, await executions.change(record.connection, execution.id, **known)
        if paused is not None and runs.by_hand(run, found) and before.waiting_on != paused:
            await _tell_of_the_step(record, execution)
        await record.work("tail", str(execution.id), {"execution_id": execution.id})
        if runs.ended(run):
            return None
        after = await next_look(record, execution, repository, self._pace, record.now)
        return Again(after.every, after.payload(execution.id))

    async def _part(self, record: Record, execution: Execution, run: Run) -> None:
        """Bitbucket says that the run with this number is of another commit.

        Where it had said so before of this one, the answer is wrong. Else a status was: it is anybody's to write, and
        must not keep the run that really has the number from being recorded.
        """
        if execution.bitbucket_pipeline_uuid is not None:
            raise Later(FIRST_PAUSE, f"Bitbucket's answer about run #{run.build_number} is about another commit")
        execution = await executions.change(record.connection, execution.id, bitbucket_build_number=None)
        await self._lose(record, execution, f"run #{run.build_number}, which a status named, is of another commit")
        seen = sighting_of(run, repository_id=execution.repository_id, pipeline_id=execution.pipeline_id)
        _, real = await execution_of(record, seen, self._patience)
        await record.work("follow", str(real.id), {"execution_id": real.id})

    def _lost(self, execution_id: int) -> Writing:
        async def write_down(record: Record) -> float | None:
            execution = await locked(record, execution_id)
            if execution is not None:
                await self._lose(record, execution, "Bitbucket does not know this run")
            return None

        return write_down

    async def _lose(self, record: Record, execution: Execution, why: str) -> None:
        if State(execution.status).final:
            return
        seen = Observation(
            trigger=Trigger.LOSE, source=Source.API, at=record.now, confirmed=True, reason=f"lost: {why}"
        )
        await observe(record, execution, seen, self._patience, hints_end=False)


async def locked(record: Record, execution_id: int) -> Execution | None:
    """The execution, while nobody else writes about its repository."""
    execution = await executions.by_id(record.connection, execution_id)
    if execution is None:
        return None
    await repositories.by_id(record.connection, execution.repository_id, lock=True)
    return await executions.by_id(record.connection, execution_id)


def later(error: BitbucketError, tries: int, recorder: Recorder) -> Later:
    """When to ask Bitbucket again after this answer."""
    if isinstance(error, BudgetSpent):
        # longer each time: of many that wait for the next free call none would ever get the two that it needs
        seconds = max(1.0, (error.until - recorder.now()) / timedelta(seconds=1)) * 2 ** (tries - 1)
        seconds = min(seconds, LONGEST_WAIT)
    elif isinstance(error, RateLimited):
        seconds = max(1.0, error.retry_after)
    elif isinstance(error, NotAllowed):
        seconds = BROKEN
    else:
        seconds = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
    return Later(seconds, str(error))


async def _tell_of_the_step(record: Record, execution: Execution) -> None:
    """Only a person can start such a step, and only at Bitbucket."""
    repository = await repositories.by_id(record.connection, execution.repository_id)
    name = repository.full_name if repository else ""
    page = f"https://bitbucket.org/{name}/pipelines/results/{execution.bitbucket_build_number}"
    tell_that_it_waits(record, execution, approve_url=page)


async def _nothing(record: Record) -> float | None:
    """There is nobody to ask, or nothing to ask for."""
    return None


def _same(execution: Execution, run: Run) -> bool:
    """An answer about another run, or another commit, is not taken for an answer."""
    commit = run.target.commit.hash if run.target.commit else None
    other = commit and execution.bitbucket_commit_hash and not commit.startswith(execution.bitbucket_commit_hash)
    return run.build_number == execution.bitbucket_build_number and not other
