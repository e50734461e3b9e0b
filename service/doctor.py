"""Looks at everything that must be right for nothing to be missed, and says what a person has to do."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from service.bitbucket.webhook import faults_of, is_ours
from service.client import BitbucketError, Clients
from service.clock import written
from service.recorder import Recorder
from service.settings import Settings
from service.store import condition, credentials, migrate
from service.store.repositories import Repository, hook_of

# By how many seconds our clock may differ from Bitbucket's before orders of events are in doubt.
DRIFT = 30.0

# A delivery that waits longer than this many seconds says that nobody processes any.
STUCK = 120.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `well` is None for what is worth knowing and needs nobody."""

    about: str
    well: bool | None
    said: str


async def examine(recorder: Recorder, clients: Clients, settings: Settings) -> AsyncIterator[Finding]:
    """One finding at a time: some of them take a second."""
    schema = await migrate.current(recorder.database)
    upgrade = "" if schema == migrate.NEWEST else f", and this version needs {migrate.NEWEST}: `penstock db upgrade`"
    yield Finding("database", schema == migrate.NEWEST, f"schema {schema}{upgrade}")
    async with recorder.database.read() as connection:
        found = await condition.condition(connection)
        repositories = await condition.heard_of(connection)
    yield _waiting(recorder, found)
    yield _dead(found)
    yield _public_url(settings, any_connected=bool(repositories))
    yield await _clock(recorder, settings)
    for repository in _one_for_each_credential(repositories):
        yield await _credential(recorder, clients, repository)
    for repository, last in repositories:
        said = f"last delivery {written(last)}" if last else "no delivery yet"
        if repository.credential_id is None:
            well = None if last else False
            yield Finding(f"webhook of {repository.full_name}", well, said + ("" if last else ": paste URL and secret"))
            yield _alone(repository)
        else:
            yield await _webhook(recorder, clients, settings, repository, said)


def _waiting(recorder: Recorder, found: condition.Condition) -> Finding:
    if found.oldest_waiting is None:
        return Finding("inbox", True, "nothing waits")
    seconds = (recorder.now() - found.oldest_waiting) / timedelta(seconds=1)
    said = f"the oldest delivery has waited {seconds:.0f} s"
    return Finding("inbox", seconds < STUCK, said if seconds < STUCK else f"{said}: is a worker running?")


def _dead(found: condition.Condition) -> Finding:
    if not found.dead_deliveries and not found.dead_work:
        return Finding("dead letters", True, "none")
    said = f"{found.dead_deliveries} deliveries, {found.dead_work} works; `penstock deliveries list --status dead`"
    return Finding("dead letters", False, said)


def _public_url(settings: Settings, *, any_connected: bool) -> Finding:
    url = settings.public_url
    host = urlsplit(url).hostname or ""
    if not url:
        return Finding("public URL", None if not any_connected else False, "not set: PENSTOCK_PUBLIC_URL")
    try:
        private = not ipaddress.ip_address(host).is_global
    except ValueError:
        private = host == "localhost" or "." not in host
    if private:
        return Finding("public URL", False, f"{url} cannot be reached from Bitbucket")
    well = url.startswith("https:")
    return Finding("public URL", well, url if well else f"{url} is not https: what is delivered can be read on its way")


async def _clock(recorder: Recorder, settings: Settings) -> Finding:
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.head(f"{settings.bitbucket_api_url}/hook_events")
    except httpx.HTTPError as error:
        return Finding("Bitbucket", False, f"{settings.bitbucket_api_url} cannot be asked: {type(error).__name__}")
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return Finding("clock", None, f"{settings.bitbucket_api_url} tells no time to compare with")
    drift = abs((recorder.now() - theirs) / timedelta(seconds=1))
    return Finding("clock", drift < DRIFT, f"{drift:.0f} s beside Bitbucket's")


def _one_for_each_credential(found: Sequence[tuple[Repository, object]]) -> list[Repository]:
    return list({one.credential_id: one for one, _ in found if one.credential_id is not None}.values())


async def _credential(recorder: Recorder, clients: Clients, repository: Repository) -> Finding:
    async with recorder.database.read() as connection:
        credential = await credentials.by_id(connection, repository.credential_id or 0)
        left = await condition.calls_left(connection, repository.credential_id or 0)
    about = f"credential {credential.name}" if credential else f"credential {repository.credential_id}"
    try:
        client = await clients.for_repository(repository, urgent=True)
        assert client is not None
        await client.repository(repository.address)
        await client.runs(repository.address, limit=1)
    except BitbucketError as error:
        return Finding(about, False, str(error))
    return Finding(
        about, True, f"reads {repository.full_name} and its runs; {left:.0f} calls were left when it last called"
    )


def _alone(repository: Repository) -> Finding:
    """Amiss where it once had a credential: Penstock has made its webhook."""
    well = None if repository.hook_uuid is None else False
    return Finding(f"confirmation of {repository.full_name}", well, credentials.trouble(repository.id, None) or "")


async def _webhook(
    recorder: Recorder, clients: Clients, settings: Settings, repository: Repository, said: str
) -> Finding:
    """A webhook that is not as it should be is put down as work for whoever does some."""
    about = f"webhook of {repository.full_name}"
    async with recorder.database.read() as connection:
        hook = await hook_of(connection, repository.id)
    hook_id = hook.id if hook else ""
    try:
        client = await clients.for_repository(repository, urgent=True)
        assert client is not None
        found = await client.hooks(repository.address)
    except BitbucketError as error:
        return Finding(about, False, f"{said}; {error}")
    ours = [there for there in found if is_ours(there, uuid=repository.hook_uuid, hook_id=hook_id)]
    url = f"{settings.public_url.rstrip('/')}/webhooks/bitbucket/{hook_id}" if settings.public_url else None
    faults = faults_of(ours[0], url) if ours else ["missing"]
    if not faults:
        return Finding(about, True, f"{said}; active at Bitbucket")
    async with recorder.record() as record:
        await record.work("hook", str(repository.id), {"repository_id": repository.id})
    return Finding(about, False, f"{said}; at Bitbucket it is {', '.join(faults)}: a running worker mends that")
