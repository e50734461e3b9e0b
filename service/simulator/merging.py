"""Merging a pull request, as git does it: file by file, and where both sides changed one, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.merging import merge_lines
from service.simulator.actors import Actor
from service.simulator.commits import Commit
from service.simulator.pushing import Delete, RefChange
from service.simulator.settings import PullRequest
from service.simulator.state import RepositoryState


class CannotMerge(Exception):
    """The branches disagree about a file, or there is nothing to merge any more."""


def merge(repository: RepositoryState, one: PullRequest, actor: Actor) -> Sequence[RefChange]:
    """Moves the destination, and takes the source away where that was asked for. Raises CannotMerge."""
    refs = repository.refs
    if one.state != "OPEN" or one.source not in refs.branches:
        raise CannotMerge(f"Pull request {one.id} is {one.state.lower()}, or its branch is gone.")
    head, source = refs.branches[one.destination], refs.branches[one.source]
    base = refs.history.merge_base(head, source)
    files = merged_files(base.files if base else {}, head.files, source.files)
    now = repository.cloud.clock.now()
    message = f"Merged in {one.source} (pull request #{one.id})\n\n{one.title}\n"
    made: Commit = refs.history.add(head, files, message=message, author=actor, date=now, merged=source)
    changes = [refs.set_branch(one.destination, made)]
    one.state, one.updated_on, one.merge_commit = "MERGED", now, made.hash
    if one.close_source_branch:
        changes.append(refs.apply(Delete(one.source), actor))
    return changes


def merged_files(
    base: Mapping[str, bytes], ours: Mapping[str, bytes], theirs: Mapping[str, bytes]
) -> dict[str, bytes | None]:
    """What changes in `ours`. Raises CannotMerge."""
    changed: dict[str, bytes | None] = {}
    for path in sorted(base.keys() | theirs.keys()):
        before, mine, new = base.get(path), ours.get(path), theirs.get(path)
        if new in (before, mine):
            continue
        if mine == before:
            changed[path] = new
            continue
        if before is None or mine is None or new is None:
            raise CannotMerge(f"Both branches have changed {path}.")
        text, against = merge_lines(before.decode(), mine.decode(), new.decode())
        if against:
            raise CannotMerge(f"Both branches have changed the same lines of {path}.")
        changed[path] = text.encode()
    return changed
