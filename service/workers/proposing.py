"""One branch, one pull request: made where there is none, brought up to date where there is one.

Every step looks before it acts, so a worker that dies between two of them leaves nothing that the next one doubles.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from service.bitbucket.answers import PullRequest
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
    """What is to be proposed. `last` is our newest commit on the branch, where there was one."""

    name: str
    target: str
    revision: Revision
    meeting: Meeting
    last: OwnCommit | None
    url: str
    skip_ci: bool


async def open_requests(client: Client, name: str) -> list[PullRequest]:
    """Ours, the oldest first."""
    found = await client.pull_requests(name)
    return sorted((one for one in found if one.source.branch.name == BRANCH), key=lambda one: one.id)


async def propose(
    client: Client, wish: Proposal, already: Sequence[PullRequest], remember: Remember
) -> tuple[PullRequest, tuple[Conflict, ...]]:
    """The one open pull request, with the branch as it should be, and what disagrees with edits in the branch."""
    mine = [one for one in already if one.destination.branch.name == wish.target][:1]
    await withdraw(client, wish.name, [one for one in already if one not in mine], branch=False)
    tip, fork = await _branch(client, wish, has_request=bool(mine))
    if tip is None or fork is None:
        await withdraw(client, wish.name, mine)
        mine = []
        tip = fork = (await client.create_branch(wish.name, BRANCH, commit=wish.meeting.head)).target.hash
        fail_point("delivery.branched")
    conflicts = await _write(client, wish, tip, fork, remember)
    fail_point("delivery.pushed")
    said = {"title": title(wish.revision), "description": description(wish.revision, conflicts, wish.url)}
    if not mine:
        opened = await client.create_pull_request(wish.name, source=BRANCH, destination=wish.target, **said)
        fail_point("delivery.opened")
        return opened, conflicts
    if (mine[0].title, mine[0].description) == (said["title"], said["description"]):
        return mine[0], conflicts
    return await client.update_pull_request(wish.name, mine[0].id, **said), conflicts


async def withdraw(client: Client, name: str, requests: Sequence[PullRequest], *, branch: bool = True) -> None:
    """Nobody needs them any more. One that a person is just merging stays merged."""
    for one in requests:
        try:
            await client.decline(name, one.id)
        except (Refused, NotFound):
            continue
    if branch:
        try:
            await client.delete_branch(name, BRANCH)
        except NotFound:
            return


async def _branch(client: Client, wish: Proposal, *, has_request: bool) -> tuple[str | None, str | None]:
    """(its newest commit, where it left the target branch); None where it is to be made anew."""
    try:
        tip = (await client.branch(wish.name, BRANCH)).target.hash
    except NotFound:
        return None, None
    head, last = wish.meeting.head, wish.last
    if tip == head:
        return tip, head
    fork = last.onto if last is not None else head
    if not has_request and not (await _holds_it(client, wish, tip) and fork == head):
        return None, None  # left over from a pull request that is over
    if fork == head:
        return tip, fork
    for path, wanted in wish.meeting.wanted.items():
        if not merges_cleanly(await content(client, wish.name, fork, path), wish.meeting.there[path], wanted):
            return None, None  # the target has moved, just here
    return tip, fork


async def _holds_it(client: Client, wish: Proposal, tip: str) -> bool:
    """Whether an earlier try has written everything, and died before it could say so."""
    for path, wanted in wish.meeting.wanted.items():
        if await content(client, wish.name, tip, path) != wanted:
            return False
    return True


async def _write(client: Client, wish: Proposal, tip: str, fork: str, remember: Remember) -> tuple[Conflict, ...]:
    """Brings the branch to what is wanted. What a person has committed on it stays, like edits anywhere else."""
    conflicts = list(wish.meeting.conflicts)
    wanted: Contents = dict(wish.meeting.wanted)
    there: Contents = dict(wish.meeting.there)
    if tip != wish.meeting.head:
        there = {path: await content(client, wish.name, tip, path) for path in wanted}
        foreign = wish.last is None or tip != wish.last.commit
        if foreign and there != wanted:
            for path, new in wanted.items():
                before = await content(client, wish.name, wish.last.commit if wish.last else fork, path)
                if there[path] in (new, before):
                    continue
                merged = merge(path, _text(before), there[path], _text(new))
                wanted[path] = merged.content
                conflicts += merged.conflicts
    if changes := written(there, wanted):
        said = message(wish.revision, skip_ci=wish.skip_ci)
        tip = await client.write_source(wish.name, changes, message=said, branch=BRANCH, parent=tip)
    if tip != wish.meeting.head:
        made = OwnCommit(commit=tip, branch=BRANCH, onto=fork, revision=wish.revision.number)
        await remember(made)
    return tuple(conflicts)


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="replace")
