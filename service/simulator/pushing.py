"""What one push moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from service.simulator.actors import Actor
from service.simulator.commits import Commit, Files

COMMITS_SHOWN = 5
"""A push payload lists this many commits per ref; what is beyond makes it `truncated`."""

REFS_THAT_START_RUNS = 5
"""https://support.atlassian.com/bitbucket-cloud/docs/limitations-of-bitbucket-pipelines/"""

SKIP_MARKERS = ("[skip ci]", "[ci skip]")


@dataclass(frozen=True, slots=True)
class Update:
    """Put commits on a branch, creating it from the main branch if it is new. The last commit carries `files`."""

    branch: str
    files: Files = field(default_factory=dict)
    message: str = "Change something"
    author: Actor | str | None = None
    commits: int = 1


@dataclass(frozen=True, slots=True)
class Create:
    """A new branch at a commit, the main branch's head by default."""

    branch: str
    at: Commit | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    branch: str


@dataclass(frozen=True, slots=True)
class Force:
    """Move a branch to a commit that need not descend from its head; None rewrites its newest commit."""

    branch: str
    to: Commit | None = None


@dataclass(frozen=True, slots=True)
class CreateTag:
    """Lightweight unless it has a message."""

    name: str
    at: Commit | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteTag:
    name: str


Wish = Update | Create | Delete | Force | CreateTag | DeleteTag


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    commit: Commit
    message: str | None
    tagger: Actor
    date: datetime


@dataclass(frozen=True, slots=True)
class RefState:
    """A ref at a moment; `tag` is set where it is one."""

    name: str
    commit: Commit
    tag: Tag | None = None

    @property
    def kind(self) -> str:
        return "tag" if self.tag else "branch"


@dataclass(frozen=True, slots=True)
class RefChange:
    """What a push did to one ref. `commits` are the new ones, newest first, all of them."""

    old: RefState | None
    new: RefState | None
    commits: tuple[Commit, ...] = ()
    forced: bool = False

    @property
    def starts_a_run(self) -> bool:
        return self.new is not None and not any(marker in self.new.commit.message for marker in SKIP_MARKERS)
