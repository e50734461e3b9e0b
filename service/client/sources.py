"""What is in a repository: files, branches, pull requests, what was said of commits."""

from __future__ import annotations

import re
from collections.abc import Mapping

from service.bitbucket import requests
from service.bitbucket.answers import Branch, Commit, DiffEntry, PullRequest, RepositoryAnswer, SourceEntry
from service.client.calls import Calls
from service.client.errors import Conflict, HeadMoved, Unreachable
from service.client.exchange import Reply

COMMIT_LINK = re.compile(r".*/([0-9a-f]{40})/?")


class SourceCalls(Calls):
    """`repository` is `workspace/slug`, or a uuid in braces. Everything raises BitbucketError."""

    async def repository(self, repository: str) -> RepositoryAnswer:
        found = await self.ask(requests.repository(repository))
        if repository.startswith("{") and found.uuid.lower() != repository.rpartition("/")[2].lower():
            raise Unreachable(f"Bitbucket was asked about the repository {repository} and answered about {found.uuid}")
        return found

    async def source(self, repository: str, commit: str, path: str) -> bytes:
        """A file as it was at `commit`, a hash. Raises NotFound."""
        return await self.ask(requests.source(repository, commit, path))

    async def list_source(self, repository: str, commit: str, *, max_depth: int) -> list[SourceEntry]:
        """Files with directories, down to so many levels below the root."""
        return await self.rows(requests.list_source(repository, commit, max_depth=max_depth))

    async def write_source(
        self, repository: str, files: Mapping[str, str | None], *, message: str, branch: str, parent: str
    ) -> str:
        """The hash of a commit on `branch` with the files, None for one to be removed.

        Raises HeadMoved unless `parent` is the branch's head. An Unreachable that is `maybe_done` may have made the
        commit: read the branch before it is asked for again.
        """
        request = requests.write_source(repository, files, message=message, branch=branch, parent=parent)
        try:
            made = await self.call(request, _made)
        except Conflict as error:
            raise HeadMoved(str(error)) from None
        return made or (await self.branch(repository, branch)).target.hash

    async def branches(self, repository: str) -> list[Branch]:
        return await self.rows(requests.branches(repository))

    async def branch(self, repository: str, name: str) -> Branch:
        found = await self.ask(requests.branch(repository, name))
        if found.name != name:
            raise Unreachable(f"Bitbucket was asked about the branch {name!r} and answered about {found.name!r}")
        return found

    async def create_branch(self, repository: str, name: str, *, commit: str) -> Branch:
        return await self.ask(requests.create_branch(repository, name, commit))

    async def delete_branch(self, repository: str, name: str) -> None:
        await self.ask(requests.delete_branch(repository, name))

    async def pull_requests(self, repository: str, *, state: str = "OPEN") -> list[PullRequest]:
        return await self.rows(requests.pull_requests(repository, state=state))

    async def pull_request(self, repository: str, number: int) -> PullRequest:
        return await self.ask(requests.pull_request(repository, number))

    async def create_pull_request(
        self, repository: str, *, title: str, description: str, source: str, destination: str
    ) -> PullRequest:
        """From branch `source` to branch `destination`; `source` goes when it is merged."""
        request = requests.create_pull_request(
            repository, title=title, description=description, source=source, destination=destination
        )
        return await self.ask(request)

    async def update_pull_request(self, repository: str, number: int, *, title: str, description: str) -> PullRequest:
        return await self.ask(requests.update_pull_request(repository, number, title=title, description=description))

    async def decline(self, repository: str, number: int) -> PullRequest:
        return await self.ask(requests.decline(repository, number))

    async def commits(self, repository: str, *, include: str, exclude: str, limit: int) -> list[Commit]:
        """At most `limit` of what `include` has and `exclude` has not, the newest first."""
        return await self.rows(requests.commits(repository, include, exclude), limit=limit)

    async def diffstat(self, repository: str, new: str, old: str) -> list[DiffEntry]:
        """The files in which `new` differs from `old`: all pages, or Unreachable where they are too many to be all."""
        return await self.rows(requests.diffstat(repository, new, old))

    async def set_status(
        self,
        repository: str,
        commit: str,
        *,
        key: str,
        state: str,
        url: str,
        name: str,
        description: str,
        refname: str | None = None,
    ) -> None:
        """INPROGRESS, SUCCESSFUL, FAILED or STOPPED; the same key (at most 40 characters) overwrites.

        Raises ValueError for a longer key. Pull requests show only a status that has a `refname`.
        """
        request = requests.set_status(
            repository, commit, key=key, state=state, url=url, title=name, description=description, refname=refname
        )
        await self.ask(request)


def _made(reply: Reply) -> str | None:
    """The commit that was made, as the last part of the link to it. The link is read, not followed."""
    link = COMMIT_LINK.fullmatch(reply.headers.get("Location", ""))
    return link[1] if link else None
