"""Compares a pipeline with reality, slowly: the repository's files, its variables, its webhook, nginx on the server."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from service.changes import note_change
from service.client import BitbucketError, Client, Clients, NoCredential, NotAllowed, NotFound
from service.drift import Apart, note
from service.grounds import branch_of
from service.recorder import Record, Recorder
from service.store import deployed, looks, pipelines, repositories, revisions, variables
from service.store.pipelines import Environment, Pipeline
from service.store.repositories import Hook, Repository
from service.store.revisions import Revision
from service.store.variables import Variable
from service.store.work import Work
from service.variables import opened
from service.vault import Vault
from service.workers import comparing
from service.workers.following import later
from service.workers.meeting import content
from service.workers.reconciling import SHARE, Budgeted
from service.workers.tasks import Writing

# Seconds between two looks at a pipeline, where the budget allows it.
EVERY = 3600.0

# About how many calls a look costs where nothing has changed.
CALLS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known here. `seen` is what was compared last: a commit, and a revision's number."""

    pipeline: Pipeline
    repository: Repository
    environments: tuple[Environment, ...]
    variables: tuple[Variable, ...]
    hook: Hook | None
    delivered: Revision | None
    wanted: Revision | None
    seen: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Of these `kinds` this is all that has come apart. `seen` is what the files were compared at; `head` is where the
    branch is now, None where there is none.
    """

    kinds: frozenset[str]
    apart: tuple[Apart, ...]
    seen: str | None
    mend_hook: bool
    branch: str | None
    head: str | None


class Drifter:
    """The task of kind `drift`, one row a pipeline that has something to compare. `url_of` makes a hook's address."""

    def __init__(
        self, recorder: Recorder, clients: Clients, vault: Vault, url_of: Callable[[str], str], budget: Budgeted
    ) -> None:
        self._recorder = recorder
        self._clients = clients
        self._vault = vault
        self._url_of = url_of
        self._budget = budget

    async def __call__(self, piece: Work) -> Writing:
        known = await self._known(int(piece.payload["pipeline_id"]))
        if known is None:
            return _ended
        try:
            client = await self._clients.for_repository(known.repository)
            if client is None:
                return _ended
            found = await self._compare(client, known)
        except NoCredential:
            return _ended
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None

        async def write_down(record: Record) -> float | None:
            return await self._write_down(record, known, found)

        return write_down

    async def _known(self, pipeline_id: int) -> Known | None:
        async with self._recorder.database.read() as connection:
            pipeline = await pipelines.by_id(connection, pipeline_id)
            if pipeline is None or not pipeline.is_active:
                return None
            repository = await repositories.by_id(connection, pipeline.repository_id)
            if repository is None or repository.disconnected_at:
                return None
            return Known(
                pipeline=pipeline,
                repository=repository,
                environments=tuple(await pipelines.environments_of(connection, pipeline_id)),
                variables=tuple(await variables.of_pipeline(connection, pipeline_id)),
                hook=await repositories.hook_of(connection, repository.id),
                delivered=await revisions.arrived(connection, pipeline_id),
                wanted=await revisions.standing(connection, pipeline_id),
                seen=await looks.compared(connection, pipeline_id),
            )

    async def _compare(self, client: Client, known: Known) -> Found:
        name = known.repository.address
        kinds, apart = {"nginx"}, list(await self._nginx(known))
        seen, mend_hook = known.seen, False
        branch = branch_of(known.environments) or known.repository.main_branch
        head = None
        if branch is not None:
            with suppress(NotFound):  # the branch is gone, and all its files
                head = (await client.branch(name, branch)).target.hash
        if known.delivered is not None and branch is not None:
            now = f"{head} {known.delivered.number}"
            if now != seen:
                paths = known.delivered.files
                there = {path: await content(client, name, head, path) if head else None for path in paths}
                apart += comparing.files(known.delivered, there)
                kinds, seen = kinds | {"file"}, now
        if known.hook is not None:
            with suppress(NotAllowed):  # a credential without that scope: the doctor says so
                url = self._url_of(known.hook.id)
                faults = comparing.webhook(known.repository, known.hook, await client.hooks(name), url)
                apart += faults
                kinds, mend_hook = kinds | {"webhook"}, bool(faults)
        with suppress(NotAllowed):  # likewise
            if any(one.synced is not None for one in known.variables):
                apart += await self._variables(client, known)
            kinds = kinds | {"variable"}
        return Found(
            kinds=frozenset(kinds), apart=tuple(apart), seen=seen, mend_hook=mend_hook, branch=branch, head=head
        )

    async def _variables(self, client: Client, known: Known) -> list[Apart]:
        def value_of(one: Variable) -> str:
            return opened(self._vault, one)

        name, found = known.repository.address, []
        own = [one for one in known.variables if one.environment_id is None]
        if any(one.synced is not None for one in own):
            found += comparing.variables(own, await client.variables(name), value_of, environment=None)
        places = {one.id: one.name for one in known.environments}
        sent = {
            one.environment_id
            for one in known.variables
            if one.synced is not None and one.environment_id is not None and one.environment_id in places
        }
        uuids = {one.name.casefold(): one.uuid for one in await client.environments(name)} if sent else {}
        for place in sorted(sent):
            mine = [one for one in known.variables if one.environment_id == place]
            uuid = uuids.get(places[place].casefold())
            theirs = await client.variables(name, environment=uuid) if uuid else []
            found += comparing.variables(mine, theirs, value_of, environment=places[place])
        return found

    async def _nginx(self, known: Known) -> list[Apart]:
        if known.wanted is None:
            return []
        async with self._recorder.database.read() as connection:
            names = [one.name for one in known.environments]
            printed = {name: await deployed.newest_outputs(connection, known.pipeline.id, name) for name in names}
        return comparing.nginx(known.wanted, printed)

    async def _write_down(self, record: Record, known: Known, found: Found) -> float | None:
        await repositories.by_id(record.connection, known.repository.id, lock=True)
        pipeline = await pipelines.by_id(record.connection, known.pipeline.id)
        if pipeline is None or not pipeline.is_active:
            return None
        await note(record, pipeline, found.kinds, found.apart)
        if found.seen is not None:
            await looks.note_compared(record.connection, pipeline.id, found.seen)
        look = await looks.of_pipeline(record.connection, pipeline.id)
        if found.branch and found.head and look is not None and look.commit != found.head:
            # no webhook has told of a push
            await note_change(record, known.repository, pipeline, branch=found.branch, commit=found.head)
        if found.mend_hook:
            await record.work("hook", str(known.repository.id), {"repository_id": known.repository.id})
        sharing = await repositories.sharing_credential(record.connection, known.repository.credential_id or 0)
        affordable = sharing * CALLS * 3600 / (self._budget.calls_per_hour * SHARE)
        return max(EVERY, affordable) * random.uniform(0.9, 1.1)  # noqa: S311 - it spreads looks, nothing else


async def _ended(record: Record) -> float | None:
    """The pipeline has ended, or nobody may look any more."""
    return None
