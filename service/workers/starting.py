"""Starts and stops runs at Bitbucket, as people asked.

Starting a run is not idempotent: there is no key that makes a second POST harmless. So the execution is there before
the call, and whoever comes after a try that may have gone through looks for its run before he starts another.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from service.bitbucket import runs
from service.bitbucket.answers import Run
from service.bitbucket.requests import Assignment
from service.client import AlreadyEnded, BitbucketError, Client, Clients, NotAllowed, NotFound, Refused
from service.configs import InvalidValue
from service.events import Source, Trigger
from service.history import Patience, observe
from service.intents import CORRELATION, Wish, opened
from service.machine import Observation, State
from service.recorder import Record, Recorder
from service.sightings import Sighting, execution_of, sighting_of
from service.store import executions, locks, repositories
from service.store.executions import Execution
from service.store.repositories import Repository
from service.store.work import Work
from service.vault import Vault
from service.workers.following import later, locked
from service.workers.going_back import Way, way_back, way_there
from service.workers.tasks import Writing

# How much earlier than the execution, by Bitbucket's clock, its run may seem to have been created, in seconds.
CLOCKS_DIFFER = 120.0

# The variable by which a rollback tells the generated files to which release they go back.
RELEASE = "RELEASE"


class Starter:
    """The task of kind `start`."""

    def __init__(self, recorder: Recorder, clients: Clients, vault: Vault, patience: Patience) -> None:
        self._recorder = recorder
        self._clients = clients
        self._vault = vault
        self._patience = patience

    async def __call__(self, piece: Work) -> Writing:
        execution_id = int(piece.payload["execution_id"])
        async with self._recorder.database.read() as connection:
            execution = await executions.by_id(connection, execution_id)
            repository = await repositories.by_id(connection, execution.repository_id) if execution else None
        if execution is None or repository is None or execution.bitbucket_build_number is not None:
            return _nothing
        client = await self._clients.for_repository(repository, urgent=True)
        if client is None:
            return self._failed(execution_id, "the repository has no credential any more: nothing can be started")
        try:
            commit = execution.bitbucket_commit_hash or await self._head(client, repository, execution)
            wish = opened(self._vault, piece.payload["wish"], execution.id)
            way = await self._way(client, repository, execution, commit, wish)
            run = await self._found(client, repository, execution, commit, way) if piece.tries > 1 else None
            if run is None and await self._is_over(execution_id):  # somebody has stopped it before it began
                return _nothing
            if run is None and (other := await self._has_passed(execution)) is not None:
                return self._failed(
                    execution_id, f"its turn has passed, execution {other} deploys to {execution.environment}"
                )
            run = run or await self._start(client, repository, execution, commit, wish, way)
        except (Refused, NotFound, NotAllowed, InvalidValue) as error:
            return self._failed(execution_id, str(error))
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None
        return self._started(execution_id, run)

    async def _way(self, client: Client, repository: Repository, execution: Execution, commit: str, wish: Wish) -> Way:
        if wish.promotes is not None:
            return await way_there(self._recorder, execution)
        back = await way_back(self._recorder, client, repository, execution, commit)
        return back or Way(custom=wish.custom)

    async def _head(self, client: Client, repository: Repository, execution: Execution) -> str:
        """The branch's commit by now, written down before the call: the run's webhook will ask for it."""
        commit = (await client.branch(repository.address, execution.branch or "")).target.hash
        async with self._recorder.record() as record:
            await executions.change(record.connection, execution.id, bitbucket_commit_hash=commit)
        return commit

    async def _is_over(self, execution_id: int) -> bool:
        async with self._recorder.database.read() as connection:
            execution = await executions.by_id(connection, execution_id)
        return execution is None or State(execution.status).final

    async def _has_passed(self, execution: Execution) -> int | None:
        """Who has the environment's lock by now: it was anybody's once this one had been silent past its deadline."""
        if execution.environment is None:
            return None
        async with self._recorder.database.read() as connection:
            lock = await locks.on(connection, execution.pipeline_id, execution.environment)
        return lock.execution_id if lock is not None and lock.execution_id != execution.id else None

    async def _found(
        self, client: Client, repository: Repository, execution: Execution, commit: str, way: Way
    ) -> Run | None:
        """The run that an earlier try has started, if it has.

        Of this commit and this pipeline of the file, by hand, since then, nobody else's: Bitbucket does not tell with
        which variables a run was started.
        """
        since = execution.created_at - timedelta(seconds=CLOCKS_DIFFER)
        candidates = [
            run
            for run in await client.runs(repository.address, limit=50, commit=commit)
            if run.created_on >= since and runs.trigger_type_of(run) == "manual" and runs.custom_of(run) == way.custom
        ]
        async with self._recorder.database.read() as connection:
            for run in reversed(candidates):
                if await executions.by_build_number(connection, repository.id, run.build_number) is None:
                    return run
        return None

    async def _start(
        self, client: Client, repository: Repository, execution: Execution, commit: str, wish: Wish, way: Way
    ) -> Run:
        variables = [Assignment(CORRELATION, str(execution.id))]
        if way.release is not None:
            variables.append(Assignment(RELEASE, way.release))
        variables += [Assignment(key, value, secured) for key, value, secured in wish.variables]
        return await client.start_run(
            repository.address,
            branch=execution.branch,
            commit=commit,
            custom=way.custom,
            variables=variables,
            yaml=way.yaml,
        )

    def _started(self, execution_id: int, run: Run) -> Writing:
        async def write_down(record: Record) -> float | None:
            execution = await locked(record, execution_id)
            if execution is None:
                return None
            taken = await executions.by_build_number(record.connection, execution.repository_id, run.build_number)
            if execution.bitbucket_build_number is None and taken is None:
                numbers = {"bitbucket_build_number": run.build_number, "bitbucket_pipeline_uuid": run.uuid}
                execution = await executions.change(record.connection, execution.id, **numbers)
            else:  # its webhook was faster, and may have taken a twin of the same commit for it
                _, execution = await execution_of(record, _sighting(execution, run), self._patience)
            for kind in ("stop", "follow") if State(execution.status).final else ("follow",):
                # what was stopped here while Bitbucket was being asked is stopped there too
                await record.work(kind, str(execution.id), {"execution_id": execution.id})
            return None

        return write_down

    def _failed(self, execution_id: int, reason: str) -> Writing:
        async def write_down(record: Record) -> float | None:
            execution = await locked(record, execution_id)
            if execution is not None:
                seen = Observation(
                    trigger=Trigger.FAIL,
                    source=Source.API,
                    at=record.now,
                    confirmed=True,
                    reason=f"not started: {reason}",
                )
                await observe(record, execution, seen, self._patience, hints_end=False)
            return None

        return write_down


class Stopper:
    """The task of kind `stop`."""

    def __init__(self, recorder: Recorder, clients: Clients) -> None:
        self._recorder = recorder
        self._clients = clients

    async def __call__(self, piece: Work) -> Writing:
        execution_id = int(piece.payload["execution_id"])
        async with self._recorder.database.read() as connection:
            execution = await executions.by_id(connection, execution_id)
            repository = await repositories.by_id(connection, execution.repository_id) if execution else None
        if execution is None or repository is None or execution.bitbucket_build_number is None:
            return _nothing
        client = await self._clients.for_repository(repository, urgent=True)
        if client is None:
            return _nothing
        try:
            uuid = execution.bitbucket_pipeline_uuid
            if uuid is None:
                uuid = (await client.run(repository.address, execution.bitbucket_build_number)).uuid
            await client.stop_run(repository.address, uuid)
        except (AlreadyEnded, NotFound):
            pass  # how it ended is what following it tells
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None

        async def write_down(record: Record) -> float | None:
            await record.work("follow", str(execution_id), {"execution_id": execution_id})
            return None

        return write_down


def _sighting(execution: Execution, run: Run) -> Sighting:
    seen = sighting_of(run, repository_id=execution.repository_id, pipeline_id=execution.pipeline_id)
    return replace(seen, trigger_type=execution.trigger_type)


async def _nothing(record: Record) -> float | None:
    """The run is there already, or nobody can be asked."""
    return None
