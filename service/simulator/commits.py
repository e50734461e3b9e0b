"""Commits with their file trees."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile

from service.simulator.actors import Actor

Files = Mapping[str, str | bytes | None]
"""Paths to contents; None deletes the path."""


@dataclass(frozen=True, slots=True)
class Commit:
    hash: str
    parents: tuple[str, ...]
    message: str
    raw_author: str
    user: Actor | None
    date: datetime
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileChange:
    status: str
    """added, modified, removed or renamed"""
    old_path: str | None
    new_path: str | None
    lines_added: int
    lines_removed: int


class History:
    """The commits of one repository."""

    def __init__(self) -> None:
        self._commits: dict[str, Commit] = {}

    def get(self, name: str) -> Commit | None:
        """The commit of a full hash, or of a prefix of at least seven digits."""
        if commit := self._commits.get(name):
            return commit
        found = [commit for known, commit in self._commits.items() if len(name) >= 7 and known.startswith(name)]
        return found[0] if len(found) == 1 else None

    def add(
        self,
        parent: Commit | None,
        files: Files,
        *,
        message: str,
        author: Actor | str,
        date: datetime,
        merged: Commit | None = None,
    ) -> Commit:
        """Commit `files` on top of `parent`. An author given as text has no account, as an unknown e-mail has none.

        `merged` is what a merge brings in, as its second parent.
        """
        tree = dict(parent.files) if parent else {}
        for path, content in files.items():
            if content is None:
                tree.pop(path, None)
            else:
                tree[path] = content.encode() if isinstance(content, str) else content
        user, raw = (None, author) if isinstance(author, str) else (author, author.raw)
        parents = tuple(one.hash for one in (parent, merged) if one)
        written = repr((parents, message, raw, date.isoformat(), sorted(tree.items()), len(self._commits)))
        digest = hashlib.sha1(written.encode(), usedforsecurity=False).hexdigest()
        commit = Commit(digest, parents, message, raw, user, date, tree)
        self._commits[digest] = commit
        return commit

    def ancestry(self, head: Commit) -> Iterator[Commit]:
        """`head`, then everything it stands on, newest first: along the first parents, past what was merged."""
        yield head
        while head.parents:
            head = self._commits[head.parents[0]]
            yield head

    def contains(self, head: Commit, commit: Commit) -> bool:
        return any(one.hash == commit.hash for one in self.ancestry(head))

    def between(self, old: Commit | None, new: Commit) -> list[Commit]:
        """What `new` has and `old` has not, newest first."""
        base = self.merge_base(new, old) if old else None
        return list(takewhile(lambda commit: commit is not base, self.ancestry(new)))

    def merge_base(self, one: Commit, other: Commit) -> Commit | None:
        """The newest commit that both stand on."""
        if self.contains(one, other):
            return other
        known = {commit.hash for commit in self.ancestry(other)}
        return next((commit for commit in self.ancestry(one) if commit.hash in known), None)


def compare(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[FileChange]:
    """What became of each path, in the order of the paths. A file that moved without a change is a rename."""
    gone = {path: content for path, content in old.items() if path not in new}
    changes = []
    for path in sorted(new.keys() - old.keys()):
        origin = next((before for before, content in gone.items() if content == new[path]), None)
        if origin is not None:
            del gone[origin]
            changes.append(FileChange("renamed", origin, path, 0, 0))
        else:
            changes.append(FileChange("added", None, path, len(new[path].splitlines()), 0))
    changes += [FileChange("removed", path, None, 0, len(content.splitlines())) for path, content in gone.items()]
    changes += [_modified(path, old[path], new[path]) for path in old.keys() & new.keys() if old[path] != new[path]]
    return sorted(changes, key=lambda change: change.new_path or change.old_path or "")


def _modified(path: str, old: bytes, new: bytes) -> FileChange:
    before, after = Counter(old.splitlines()), Counter(new.splitlines())
    return FileChange("modified", path, path, (after - before).total(), (before - after).total())
