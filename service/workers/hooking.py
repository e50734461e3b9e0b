"""Keeps our webhook at Bitbucket as it should be: there, active, signed, with the events we use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.bitbucket.answers import RepositoryAnswer
from service.bitbucket.webhook import DESCRIPTION, EVENTS, faults_of, is_ours
from service.client import BitbucketError, Client, Clients
from service.recorder import Record, Recorder
from service.store import pipelines, repositories
from service.store.repositories import Hook, Repository
from service.store.work import Work
from service.vault import Vault
from service.workers.following import later
from service.workers.tasks import Writing

# Seconds between two looks at a hook that was found well.
EVERY = 86400.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a look has brought: what the repository is, and the hook's name at Bitbucket."""

    repository: RepositoryAnswer
    hook_uuid: str


class Hooker:
    """The task of kind `hook`, one row for each repository with a credential. `url_of` makes a hook's address."""

    def __init__(self, recorder: Recorder, clients: Clients, vault: Vault, url_of: Callable[[str], str]) -> None:
        self._recorder = recorder
        self._clients = clients
        self._vault = vault
        self._url_of = url_of

    async def __call__(self, piece: Work) -> Writing:
        repository_id = int(piece.payload["repository_id"])
        async with self._recorder.database.read() as connection:
            repository = await repositories.by_id(connection, repository_id)
            wanted = await pipelines.active_of(connection, repository_id) is not None
            hook = await repositories.hook_of(connection, repository_id) if wanted else None
        if repository is None or hook is None or repository.disconnected_at or repository.credential_id is None:
            return _nothing
        client = await self._clients.for_repository(repository)
        assert client is not None
        try:
            about = await client.repository(repository.address)
            found = Found(about, await self._mend(client, repository, hook, force=bool(piece.payload.get("force"))))
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None

        async def write_down(record: Record) -> float | None:
            return await self._write_down(record, repository_id, found)

        return write_down

    async def _mend(self, client: Client, repository: Repository, hook: Hook, *, force: bool) -> str:
        """The uuid of our hook at Bitbucket, made or put right where it had to be."""
        url = self._url_of(hook.id)
        place = {"table": "hooks", "column": "secret", "row": hook.id}
        secret = self._vault.open(hook.secret, **place).decode()
        wanted = {"url": url, "events": EVENTS, "description": DESCRIPTION, "secret": secret}
        found = await client.hooks(repository.address)
        ours = [there for there in found if is_ours(there, uuid=repository.hook_uuid, hook_id=hook.id)]
        if not ours:
            return (await client.create_hook(repository.address, **wanted)).uuid  # type: ignore[arg-type]
        first, *doubles = ours
        if force or faults_of(first, url):
            await client.update_hook(repository.address, first.uuid, **wanted)  # type: ignore[arg-type]
        for double in doubles:
            await client.delete_hook(repository.address, double.uuid)
        return first.uuid

    async def _write_down(self, record: Record, repository_id: int, found: Found) -> float | None:
        main = found.repository.mainbranch.name if found.repository.mainbranch else None
        repository = await repositories.by_id(record.connection, repository_id, lock=True)
        if repository is None or repository.disconnected_at:
            return None
        await repositories.learn(
            record.connection, repository, uuid=found.repository.uuid, main_branch=main, hook_uuid=found.hook_uuid
        )
        if main is not None and repository.main_branch is None:
            await pipelines.deploy_branch_unless_said(record.connection, repository_id, main)
        return EVERY


async def _nothing(record: Record) -> float | None:
    """The repository is gone, or has no credential any more, or its pipeline was deleted."""
    return None
