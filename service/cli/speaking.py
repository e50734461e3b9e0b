"""The API of a running service, for commands: where it is, who asks, what it answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from service.cli.errors import CommandFailed
from service.settings import read_env_file

T = TypeVar("T")

USUAL_URL = "http://127.0.0.1:8000"

# For how long a service that does not answer is waited for by whoever follows something, and how often it is tried.
PATIENCE, AGAIN = 120.0, 1.0


# What a service, or the proxy before it, answers while it starts or stops.
STARTING = frozenset({502, 503, 504})

# The reason in a stream's `bye` that does not end by itself.
REVOKED = '"revoked"'


class Away(CommandFailed):
    """The service does not answer, or has let go in the middle: it may be on its way up again."""


def patient(ask: Callable[[], T]) -> T:
    """What `ask` answers, once the service is there: it may be restarted meanwhile. Raises Away when it stays away."""
    given_up = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except Away:
            if time.monotonic() > given_up:
                raise
            time.sleep(AGAIN)


class Api:
    """Raises CommandFailed for whatever is no answer, with the service's own words where it has some."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **query: Any) -> Any:
        return self._answer("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer("POST", path, json=body)

    def every(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """All items of a list, page after page."""
        cursor = None
        while True:
            page = self.get(path, limit=200, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def text(self, path: str, **query: Any) -> Iterator[str]:
        """A text's lines, with their ends, as they come."""
        with self._stream(path, {"Accept": "text/plain"}, query, silence=60.0) as answer:
            rest = ""
            for part in answer.iter_text():
                *lines, rest = (rest + part).split("\n")
                yield from (f"{line}\n" for line in lines)
            if rest:
                yield rest

    def events(self, path: str, *, silence: float = 60.0, **query: Any) -> Iterator[tuple[str, str]]:
        """(event, data) of a stream, until it ends, or nothing at all has come for `silence` seconds."""
        for event, data, _ in self._events(path, {}, query, silence):
            yield event, data

    def followed(self, path: str, *, last: str = "", **query: Any) -> Iterator[tuple[str, str]]:
        """(event, data) of a stream, up to the event `last`.

        Where it breaks off it goes on as soon as the service is there again. Raises CommandFailed where it may not be
        read any more, Away when the service stays away.
        """
        seen, given_up = "", time.monotonic()  # one that was never there is not waited for
        while True:
            try:
                headers = {"Last-Event-ID": seen} if seen else {}
                for event, data, number in self._events(path, headers, query, silence=60.0):
                    seen, given_up = number or seen, time.monotonic() + PATIENCE
                    if event == "bye" and REVOKED in data:
                        raise CommandFailed("you may not read this any more")
                    yield event, data
                    if event == last:
                        return
            except Away:
                if time.monotonic() > given_up:
                    raise
            time.sleep(AGAIN)

    def _events(
        self, path: str, headers: dict[str, str], query: dict[str, Any], silence: float
    ) -> Iterator[tuple[str, str, str]]:
        """(event, data, id). One that breaks off before the empty line behind it has not come."""
        with self._stream(path, headers, query, silence=silence) as answer:
            event = number = data = ""
            for line in _lines(answer):
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "id":
                    number = value
                elif name == "data":
                    data = value
                elif not line and data:
                    yield event, data, number
                    data = ""

    @contextmanager
    def _stream(
        self, path: str, headers: dict[str, str], query: dict[str, Any], *, silence: float
    ) -> Iterator[httpx.Response]:
        wanted = {name: value for name, value in query.items() if value is not None}
        timeout = httpx.Timeout(20, read=silence)
        try:
            with self._client.stream("GET", path, params=wanted, headers=headers, timeout=timeout) as answer:
                if answer.is_error:
                    answer.read()
                    raise (Away if answer.status_code in STARTING else CommandFailed)(_problem(answer))
                yield answer
        except httpx.ReadTimeout:
            return
        except httpx.HTTPError as error:
            raise Away(f"the stream from {self._client.base_url} broke: {type(error).__name__}") from None

    def _answer(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            where = self._client.base_url
            raise Away(f"{where} does not answer ({type(error).__name__}); set PENSTOCK_URL") from None
        if answer.is_error:
            raise (Away if answer.status_code in STARTING else CommandFailed)(_problem(answer))
        return answer.json()


@contextmanager
def speaking() -> Iterator[Api]:
    """By PENSTOCK_URL and PENSTOCK_TOKEN, of the environment or a `.env` in the working directory."""
    environ = {**read_env_file(Path(".env")), **os.environ}
    token = environ.get("PENSTOCK_TOKEN", "")
    if not token:
        raise CommandFailed("PENSTOCK_TOKEN is not set; `penstock token create USER` makes one")
    url = environ.get("PENSTOCK_URL", "") or USUAL_URL
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=20, trust_env=False) as client:
        yield Api(client)


def _lines(answer: httpx.Response) -> Iterator[str]:
    """At line feeds alone: httpx would also part a line at the separators that Unicode has, which logs may hold."""
    rest = b""
    for part in answer.iter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        yield from (line.decode() for line in lines)


def _problem(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        fields = "; ".join(f"{one['field']}: {one['message']}" for one in problem.get("errors", []))
        return f"{problem['detail']}{f' ({fields})' if fields else ''}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}"
