"""Asks Bitbucket until it has answered, or says why there will be no answer.

A call draws from the budget each time it is sent. What may be repeated without harm is repeated after a pause when
Bitbucket fails, hangs or answers nonsense; a POST that may have been carried out is not, its caller looks first.
Never to be awaited inside a transaction: it takes seconds, and the budget has a transaction of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from types import NoneType
from typing import TypeVar, cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import httpx
import msgspec

from service.bitbucket.answers import Page
from service.bitbucket.requests import Query, Request
from service.client.authorization import Authorization
from service.client.budget import Budget
from service.client.errors import Unreachable
from service.client.exchange import LARGEST_ANSWER, TOTAL_SECONDS, NoReply, Reply, exchange
from service.client.refusals import refusal, retry_after, scrubbed

T = TypeVar("T")
R = TypeVar("R")

TRIES = 3
FIRST_PAUSE = 0.5  # seconds, doubled with each try
MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an answer is read; see `exchange`."""

    limit: int = LARGEST_ANSWER
    skip: int = 0
    exact: bool = True


class Calls:
    """The way to Bitbucket of one credential.

    `urgent` is for what a person waits for: it may overdraw the budget. `allow_private_targets` lets the storage of
    finished logs be where it likes. `seconds` is how long one answer may take.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        authorization: Authorization,
        budget: Budget,
        *,
        urgent: bool = False,
        allow_private_targets: bool = False,
        seconds: float = TOTAL_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._authorization = authorization
        self._budget = budget
        self._urgent = urgent
        self._allow_private = allow_private_targets
        self._seconds = seconds
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._budget.name!r})"

    async def ask(self, request: Request[T]) -> T:
        """The answer. Raises BitbucketError."""
        return await self.call(request, lambda reply: decoded(reply, request.expect))

    async def call(
        self,
        request: Request[T],
        read: Callable[[Reply], R],
        *,
        also: frozenset[int] = frozenset(),
        bounds: Bounds | None = None,
    ) -> R:
        """What `read` makes of a reply that is a success or has a status of `also`; its NoReply counts as no answer."""
        for attempt in range(1, TRIES + 1):
            try:
                reply = await self._authorized(request, bounds or Bounds())
                if reply.status < 500:
                    await self._check(request, reply, also, again=attempt > 1)
                    return read(reply)
                why, unsent = f"it answered {reply.status}", False
            except NoReply as error:
                why, unsent = str(error), error.unsent
            if not (request.repeatable or unsent):
                raise self._unreachable(request, why, attempt, maybe_done=True)
            if attempt < TRIES:
                pause = FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - spreads callers
                await self._sleep(pause)
        raise self._unreachable(request, why, TRIES, maybe_done=False)

    async def rows(self, request: Request[Page[T]], *, limit: int | None = None) -> list[T]:
        """The rows of all pages, or the first `limit`. Raises Unreachable for a list that does not end."""
        found: list[T] = []
        async for page in self.pages(request):
            found += page
            if limit is not None and len(found) >= limit:
                break
        return found[:limit]

    async def pages(self, request: Request[Page[T]]) -> AsyncIterator[list[T]]:
        """Page after page, each where we asked: of the link to the next one only the query is used."""
        seen: set[Query] = set()
        while len(seen) < MOST_PAGES:
            seen.add(request.query)
            page = await self.ask(request)
            yield page.values
            if page.next is None:
                return
            query = self._following(request, page.next)
            if query in seen:
                raise Unreachable(f"the list at {place(request)} leads back to a page that was read")
            request = replace(request, query=query)
        raise Unreachable(f"the list at {place(request)} goes on after {MOST_PAGES} pages")

    def _following(self, request: Request[T], link: str) -> Query:
        """The query of the link to the next page. Raises Unreachable for a link to another place."""
        here = urlsplit(self._base_url)
        try:
            there = urlsplit(link)
        except ValueError:  # an address in brackets that is none
            there = urlsplit("")
        if there.netloc != here.netloc or not there.path.startswith(f"{here.path}/"):
            raise Unreachable(f"the list at {place(request)} goes on at another place, which is not followed")
        return tuple(parse_qsl(there.query, keep_blank_values=True))

    async def _authorized(self, request: Request[T], bounds: Bounds) -> Reply:
        header = await self._authorization.header()
        reply = await self._send(request, bounds, header)
        if reply.status == httpx.codes.UNAUTHORIZED and await self._authorization.renew(header):
            reply = await self._send(request, bounds, await self._authorization.header())
        return reply

    async def _send(self, request: Request[T], bounds: Bounds, authorization: str) -> Reply:
        await self._budget.take(urgent=self._urgent)
        return await exchange(
            self._http,
            request.method,
            self._base_url + request.path + (f"?{urlencode(request.query)}" if request.query else ""),
            headers={**request.headers, "Authorization": authorization},
            body=request.body,
            limit=bounds.limit,
            skip=bounds.skip,
            exact=bounds.exact,
            seconds=self._seconds,
        )

    async def _check(self, request: Request[T], reply: Reply, also: frozenset[int], *, again: bool) -> None:
        """Raises what a status means."""
        gone = again and request.method == "DELETE" and reply.status == httpx.codes.NOT_FOUND  # by the try before
        if httpx.codes.is_success(reply.status) or reply.status in also or gone:
            await self._budget.worked()
            return
        wait = None
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            wait = await self._budget.rate_limited(retry_after(reply.headers))
        error = refusal(self._budget.name, place(request), reply, self._secrets(request), wait)
        if reply.status == httpx.codes.UNAUTHORIZED:
            await self._budget.refused(str(error))
        raise error

    def _unreachable(self, request: Request[T], why: str, tries: int, *, maybe_done: bool) -> Unreachable:
        text = f"Bitbucket gave no usable answer to {place(request)} in {tries} tries: {why}"
        if maybe_done:
            text = f"Bitbucket gave no usable answer to {place(request)}, which it may have carried out: {why}"
        return Unreachable(scrubbed(text, self._secrets(request)), maybe_done=maybe_done)

    def _secrets(self, request: Request[T]) -> tuple[str, ...]:
        return (*self._authorization.secrets, *request.secrets)


def decoded(reply: Reply, expect: type[T]) -> T:
    """The body as `expect`. Raises NoReply for one that is not that."""
    if expect in (bytes, NoneType):
        return cast("T", reply.body if expect is bytes else None)
    try:
        return msgspec.json.decode(reply.body, type=expect)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NoReply(f"the answer is not what the API documents ({type(error).__name__})") from None


def place(request: Request[T]) -> str:
    """The request for a message: without its query, which may hold values."""
    return f"{request.method} {unquote(request.path)}"
