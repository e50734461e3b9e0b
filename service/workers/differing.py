"""What has changed in a repository since it was last looked into: what is to be looked at, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.bitbucket.answers import DiffEntry
from service.client import BitbucketError, BudgetSpent, Client, NotAllowed, RateLimited
from service.generation import Ground
from service.projects.relevance import relevant
from service.store.looks import Look, Push
from service.store.repositories import Repository
from service.store.revisions import Revision

# How many paths a verdict names.
MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be looked into."""

    repository: Repository
    ground: Ground
    branch: str | None
    known: Revision | None
    arrived: Revision | None
    look: Look | None
    ours: dict[str, int]  # own commit → the revision that it brings
    pushes: tuple[Push, ...]  # those to the branch
    asides: tuple[Push, ...] = ()  # those to other branches that are deployed

    @property
    def wrote(self) -> frozenset[str]:
        """What lies in the repository and is Penstock's, whoever has edited it since: no kind is told by it."""
        return frozenset(self.arrived.files if self.arrived else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What has changed since the last look; `paths` are None where that cannot be told: then anything may have."""

    paths: frozenset[str] | None
    matter: tuple[str, ...] = ()
    after: frozenset[str] = frozenset()
    edited: tuple[str, ...] = ()  # those of them that Penstock wrote


async def difference_of(client: Client, task: Task, *, whole: bool) -> Difference:
    """One call, whatever the number of pushes: from the last look to the newest of them."""
    look = task.look
    if whole or look is None or any(push.whole for push in task.pushes) or look.branch != task.branch:
        return Difference(paths=None)
    _, last = first_and_last(task.pushes)
    try:
        entries = await client.diffstat(task.repository.address, last.commit, look.commit)
    except (BudgetSpent, RateLimited, NotAllowed):
        raise
    except BitbucketError:  # whatever has kept it from us: then everything may have changed
        return Difference(paths=None)
    gone, new, touched = touched_by(entries)
    after = (look.paths - gone) | new
    edited = tuple(sorted(touched & (task.wrote | frozenset(task.known.files if task.known else ()))))
    matter = [path for path in relevant(look.paths, after, touched) if path not in task.wrote]
    return Difference(paths=touched, matter=tuple(matter), after=after, edited=edited)


def first_and_last(pushes: Sequence[Push]) -> tuple[Push, Push]:
    """Of pushes to one branch, one upon the other: deliveries come, and are processed, in any order."""
    starts, ends = {push.previous for push in pushes}, {push.commit for push in pushes}
    first = next((push for push in pushes if push.previous not in ends), pushes[0])
    last = next((push for push in reversed(pushes) if push.commit not in starts), pushes[-1])
    return first, last


def touched_by(entries: Sequence[DiffEntry]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The paths that are no longer there, those that are now, and all of them."""
    gone = {one.old.path for one in entries if one.old and (one.new is None or one.new.path != one.old.path)}
    new = {one.new.path for one in entries if one.new}
    return frozenset(gone), frozenset(new), frozenset().union(*(one.paths for one in entries))


def named(difference: Difference | None) -> str:
    if difference is None or difference.paths is None:
        return "what changed cannot be told file by file, so everything was looked at"
    return f"{listed(difference.matter)} changed"


def listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more
