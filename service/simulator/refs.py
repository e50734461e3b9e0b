"""Branches with their tags, and how a push moves them."""

from __future__ import annotations

from service.simulator.actors import Actor
from service.simulator.clock import Clock
from service.simulator.commits import Commit, Files, History
from service.simulator.pushing import (
    Create,
    CreateTag,
    Delete,
    DeleteTag,
    Force,
    RefChange,
    RefState,
    Tag,
    Update,
    Wish,
)


class NoSuchRef(Exception):
    """There is no branch or tag of that name; the message lists those there are."""


class Refs:
    """The refs of one repository over its history."""

    def __init__(self, main: str, clock: Clock) -> None:
        self.main = main
        self.history = History()
        self.branches: dict[str, Commit] = {}
        self.tags: dict[str, Tag] = {}
        self._clock = clock

    def head(self, name: str) -> Commit:
        """The commit a branch or tag points at. Raises NoSuchRef."""
        if name in self.branches:
            return self.branches[name]
        if name in self.tags:
            return self.tags[name].commit
        raise NoSuchRef(f"there is no branch or tag {name!r}; there are {[*self.branches, *self.tags]}")

    def resolve(self, name: str) -> Commit | None:
        """The commit of a branch, a tag, HEAD or a hash."""
        if name == "HEAD":
            return self.branches.get(self.main)
        if name in self.branches or name in self.tags:
            return self.head(name)
        return self.history.get(name)

    def commit(self, parent: Commit | None, files: Files, message: str, author: Actor | str) -> Commit:
        return self.history.add(parent, files, message=message, author=author, date=self._clock.now())

    def apply(self, wish: Wish, actor: Actor) -> RefChange:
        """Carry out one wish of a push. Raises NoSuchRef where it names a ref that does not exist."""
        match wish:
            case Update():
                return self._update(wish, actor)
            case Create(branch, at):
                return self.set_branch(branch, at or self.head(self.main))
            case Force(branch, to):
                return self._force(branch, to, actor)
            case Delete(branch):
                old = RefState(branch, self.head(branch))
                del self.branches[branch]
                return RefChange(old, None)
            case CreateTag(name, at, message):
                tag = Tag(name, at or self.head(self.main), message, actor, self._clock.now())
                self.tags[name] = tag
                return RefChange(None, RefState(name, tag.commit, tag))
            case DeleteTag(name):
                commit = self.head(name)
                return RefChange(RefState(name, commit, self.tags.pop(name)), None)

    def set_branch(self, name: str, to: Commit) -> RefChange:
        """Point a branch at `to`; forced if that does not descend from where it was."""
        old = self.branches.get(name)
        self.branches[name] = to
        before = RefState(name, old) if old else None
        forced = old is not None and not self.history.contains(to, old)
        base = old or (self.branches.get(self.main) if name != self.main else None)
        # A new branch shows its newest commit even where the main branch has it already.
        new_commits = tuple(self.history.between(base, to)) or (to,)
        return RefChange(before, RefState(name, to), new_commits, forced)

    def _update(self, wish: Update, actor: Actor) -> RefChange:
        tip = self.branches.get(wish.branch) or self.branches.get(self.main)
        author = wish.author or actor
        for number in range(1, wish.commits):
            tip = self.commit(tip, {}, f"{wish.message} ({number} of {wish.commits})", author)
        return self.set_branch(wish.branch, self.commit(tip, wish.files, wish.message, author))

    def _force(self, branch: str, to: Commit | None, actor: Actor) -> RefChange:
        if to is None:
            head = self.head(branch)
            parent = self.history.get(head.parents[0]) if head.parents else None
            to = self.commit(parent, head.files, f"{head.message} (amended)", actor)
        return self.set_branch(branch, to)
