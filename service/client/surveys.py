"""What is newest in a repository, for few calls: where its branches are, and what was deployed last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from service.bitbucket import requests
from service.bitbucket.answers import Branch, Deployment
from service.client.calls import Calls
from service.client.errors import Refused


@dataclass(frozen=True, slots=True)
class Heads:
    """Branches with where they are. `whole` says that there are no others; `calls` is what it took."""

    branches: tuple[Branch, ...]
    whole: bool
    calls: int


@dataclass(frozen=True, slots=True)
class Deployed:
    """The newest deployments that one page tells of; the newest comes first."""

    deployments: tuple[Deployment, ...]
    calls: int


class SurveyCalls(Calls):
    """`repository` is `workspace/slug`, or a uuid in braces. Everything raises BitbucketError."""

    async def newest_heads(self, repository: str, *, since: datetime) -> Heads:
        """The first page by the dates of their commits, and further ones while those are newer than `since`."""
        try:
            return await self._heads(repository, since, newest_first=True)
        except Refused:
            return await self._heads(repository, since, newest_first=False)

    async def _heads(self, repository: str, since: datetime, *, newest_first: bool) -> Heads:
        found: list[Branch] = []
        calls, whole = 0, True
        async for page in self.pages(requests.branches(repository, newest_first=newest_first)):
            calls += 1
            found += page
            dates = [branch.target.date for branch in page]
            older = bool(dates) and descending(dates) and dates[-1] is not None and dates[-1] < since
            if newest_first and older and len(page) == requests.PAGELEN:
                whole = False
                break
        return Heads(tuple(found), whole, calls)

    async def newest_deployments(self, repository: str) -> Deployed:
        """One page. Where Bitbucket does not put the newest first, as it was asked to, the last page has them."""
        calls = 1
        try:
            page = await self.ask(requests.deployments(repository, newest_first=True))
        except Refused:
            calls += 1
            page = await self.ask(requests.deployments(repository))
        found = page.values
        if page.next is not None and page.size and not descending(one.state.begun for one in found):
            calls += 1
            last = -(-page.size // requests.PAGELEN)
            found = (await self.ask(requests.deployments(repository, page=last))).values
        known = [one for one in found if one.state.begun is not None]
        return Deployed(tuple(sorted(known, key=_begun, reverse=True)), calls)


def descending(times: Iterable[datetime | None]) -> bool:
    """Whether each is at or before the one in front of it; what has no time is passed over."""
    return all(first >= second for first, second in pairwise([time for time in times if time is not None]))


def _begun(one: Deployment) -> datetime:
    begun = one.state.begun
    assert begun is not None
    return begun
