"""Runs, their steps, their logs."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from service.addresses import BadTarget
from service.bitbucket import requests
from service.bitbucket.answers import Run, Step
from service.bitbucket.requests import Assignment, Request
from service.client import storage
from service.client.calls import Bounds, Calls
from service.client.errors import AlreadyEnded, NotFound, Refused, Unreachable
from service.client.exchange import NoReply, Reply, exchange
from service.client.logs import LogPart, part_of

NEWEST_FIRST = "-created_on"

# How far back a run is looked for by its build number, in pages of a hundred.
PAGES_BACK = 5

REDIRECT = 307
LOG_STATUSES = frozenset({REDIRECT, 404, 416})


class PipelineCalls(Calls):
    """`repository` is `workspace/slug`, or a uuid in braces. Everything raises BitbucketError."""

    async def runs(
        self,
        repository: str,
        *,
        limit: int = 100,
        sort: str = NEWEST_FIRST,
        commit: str | None = None,
        branch: str | None = None,
        status: str | None = None,
    ) -> list[Run]:
        """At most `limit`. `status` is a word of Bitbucket's filter, such as PASSED or BUILDING."""
        request = requests.runs(repository, sort=sort, commit=commit, branch=branch, status=status)
        found = await self.rows(request, limit=limit)
        # a filter that Bitbucket does not take is ignored without a word
        return [run for run in found if commit is None or (run.target.commit and run.target.commit.hash == commit)]

    async def run(self, repository: str, number_or_uuid: int | str) -> Run:
        """By uuid, or by build number: what is documented for that is to look through the list."""
        if not str(number_or_uuid).isdecimal():
            found = await self.ask(requests.run(repository, number_or_uuid))
            _check_same("run", str(number_or_uuid), found.uuid)
            return found
        number = int(number_or_uuid)
        try:
            found = await self.ask(requests.run(repository, number))
        except (NotFound, Refused):
            return await self._listed(repository, number)
        return found if found.build_number == number else await self._listed(repository, number)

    async def steps(self, repository: str, run_uuid: str) -> list[Step]:
        """In order; empty while the run is queued."""
        return await self.rows(requests.steps(repository, run_uuid))

    async def log(self, repository: str, run_uuid: str, step_uuid: str, *, offset: int, limit: int) -> LogPart:
        """At most `limit` bytes from `offset` on. A log of bytes, not of text: a character may be cut in two."""
        request = requests.log(repository, run_uuid, step_uuid, offset=offset, limit=limit)
        bounds = Bounds(limit, skip=offset, exact=False)

        def read(reply: Reply) -> LogPart | str:
            return reply.headers.get("Location", "") if reply.status == REDIRECT else part_of(reply, offset)

        part = await self.call(request, read, also=LOG_STATUSES, bounds=bounds)
        return part if isinstance(part, LogPart) else await self._stored_part(part, request, bounds)

    async def start_run(
        self,
        repository: str,
        *,
        branch: str | None = None,
        commit: str | None = None,
        custom: str | None = None,
        variables: Sequence[Assignment] = (),
        yaml: str | None = None,
    ) -> Run:
        """Of a branch, a commit on it, or a bare commit; of a `custom` section, or of `yaml` in place of the file.

        An Unreachable that is `maybe_done` may have started it: look for it by commit before it is asked for again.
        """
        if yaml is None:
            request = requests.start_run(repository, branch=branch, commit=commit, custom=custom, variables=variables)
        else:
            request = requests.start_on_demand(
                repository, yaml, branch=branch, commit=commit, custom=custom, variables=variables
            )
        run = await self.ask(request)
        if commit is not None and run.target.commit is not None:
            _check_same("commit", commit, run.target.commit.hash, maybe_done=True)
        return run

    async def stop_run(self, repository: str, run_uuid: str) -> None:
        """Raises AlreadyEnded."""
        try:
            await self.ask(requests.stop_run(repository, run_uuid))
        except Refused as error:
            if error.status != httpx.codes.BAD_REQUEST:
                raise
            raise AlreadyEnded(str(error), status=error.status) from None

    async def _listed(self, repository: str, number: int) -> Run:
        pages = 0
        async for page in self.pages(requests.runs(repository, sort=NEWEST_FIRST)):
            for run in page:
                if run.build_number == number:
                    return run
            pages += 1
            if pages == PAGES_BACK or any(run.build_number < number for run in page):
                break
        raise NotFound(f"Bitbucket knows no run #{number} of {repository} among the newest {pages * requests.PAGELEN}")

    async def _stored_part(self, link: str, request: Request[bytes], bounds: Bounds) -> LogPart:
        """The part from the storage of finished logs: one hop, without what opens Bitbucket, with the range again."""
        try:
            target = await storage.checked(link, allow_private=self._allow_private)
            headers = {**request.headers, "Host": target.host_header}
            reply = await exchange(
                self._http,
                "GET",
                target.urls[0],
                headers=headers,
                limit=bounds.limit,
                skip=bounds.skip,
                exact=bounds.exact,
                seconds=self._seconds,
                server_name=target.host,
            )
            if reply.status not in (200, 206, 416):
                raise NoReply(f"it answered {reply.status}")
            return part_of(reply, bounds.skip, stored=True)
        except BadTarget as error:
            raise Unreachable(str(error)) from None
        except NoReply as error:
            raise Unreachable(f"the storage of finished logs gave no usable answer: {error}") from None


def _check_same(what: str, asked: str, told: str, *, maybe_done: bool = False) -> None:
    """Raises Unreachable for an answer about something else."""
    if not told.lower().startswith(asked.lower()):
        text = f"Bitbucket was asked about {what} {asked} and answered about {told}"
        raise Unreachable(text, maybe_done=maybe_done)
