"""One repository with a staging and a production, a Bitbucket, a site, and the workers between them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import create_engine, update

from service import holding
from service.approving import Decided, decide
from service.client import BitbucketError
from service.history import Opening, Patience
from service.intents import Wish, stop_unbegun
from service.launching import Busy, Held, launch
from service.machine import State
from service.reverting import NotEligible, roll_back
from service.store import accounts, credentials, environments, executions, pipelines, repositories, tables
from service.store.audit import Actor
from service.store.database import Database
from service.store.executions import Execution
from service.vault import Vault
from service.workers.deadlines import deadline_task
from service.workers.following import Follower
from service.workers.pacing import Pace
from service.workers.probing import Prober
from service.workers.rolling_back import RollingBack
from service.workers.starting import Starter, Stopper
from service.workers.tasks import Later, TaskWorker
from service.workers.unlocking import end_overdue_lock
from tests.carrying import Carrier
from tests.gates.cloud import Cloud, Site
from tests.schema import lay

PATIENCE = Patience(expect=300, run=2000, wait=5000)
ADA = Actor("ada", 1)

# Environment → the branch that it deploys.
PLACES = {"production": "main", "staging": "develop"}


class World:
    """What people and workers do, each in transactions of its own. `policies` are (since, environment, policy)."""

    def __init__(self, directory: Path, *, credential: bool, offering: frozenset[str]) -> None:
        path = directory / "penstock.db"
        self.url = f"sqlite+aiosqlite:///{path}"
        self.database = Database(self.url)
        self.beside = create_engine(f"sqlite:///{path}")  # for whoever only looks, without a thread in between
        self.carrier = Carrier(self.database)
        self.recorder = self.carrier.recorder
        self.cloud, self.site, self.vault = Cloud(lambda: self.carrier.now, offering), Site(), Vault([bytes(32)])
        self.credential = credential
        self.policies: list[tuple[datetime, str, str]] = []
        clients = cast(Any, self.cloud)
        self.worker = TaskWorker(
            self.recorder,
            {
                "deadline": deadline_task(PATIENCE),
                "unlock": end_overdue_lock,
                "start": Starter(self.recorder, clients, self.vault, PATIENCE),
                "stop": Stopper(self.recorder, clients),
                "follow": Follower(self.recorder, clients, PATIENCE, Pace(watched=5, alone=60, per_hour=900)),
                "probe": Prober(self.recorder, cast(Any, self.site), PATIENCE),
                "rollback": RollingBack(self.recorder, self.vault, PATIENCE),
            },
        )

    async def connect(self) -> None:
        await lay(self.url)
        await self.carrier.connect()
        async with self.recorder.record() as record:
            ada = await accounts.add_user(record.connection, "ada", None, is_admin=True, now=record.now)
            made = {"user_id": ada, "name": "ci", "kind": "access_token", "account": None, "place": "p", "secret": b"s"}
            kept = await credentials.add(record.connection, **made, per_hour=900, now=record.now)
            if self.credential:
                mine = tables.repositories.c.id == self.carrier.repository_id
                await record.connection.execute(update(tables.repositories).where(mine).values(credential_id=kept.id))
            staging = {"name": "staging", "kind": "staging", "branch_pattern": PLACES["staging"]}
            await environments.add(record.connection, self.carrier.pipeline_id, **staging)

    # -- what people do -----------------------------------------------------------------------------------------------

    async def deliver(self, payload: dict[str, Any]) -> None:
        await self.carrier.deliver("repo:push" if "push" in payload else "repo:commit_status_updated", payload)

    async def set_up(self, place: str, **values: Any) -> None:
        """A second later than all before it, so that it can be told what failed before and what after."""
        self.carrier.now += timedelta(seconds=1)
        async with self.recorder.record() as record:
            number = (await self.environment(record.connection, place)).id
            await environments.change(record.connection, number, **values)
            self.policies.append((record.now, place, values["rollback_policy"]))

    async def trigger(self, place: str, commit: str | None) -> Execution | Held | Busy:
        """The execution, or what stood in its way."""
        opening = Opening(
            pipeline_id=self.carrier.pipeline_id,
            repository_id=self.carrier.repository_id,
            environment=place,
            branch=PLACES[place],
            commit=commit,
            trigger_type="manual",
            author="ada",
        )
        try:
            async with self.recorder.record() as record:
                environment = await self.environment(record.connection, place)
                return await launch(record, self.vault, environment, opening, Wish(), PATIENCE)
        except (Held, Busy) as error:
            return error

    async def decide(self, execution_id: int, said: Decided) -> Execution | Held | Busy:
        try:
            async with self.recorder.record() as record:
                execution = await executions.by_id(record.connection, execution_id)
                assert execution is not None
                return await decide(record, execution, said, PATIENCE)
        except (Held, Busy) as error:
            return error

    async def roll_back(self, place: str, to: int | None) -> Execution | NotEligible | Busy:
        """What a person who asks for it gets."""
        asked: dict[str, Any] = {"reason": "it is slow", "by": "ada", "patience": PATIENCE, "to_execution_id": to}
        try:
            async with self.recorder.record() as record:
                await repositories.by_id(record.connection, self.carrier.repository_id, lock=True)
                pipeline = await pipelines.by_id(record.connection, self.carrier.pipeline_id)
                environment = await self.environment(record.connection, place)
                assert pipeline is not None
                return await roll_back(record, self.vault, pipeline, environment, **asked)
        except (NotEligible, Busy) as error:
            return error

    async def stop(self, execution_id: int) -> None:
        async with self.recorder.record() as record:
            execution = await executions.by_id(record.connection, execution_id)
            assert execution is not None
            if execution.bitbucket_build_number is None:
                await stop_unbegun(record, execution, PATIENCE, "ada")
            else:
                await record.work("stop", str(execution.id), {"execution_id": execution.id})

    async def hold(self, failed: Execution) -> None:
        async with self.recorder.record() as record:
            environment = await self.environment(record.connection, failed.environment or "")
            commit = failed.bitbucket_commit_hash
            await holding.hold(record, environment, execution_id=failed.id, commit=commit, reason="it failed")

    async def release(self, place: str) -> None:
        async with self.recorder.record() as record:
            environment = await self.environment(record.connection, place)
            assert await holding.release(record, environment, by="ada", reason=None) is not None

    # -- what workers do ----------------------------------------------------------------------------------------------

    async def work(self, pieces: int) -> int:
        """How many there were to do, at most so many."""
        for done in range(pieces):
            if not await self.worker.do_next():
                return done
        return pieces

    async def die(self, *, in_the_middle: bool) -> None:
        """A worker takes a piece and is gone: at once, or after the call that it makes, before it is written down."""
        piece = await self.worker._lease()
        if piece is not None and in_the_middle:
            with suppress(BitbucketError, Later):
                await self.worker._tasks[piece.kind](piece)

    # -- how ----------------------------------------------------------------------------------------------------------

    async def environment(self, connection: Any, place: str) -> pipelines.Environment:
        found = await environments.named(connection, self.carrier.pipeline_id, place)
        assert found is not None
        return found

    async def close(self) -> None:
        await self.database.close()
        self.beside.dispose()


def is_over(execution: Execution) -> bool:
    return State(execution.status).final
