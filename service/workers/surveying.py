"""Looks at a repository's branches and deployments, for what no webhook has told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.bitbucket.answers import Branch, Deployment, Run
from service.bitbucket.webhook import faults_of, is_ours
from service.client import Client, NotAllowed
from service.client.surveys import Heads
from service.recorder import Recorder
from service.store import heads, repositories, surveyed
from service.store.heads import Head
from service.store.repositories import Repository

# How long a head may be there without its push having arrived, in seconds.
ARRIVING = 120.0

NOTHING = Heads((), whole=False, calls=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What Bitbucket has told. `runs` are of deployments whose run nobody has seen; `calls` is what it took.

    `silence` says why pushes were not told, where some were not.
    """

    began: datetime
    heads: Heads
    deployed: Mapping[str, Deployment]
    runs: tuple[Run, ...]
    silence: str | None
    calls: int


@dataclass(frozen=True, slots=True)
class Untold:
    """How the heads at Bitbucket differ from those that are known.

    `first` were there before anybody looked, `doubts` may still be told, `lost` will not be; `trusted` are no longer in
    doubt, `gone` are no longer there.
    """

    first: tuple[Branch, ...]
    doubts: tuple[Branch, ...]
    lost: tuple[Branch, ...]
    trusted: tuple[str, ...]
    gone: tuple[str, ...]


class Surveyor:
    """`url_of` makes a hook's address."""

    def __init__(self, recorder: Recorder, url_of: Callable[[str], str]) -> None:
        self._recorder = recorder
        self._url_of = url_of

    async def look(self, client: Client, repository: Repository) -> Survey:
        """Two calls where nothing is amiss. A credential that may not see branches is the doctor's to tell."""
        began = self._recorder.now()
        since = repository.surveyed_at or repository.connected_at
        try:
            found = await client.newest_heads(repository.address, since=since - timedelta(days=1))
        except NotAllowed:
            found = NOTHING
        told = await client.newest_deployments(repository.address)
        deployed = by_place(told.deployments)
        numbers = [one.release.build_number for one in deployed.values() if one.release.build_number is not None]
        async with self._recorder.database.read() as connection:
            known = await heads.of_repository(connection, repository.id)
            seen = await surveyed.by_build_numbers(connection, repository.id, numbers)
        new = [one for one in deployed.values() if one.release.build_number not in seen and _is_ours(one, repository)]
        runs = {one.release.pipeline.uuid: one for one in new if one.release.pipeline is not None}
        answers = [await client.run(repository.address, uuid) for uuid in runs]
        silence, calls = None, found.calls + told.calls + len(answers)
        if untold(known, found, repository, began).lost:
            silence = await self._why_silent(client, repository)
            calls += 1
        named = tuple(run for run in answers if run.build_number == runs[run.uuid].release.build_number)
        return Survey(began=began, heads=found, deployed=deployed, runs=named, silence=silence, calls=calls)

    async def _why_silent(self, client: Client, repository: Repository) -> str:
        async with self._recorder.database.read() as connection:
            hook = await repositories.hook_of(connection, repository.id)
        if hook is None:
            return "the repository has no webhook here: disconnect it and connect it again"
        try:
            there = await client.hooks(repository.address)
        except NotAllowed as error:
            return f"whether its webhook is as it should be cannot be seen: {error}"
        ours = [one for one in there if is_ours(one, uuid=repository.hook_uuid, hook_id=hook.id)]
        if not ours:
            return "the webhook was missing at Bitbucket; it is made anew"
        if faults := faults_of(ours[0], self._url_of(hook.id)):
            return f"the webhook at Bitbucket was {' and '.join(faults)}; it is put right"
        return (
            "the webhook at Bitbucket is there, active and for the right events: its delivery was lost, or refused"
            " because its secret is another one, so the secret is set anew. What became of it stands in Bitbucket under"
            " Repository settings > Webhooks > View requests; a payload over 256 KB is dropped without a word"
        )


def untold(known: Mapping[str, Head], found: Heads, repository: Repository, began: datetime) -> Untold:
    """`found` is what Bitbucket said after `began`; what was told since is newer."""
    first: list[Branch] = []
    doubts: list[Branch] = []
    lost: list[Branch] = []
    trusted: list[str] = []
    for branch in found.branches:
        head = known.get(branch.name[: heads.LONGEST_BRANCH])
        if head is None:
            made = branch.target.date
            (doubts if made is not None and made > repository.connected_at else first).append(branch)
        elif head.at > began and head.told_by == heads.ToldBy.PUSH:
            continue
        elif head.commit == branch.target.hash:
            trusted += [branch.name] if head.doubted else []
        elif head.doubted != branch.target.hash or head.doubted_at is None:
            doubts.append(branch)
        elif began - head.doubted_at >= timedelta(seconds=ARRIVING):
            lost.append(branch)
    there = {branch.name[: heads.LONGEST_BRANCH] for branch in found.branches}
    gone = [name for name, head in known.items() if found.whole and name not in there and head.at <= began]
    return Untold(tuple(first), tuple(doubts), tuple(lost), tuple(trusted), tuple(gone))


def by_place(found: Sequence[Deployment]) -> dict[str, Deployment]:
    """What each environment has, by its name in small letters: where nothing is being deployed just now.

    `found` has the newest first. A deployment that failed leaves what was there before.
    """
    places: dict[str, Deployment] = {}
    busy: set[str] = set()
    for one in found:
        name = one.environment.name.casefold() if one.environment else ""
        if not name or name in places or name in busy:
            continue
        if one.state.name == "IN_PROGRESS":
            busy.add(name)
        elif one.state.name == "COMPLETED" and (one.state.status is None or one.state.status.name == "SUCCESSFUL"):
            places[name] = one
    return places


def _is_ours(one: Deployment, repository: Repository) -> bool:
    """What was deployed before the repository was connected is not ours to record."""
    return one.state.begun is not None and one.state.begun > repository.connected_at
