"""Generated files meet the repository's: what is there is read, merged, and only what differs is to be written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from service.client import Client, NotFound
from service.merging import Conflict, merge, merge_lines
from service.store.revisions import Revision

Contents = dict[str, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """`there` is what the branch has at `head`, `wanted` what it is to have; None: no such file."""

    head: str
    there: Contents
    wanted: Contents
    conflicts: tuple[Conflict, ...]

    @property
    def changes(self) -> dict[str, str | None]:
        """What is to be written, as the client takes it."""
        return written(self.there, self.wanted)


async def meet(
    client: Client, name: str, head: str, *, base: Revision | None, wanted: Revision, also: Revision | None = None
) -> Meeting:
    """`base` is the revision that has arrived before. `also`: files of this one are read too, if they differ.

    A file that is generated as it was before is left alone, and costs no call.
    """
    before, after = base.files if base else {}, wanted.files
    more = {path for path, text in also.files.items() if after.get(path) != text} if also else set()
    paths = sorted({path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} | more)
    there = {path: await content(client, name, head, path) for path in paths}
    merged = {
        path: await asyncio.to_thread(merge, path, before.get(path), there[path], after.get(path)) for path in paths
    }
    return Meeting(
        head=head,
        there=there,
        wanted={path: one.content for path, one in merged.items()},
        conflicts=tuple(conflict for one in merged.values() for conflict in one.conflicts),
    )


async def content(client: Client, name: str, commit: str, path: str) -> bytes | None:
    """A file's bytes; None where there is none."""
    try:
        return await client.source(name, commit, path)
    except NotFound:
        return None


def written(there: Mapping[str, bytes | None], wanted: Mapping[str, bytes | None]) -> dict[str, str | None]:
    """The files in which they differ. What is wanted is text: nothing else is ever changed."""
    differing = {path: new for path, new in wanted.items() if new != there.get(path)}
    return {path: None if new is None else new.decode() for path, new in differing.items()}


def merges_cleanly(fork: bytes | None, head: bytes | None, branch: bytes | None) -> bool:
    """Whether a line by line merge, as Bitbucket does it, brings `branch` into `head` exactly."""
    if fork == head or head == branch:
        return True
    if fork is None or head is None or branch is None:
        return False
    try:
        merged, against = merge_lines(fork.decode(), head.decode(), branch.decode())
    except UnicodeDecodeError:
        return False
    return not against and merged == branch.decode()
