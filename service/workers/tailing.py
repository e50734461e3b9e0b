"""Stores the logs of a run's steps: one tailer for each execution, however many read along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from service.bus import Topic
from service.client import BitbucketError, BudgetSpent, Client, Clients, LogPart, LogStatus
from service.machine import State
from service.recorder import Record, Recorder
from service.store import executions, logs, repositories, steps
from service.store.executions import Execution
from service.store.logs import Progress
from service.store.steps import StepRow
from service.store.work import Work
from service.workers.following import later
from service.workers.reel import KNOWN, Reel
from service.workers.tasks import Writing

# Bytes of one call, and of one round: what is more comes in the next one, so that no log is ever held whole.
PART = 512 * 1024
ROUND = 4 * 1024 * 1024

# Seconds of one round, after which what it has brought is written down: well within the lease.
ROUND_SECONDS = 20.0

# A step has ended, and its log may still grow by its last lines, for so many seconds.
LAST_LINES = 10.0

# The forms of the secrets that an execution's log may hold.
Secrets = Callable[[Execution], Awaitable[frozenset[bytes]]]


@dataclass(frozen=True, slots=True)
class Tail:
    """What one round has brought of one step."""

    step: StepRow
    pieces: list[logs.Packed] = field(repr=False)
    progress: Progress


class _Round:
    """What a round has brought, until it has gone on for long enough."""

    def __init__(self) -> None:
        self.tails: list[Tail] = []
        self.bytes = 0
        self._until = asyncio.get_running_loop().time() + ROUND_SECONDS

    @property
    def over(self) -> bool:
        return self.bytes >= ROUND or asyncio.get_running_loop().time() > self._until


class Tailer:
    """The task of kind `tail`. Its rows are written by the follower, at its pace; after the run's end it goes on by
    itself, every so many `seconds`, until all is stored."""

    def __init__(self, recorder: Recorder, clients: Clients, secrets: Secrets, *, seconds: float) -> None:
        self._recorder = recorder
        self._clients = clients
        self._secrets = secrets
        self._seconds = seconds

    async def __call__(self, piece: Work) -> Writing:
        execution_id = int(piece.payload["execution_id"])
        async with self._recorder.database.read() as connection:
            execution = await executions.by_id(connection, execution_id)
            repository = await repositories.by_id(connection, execution.repository_id) if execution else None
            known = await steps.of_execution(connection, execution_id)
            ends = await logs.ends(connection, execution_id, most=KNOWN)
        if execution is None or repository is None or execution.bitbucket_pipeline_uuid is None:
            return _nothing
        client = await self._clients.for_repository(repository)
        if client is None:
            return _nothing
        forms = await self._secrets(execution)
        reels = {step.id: Reel(step, forms, ends.get(step.id, b"")) for step in known}
        source = _Source(client, repository.address, execution.bitbucket_pipeline_uuid)
        taken, wait = _Round(), 0.0
        try:
            await self._look(source, known, reels, taken)
        except BudgetSpent as error:
            wait = (error.until - self._recorder.now()) / timedelta(seconds=1)
        except BitbucketError as error:
            if not taken.tails:
                raise later(error, piece.tries, self._recorder) from None

        async def write_down(record: Record) -> float | None:
            again = await self._write_down(record, execution_id, taken.tails, more=taken.over)
            return None if again is None else max(again, wait)

        return write_down

    async def _look(self, source: _Source, known: Sequence[StepRow], reels: dict[int, Reel], taken: _Round) -> None:
        """Fills `taken`, which keeps what it has when Bitbucket fails in the middle."""
        newest = {step.uuid: step.run_number for step in sorted(known, key=lambda step: step.run_number)}
        for step in known:
            if step.log_complete:
                continue
            if newest[step.uuid] > step.run_number or step.result == "NOT_RUN":
                taken.tails.append(_given_up(step))
            elif step.started_at is not None and not taken.over:
                await self._tail(source, step, reels[step.id], taken)

    async def _tail(self, source: _Source, step: StepRow, reel: Reel, taken: _Round) -> None:
        try:
            while not taken.over:
                part = (await source.part(step.uuid, reel.raw - len(reel.known))).behind(reel.known)
                # one that became shorter may grow again: the server that answered may only be behind
                if part is None or (part.shrunk and (part.stored or self._over(step))):
                    reel.begin_anew()
                    continue
                await asyncio.to_thread(reel.take, part.data)
                taken.bytes += len(part.data)
                if _at_end(part):
                    if part.complete or self._over(step):
                        reel.end()
                    break
        finally:
            if reel.moved:
                pieces = await asyncio.to_thread(logs.packed, bytes(reel.text))
                taken.tails.append(Tail(step, pieces, reel.progress))

    def _over(self, step: StepRow) -> bool:
        """Whether the step has ended so long ago that its log grows no more."""
        ended = step.completed_at
        return ended is not None and self._recorder.now() - ended > timedelta(seconds=LAST_LINES)

    async def _write_down(self, record: Record, execution_id: int, tails: list[Tail], *, more: bool) -> float | None:
        for tail in tails:
            after = tail.step.log_bytes
            if await logs.append(
                record.connection, tail.step.id, after=after, pieces=tail.pieces, progress=tail.progress
            ):
                record.ring(Topic.LOGS)
        execution = await executions.by_id(record.connection, execution_id)
        # what has not begun when the run has ended writes no log: a run that was halted leaves such steps
        awaited = [
            step
            for step in await steps.of_execution(record.connection, execution_id)
            if step.started_at is not None and not step.log_complete
        ]
        if execution is None or (State(execution.status).final and not awaited):
            record.ring(Topic.LOGS)  # whoever reads along learns that it is whole
            return None
        if more:
            return 0.0
        if State(execution.status).final:
            return self._seconds
        if any(tail.progress.complete and tail.step.completed_at is None for tail in tails):
            await record.work("follow", str(execution_id), {"execution_id": execution_id})  # a step is over
        return None


def _given_up(step: StepRow) -> Tail:
    """It has no log, or its log at Bitbucket is another one by now: that of the same step, run once more."""
    return Tail(step, [], Progress(raw_bytes=step.raw_bytes, mask_state=-1, complete=True))


def _at_end(part: LogPart) -> bool:
    if part.status is not LogStatus.MORE or part.shrunk:
        return True
    return part.size is not None and part.offset + len(part.data) >= part.size


class _Source:
    """Where the parts of one run's logs come from."""

    def __init__(self, client: Client, repository: str, run_uuid: str) -> None:
        self._client = client
        self._repository = repository
        self._run_uuid = run_uuid

    async def part(self, step_uuid: str, offset: int) -> LogPart:
        return await self._client.log(self._repository, self._run_uuid, step_uuid, offset=offset, limit=PART)


async def _nothing(record: Record) -> float | None:
    """There is no run, or nobody to ask for its logs."""
    return None
