"""Takes out of Bitbucket what was put there for a pipeline that was deleted: webhook, variables, files.

Each is a piece of work of its own, tried for as long as Bitbucket cannot be reached. All of it looks before it acts, so
that doing it twice does what doing it once does; nothing is touched once the repository has a pipeline again.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.bitbucket.webhook import is_ours
from service.client import BitbucketError, Client, Clients, NoCredential, NotFound
from service.proposals import BRANCH as PROPOSALS
from service.recorder import Record, Recorder
from service.store import own_commits, pipelines, repositories, revisions, variables
from service.store.pipelines import Environment
from service.store.repositories import Hook, Repository
from service.store.revisions import Revision
from service.store.variables import Variable
from service.store.work import Work
from service.workers.following import later
from service.workers.proposing import open_requests, withdraw
from service.workers.tasks import Writing

BRANCH = "penstock/remove-configuration-{}"
TITLE = "Remove what Penstock generated"
DESCRIPTION = (
    "The pipeline was deleted in Penstock. These files are as it generated them; a file that somebody has edited since"
    " is not among them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What may still be there."""

    pipeline_id: int
    repository: Repository
    hook: Hook | None
    variables: tuple[Variable, ...]
    environments: tuple[Environment, ...]
    delivered: Revision | None
    proposed: Revision | None  # what the newest pull request of ours holds, merged or not
    own: frozenset[str]  # our commits on its branch


class Cleaner:
    """The task of kind `cleanup`."""

    def __init__(self, recorder: Recorder, clients: Clients) -> None:
        self._recorder = recorder
        self._clients = clients

    async def __call__(self, piece: Work) -> Writing:
        left = await self._left(int(piece.payload["pipeline_id"]))
        parts = {"webhook": self._remove_webhook, "variables": self._remove_variables, "config": self._remove_config}
        if left is not None:
            try:
                client = await self._clients.for_repository(left.repository)
                if client is not None:
                    await parts[piece.payload["part"]](client, left)
            except NoCredential:
                pass  # it was removed with its account: nobody may look any more
            except BitbucketError as error:
                raise later(error, piece.tries, self._recorder) from None
        return _done

    async def _left(self, pipeline_id: int) -> Left | None:
        async with self._recorder.database.read() as connection:
            pipeline = await pipelines.by_id(connection, pipeline_id)
            if pipeline is None or await pipelines.active_of(connection, pipeline.repository_id) is not None:
                return None
            repository = await repositories.by_id(connection, pipeline.repository_id)
            assert repository is not None
            own = await own_commits.on_branch(connection, pipeline_id, PROPOSALS)
            return Left(
                pipeline_id=pipeline_id,
                repository=repository,
                hook=await repositories.hook_of(connection, repository.id),
                variables=tuple(await variables.of_pipeline(connection, pipeline_id)),
                environments=tuple(await pipelines.environments_of(connection, pipeline_id)),
                delivered=await revisions.arrived(connection, pipeline_id),
                proposed=await revisions.numbered(connection, pipeline_id, own[0].revision) if own else None,
                own=frozenset(one.commit for one in own),
            )

    async def _remove_webhook(self, client: Client, left: Left) -> None:
        name = left.repository.address
        for there in await client.hooks(name):
            if left.hook and is_ours(there, uuid=left.repository.hook_uuid, hook_id=left.hook.id):
                await client.delete_hook(name, there.uuid)

    async def _remove_variables(self, client: Client, left: Left) -> None:
        """Those that were brought there from here, whatever their value is by now; nobody else's."""
        name = left.repository.address
        places: dict[int | None, str | None] = {None: None}
        if any(one.environment_id is not None for one in left.variables):
            uuids = {there.name.casefold(): there.uuid for there in await client.environments(name)}
            places |= {one.id: uuids.get(one.name.casefold()) for one in left.environments}
        for environment_id, uuid in places.items():
            keys = {one.key for one in left.variables if one.environment_id == environment_id and one.synced}
            if not keys or (environment_id is not None and uuid is None):
                continue
            for variable in await client.variables(name, environment=uuid):
                if variable.key in keys:
                    await client.delete_variable(name, variable.uuid, environment=uuid)

    async def _remove_config(self, client: Client, left: Left) -> None:
        """By a pull request that a person merges; one that only proposed them is declined."""
        name, branch = left.repository.address, BRANCH.format(left.pipeline_id)
        merged = left.delivered
        if left.proposed is not None:
            proposals = await open_requests(client, name)
            if not proposals and left.proposed.pull_request_id is not None:
                seen = await client.pull_request(name, left.proposed.pull_request_id)
                merged = left.proposed if seen.state == "MERGED" else merged
            if proposals:
                await withdraw(client, name, proposals, left.own)
        if merged is None:
            return
        main = (await client.repository(name)).mainbranch
        if main is None or any(one.comes_from(branch) for one in await client.pull_requests(name)):
            return
        head = (await client.branch(name, main.name)).target.hash
        if not await _unedited(client, name, head, merged):
            return
        at = await _begun(client, name, branch, head)
        if files := await _unedited(client, name, at, merged):
            await client.write_source(name, dict.fromkeys(files), message=TITLE, branch=branch, parent=at)
        await client.create_pull_request(
            name, title=TITLE, description=DESCRIPTION, source=branch, destination=main.name
        )


async def _begun(client: Client, name: str, branch: str, head: str) -> str:
    """The branch's commit; it is made where an earlier try has not done so."""
    try:
        return (await client.branch(name, branch)).target.hash
    except NotFound:
        return (await client.create_branch(name, branch, commit=head)).target.hash


async def _unedited(client: Client, name: str, head: str, delivered: Revision) -> list[str]:
    found = []
    for path, text in delivered.files.items():
        try:
            if await client.source(name, head, path) == text.encode():
                found.append(path)
        except NotFound:
            continue
    return found


async def _done(record: Record) -> float | None:
    return None
