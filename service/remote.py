"""A repository at Bitbucket as the detector wants it: its paths, the bytes of its key files."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from service.bitbucket import requests
from service.bitbucket.answers import SourceEntry
from service.client import Client, NotFound, Refused
from service.projects.keyfiles import read_limit, wanted

# How deep the tree is listed: of one that is too large at a depth, only what lies higher is looked at.
DEPTHS = (6, 3, 2, 1)
MOST_ENTRIES = 2000

# Key files are asked for side by side, so many at a time.
AT_ONCE = 6

# What is in the list and no file of the repository.
NO_FILE = {"link", "subrepository"}


class NothingThere(LookupError):
    """The repository has no commit yet, or not the branch that was named: push first, or name another branch."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A branch as it was at `commit`. `uuid` is the repository's, in braces; `files` are the key files alone."""

    uuid: str
    main_branch: str
    branch: str
    commit: str
    paths: tuple[str, ...]
    files: dict[str, bytes] = field(repr=False)
    ours: frozenset[str] = frozenset()  # what Penstock wrote: no kind of project is told by it

    @property
    def of_others(self) -> tuple[str, ...]:
        return tuple(path for path in self.paths if path not in self.ours)


async def read_repository(
    client: Client, name: str, branch: str | None, *, without: frozenset[str] = frozenset()
) -> Snapshot:
    """The branch, by default the main one, as it is now, `without` the bytes of what Penstock has put there.

    Raises NothingThere, or BitbucketError.
    """
    repository = await client.repository(name)
    main = repository.mainbranch.name if repository.mainbranch else ""
    asked = branch or main
    if not asked:
        raise NothingThere(f"{name} has no branch yet")
    try:
        commit = (await client.branch(name, asked)).target.hash
    except NotFound:
        raise NothingThere(f"{name} has no branch {asked}") from None
    entries = await _listed(client, name, commit)
    sizes = {one.path: one.size for one in entries if one.type == "commit_file" and not NO_FILE & set(one.attributes)}
    files = await _read(client, name, commit, wanted(sizes.keys() - without))
    return Snapshot(repository.uuid, main or asked, asked, commit, tuple(sizes), files, without)


async def _listed(client: Client, name: str, commit: str) -> list[SourceEntry]:
    for depth in DEPTHS:
        listing = requests.list_source(name, commit, max_depth=depth)
        found = await client.rows(listing, limit=MOST_ENTRIES + 1)
        if len(found) <= MOST_ENTRIES:
            break
    return found[:MOST_ENTRIES]


async def _read(client: Client, name: str, commit: str, paths: list[str]) -> dict[str, bytes]:
    turn = asyncio.Semaphore(AT_ONCE)
    files: dict[str, bytes] = {}

    async def read(path: str) -> None:
        # a file that Bitbucket lists and does not give costs its own evidence only
        async with turn:
            with suppress(NotFound, Refused):
                files[path] = (await client.source(name, commit, path))[: read_limit(path)]

    try:
        async with asyncio.TaskGroup() as group:
            for path in paths:
                group.create_task(read(path))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return files
