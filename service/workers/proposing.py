"""One branch, one pull request: made where there is none, brought up to date where there is one.

Every step looks before it acts, so a worker that dies between two of them leaves nothing that the next one doubles.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass

from service.bitbucket.answers import Commit, PullRequest
from service.client import Client, NotFound, Refused
from service.failpoints import fail_point
from service.merging import Conflict, merge
from service.proposals import BRANCH, description, message, title
from service.store.own_commits import OwnCommit
from service.store.revisions import Revision
from service.workers.meeting import Contents, Meeting, content, merges_cleanly, written

# Remembers a commit as ours, at once: its webhook may be here before anything else.
Remember = Callable[[OwnCommit], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is to be proposed. `own` are our commits on the branch, `last` the newest of them, where there was one."""

    name: str
    target: str
    revision: Revision
    meeting: Meeting
    last: OwnCommit | None
    own: frozenset[str]
    url: str
    skip_ci: bool


class Occupied(Exception):
    """The branch has commits of others and no pull request: they are not taken away. The text says what to do."""


async def open_requests(client: Client, name: str) -> list[PullRequest]:
    """Ours, the oldest first."""
    found = await client.pull_requests(name)
    return sorted((one for one in found if one.comes_from(BRANCH)), key=lambda one: one.id)


async def propose(
    client: Client, wish: Proposal, already: Sequence[PullRequest], remember: Remember
) -> tuple[PullRequest, tuple[Conflict, ...]]:
    """The one open pull request, with the branch as it should be, and what disagrees with edits in the branch.

    Raises Occupied.
    """
    mine = [one for one in already if one.destination.branch.name == wish.target][:1]
    await _decline(client, wish.name, [one for one in already if one not in mine])
    place = await _branch(client, wish, has_request=bool(mine))
    if place is None:
        await withdraw(client, wish.name, mine, wish.own)
        mine = []
        place = await _begin(client, wish, remember)
    conflicts = await _write(client, wish, place, remember)
    fail_point("delivery.pushed")
    said = {"title": title(wish.revision), "description": description(wish.revision, conflicts, wish.url)}
    if not mine:
        opened = await client.create_pull_request(wish.name, source=BRANCH, destination=wish.target, **said)
        fail_point("delivery.opened")
        return opened, conflicts
    if (mine[0].title, mine[0].description) == (said["title"], said["description"]):
        return mine[0], conflicts
    return await client.update_pull_request(wish.name, mine[0].id, **said), conflicts


async def withdraw(client: Client, name: str, requests: Sequence[PullRequest], own: Set[str]) -> None:
    """Nobody needs them any more; the branch goes too, unless others have committed to it."""
    await _decline(client, name, requests)
    try:
        if (await client.branch(name, BRANCH)).target.hash in own:
            await client.delete_branch(name, BRANCH)
    except NotFound:
        return


async def _decline(client: Client, name: str, requests: Sequence[PullRequest]) -> None:
    """One that a person is just merging stays merged."""
    for one in requests:
        with suppress(Refused, NotFound):
            await client.decline(name, one.id)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the branch is: its newest commit, and where it left the target branch.

    `recovered`: an earlier try has made that commit, and died before it could say so.
    """

    tip: str
    fork: str
    recovered: bool = False


async def _begin(client: Client, wish: Proposal, remember: Remember) -> Place:
    head = wish.meeting.head
    await client.create_branch(wish.name, BRANCH, commit=head)
    fail_point("delivery.branched")
    await remember(OwnCommit(commit=head, branch=BRANCH, onto=head, revision=wish.revision.number))
    return Place(head, head)


async def _branch(client: Client, wish: Proposal, *, has_request: bool) -> Place | None:
    """None where it is to be made anew. Raises Occupied."""
    try:
        there = (await client.branch(wish.name, BRANCH)).target
    except NotFound:
        return None
    head, tip = wish.meeting.head, there.hash
    fork = wish.last.onto if wish.last is not None else head
    recovered = tip != head and tip not in wish.own and _is_ours(wish, there)
    ours = tip in wish.own or tip == head or recovered
    if tip == head or (fork == head and (has_request or ours)):
        return Place(tip, head, recovered)
    if not has_request:
        if not ours:
            told = f"the branch {BRANCH} holds commits of others and no pull request: merge it, rename it or delete it"
            raise Occupied(told)
        return None  # left over from a pull request that is over
    if not ours:  # it is merged by whoever has committed to it, as well as that goes
        return Place(tip, fork)
    for path, wanted in wish.meeting.wanted.items():
        if not merges_cleanly(await content(client, wish.name, fork, path), wish.meeting.there[path], wanted):
            return None  # the target has moved, just here
    return Place(tip, fork, recovered)


def _is_ours(wish: Proposal, there: Commit) -> bool:
    """Written by an earlier try, which died before it could say so: right upon our last commit, in the same words."""
    begun = wish.last.commit if wish.last is not None else wish.meeting.head
    said = message(wish.revision, skip_ci=wish.skip_ci)
    return there.message.strip() == said.strip() and begun in {parent.hash for parent in there.parents}


async def _write(client: Client, wish: Proposal, place: Place, remember: Remember) -> tuple[Conflict, ...]:
    """Brings the branch to what is wanted. What a person has committed on it stays, like edits anywhere else."""
    conflicts = list(wish.meeting.conflicts)
    wanted: Contents = dict(wish.meeting.wanted)
    there: Contents = dict(wish.meeting.there)
    if place.tip != wish.meeting.head:
        there = {path: await content(client, wish.name, place.tip, path) for path in wanted}
        if place.tip not in wish.own and there != wanted:
            begun = wish.last.commit if wish.last else place.fork
            for path, new in wanted.items():
                before = await content(client, wish.name, begun, path)
                if there[path] in (new, before):
                    continue
                merged = merge(path, _text(before), there[path], _text(new))
                wanted[path] = merged.content
                conflicts += merged.conflicts
    changes = written(there, wanted)
    tip = place.tip
    if changes:
        said = message(wish.revision, skip_ci=wish.skip_ci)
        tip = await client.write_source(wish.name, changes, message=said, branch=BRANCH, parent=place.tip)
    if changes or (place.recovered and tip not in wish.own):
        await remember(OwnCommit(commit=tip, branch=BRANCH, onto=place.fork, revision=wish.revision.number))
    return tuple(conflicts)


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="replace")
