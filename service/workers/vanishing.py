"""Asks Bitbucket whether a repository that is said to be deleted really is, before anything is ended for it."""

from __future__ import annotations

from service.changes import end_pipeline
from service.client import BitbucketError, Clients, NoCredential, NotFound
from service.recorder import Record, Recorder
from service.store import deliveries, repositories
from service.store.work import Work
from service.workers.following import later
from service.workers.tasks import Later, Writing

# Seconds after which Bitbucket is asked once more: gone is what it does not know twice.
ONCE_MORE = 60.0

GONE = "the repository was deleted at Bitbucket; its history stays readable"
THERE = "Bitbucket still has the repository: nothing is ended"


class Vanishing:
    """The task of kind `gone`. A credential that is refused (401, 403) proves nothing; one that is told 404 works."""

    def __init__(self, recorder: Recorder, clients: Clients) -> None:
        self._recorder = recorder
        self._clients = clients

    async def __call__(self, piece: Work) -> Writing:
        repository_id = int(piece.payload["repository_id"])
        async with self._recorder.database.read() as connection:
            repository = await repositories.by_id(connection, repository_id)
        if repository is None or repository.disconnected_at:
            return _nothing
        try:
            client = await self._clients.for_repository(repository)
            if client is None:
                return _nothing
            await client.repository(repository.address)
        except NoCredential:
            return _nothing
        except NotFound as error:
            if piece.error != str(error):
                raise Later(ONCE_MORE, str(error)) from None
            return _ending(repository_id, piece.payload.get("delivery_id"))
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None
        return _told(piece.payload.get("delivery_id"), "refused", THERE)


def _ending(repository_id: int, delivery_id: str | None) -> Writing:
    async def write_down(record: Record) -> float | None:
        await repositories.by_id(record.connection, repository_id, lock=True)
        await end_pipeline(record, repository_id)
        if delivery_id is not None:
            await deliveries.amend(record.connection, delivery_id, "reported", verdict="deactivated", reason=GONE)
        return None

    return write_down


def _told(delivery_id: str | None, verdict: str, reason: str) -> Writing:
    async def write_down(record: Record) -> float | None:
        if delivery_id is not None:
            await deliveries.amend(record.connection, delivery_id, "reported", verdict=verdict, reason=reason)
        return None

    return write_down


async def _nothing(record: Record) -> float | None:
    """It is no longer connected, or nobody may ask."""
    return None
