"""What is in a repository: its branches, commits, files, pull requests."""

from __future__ import annotations

from service.bitbucket.answers.parts import Answer, Hash, Links, Named, Time


class Workspace(Answer, frozen=True, kw_only=True):
    slug: str
    uuid: str


class RepositoryAnswer(Answer, frozen=True, kw_only=True):
    """A repository; as a part of something else it carries no more than uuid and full name."""

    uuid: str
    full_name: str = ""
    name: str = ""
    workspace: Workspace | None = None
    mainbranch: Named | None = None  # None while the repository is empty
    is_private: bool = True


class Author(Answer, frozen=True, kw_only=True):
    """`raw` is `Name <mail>` as git has it."""

    raw: str = ""


class Commit(Answer, frozen=True, kw_only=True):
    hash: str
    date: Time | None = None
    message: str = ""
    author: Author | None = None
    parents: tuple[Hash, ...] = ()


class Branch(Answer, frozen=True, kw_only=True):
    name: str
    target: Commit


class PathOf(Answer, frozen=True, kw_only=True):
    path: str


class DiffEntry(Answer, frozen=True, kw_only=True):
    """One changed file. An added one has no `old`, a removed one no `new`, a renamed one two paths."""

    status: str
    old: PathOf | None = None
    new: PathOf | None = None

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(side.path for side in (self.old, self.new) if side)


class SourceEntry(Answer, frozen=True, kw_only=True):
    """A file (`commit_file`) or a directory (`commit_directory`); attributes are link, executable, subrepository."""

    path: str
    type: str
    size: int | None = None
    attributes: tuple[str, ...] = ()


class PullRequestEnd(Answer, frozen=True, kw_only=True):
    """The commit is None once the branch is gone, the repository once a fork is: only then is it another one's."""

    branch: Named
    commit: Hash | None = None
    repository: RepositoryAnswer | None = None


class PullRequest(Answer, frozen=True, kw_only=True):
    """`state` is OPEN, MERGED, DECLINED or SUPERSEDED."""

    id: int
    title: str
    state: str
    source: PullRequestEnd
    destination: PullRequestEnd
    description: str | None = None
    merge_commit: Hash | None = None
    links: Links = Links()

    def comes_from(self, branch: str) -> bool:
        """Whether it proposes that branch of the repository itself: a fork may have one of the same name."""
        ends = self.source.repository, self.destination.repository
        return self.source.branch.name == branch and None not in ends and ends[0].uuid == ends[1].uuid  # type: ignore[union-attr]


class CommitStatus(Answer, frozen=True, kw_only=True):
    """`state` is INPROGRESS, SUCCESSFUL, FAILED or STOPPED."""

    key: str
    state: str
    url: str = ""
    name: str | None = None
    refname: str | None = None
