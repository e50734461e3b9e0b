"""Writes our verdict on a commit to Bitbucket, as a build status.

What Bitbucket then tells about that status is about nobody's run, and moves nothing.
"""

from __future__ import annotations

from typing import Any

from service.client import BitbucketError, Clients, NotFound
from service.recorder import Record, Recorder
from service.store import environments, probes, repositories, verdicts
from service.store.repositories import Repository
from service.store.work import Work
from service.verdicts import Verdict, key_of, verdict_of
from service.workers.following import later
from service.workers.tasks import Writing


class Judge:
    """The task of kind `verdict`: one row for each commit that was brought to where verdicts are asked for."""

    def __init__(self, recorder: Recorder, clients: Clients, public_url: str) -> None:
        self._recorder = recorder
        self._clients = clients
        self._public_url = public_url

    async def __call__(self, piece: Work) -> Writing:
        async with self._recorder.database.read() as connection:
            found = await _found(connection, **piece.payload)
        client = await self._clients.for_repository(found[0]) if found else None
        if found is None or client is None:
            return _nothing
        repository, verdict = found
        environment, commit = str(piece.payload["environment"]), str(piece.payload["commit"])
        try:
            await client.set_status(
                repository.address,
                commit,
                key=key_of(environment),
                state=verdict.state,
                url=f"{self._public_url}/pipelines/{piece.payload['pipeline_id']}",
                name=f"Penstock: {environment}",
                description=verdict.description,
            )
        except NotFound:  # the commit is gone, or the repository: there is nothing to write on
            return _nothing
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None
        return _nothing


async def _found(
    connection: Any, *, pipeline_id: int, environment: str, commit: str
) -> tuple[Repository, Verdict] | None:
    """What there is to say by now, if there is anything."""
    place = await environments.named(connection, pipeline_id, environment)
    execution = await verdicts.latest(connection, pipeline_id, environment, commit)
    if place is None or not place.commit_status or execution is None:
        return None
    repository = await repositories.by_id(connection, execution.repository_id)
    if repository is None or repository.disconnected_at:
        return None
    probe = (await probes.latest(connection, [execution.id])).get(execution.id)
    verdict = verdict_of(
        environment,
        status=execution.status,
        why=execution.error_message,
        rolled_back=execution.rolled_back,
        because=execution.rollback_reason,
        verified=probe is not None and probe.attempt == execution.attempt and probe.state == "passed",
    )
    return (repository, verdict) if verdict else None


async def _nothing(record: Record) -> float | None:
    """It is said, or there is nothing to say."""
    return None
