"""Asks a site twenty times a second while something else happens to it."""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType

from tests.deploy.server import Server


class Probe:
    """A context that counts the statuses it saw, or what kept it from one; `seen` is complete once it is left."""

    def __init__(self, server: Server, path: str) -> None:
        self._server = server
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.seen: Counter[int | str] = Counter()

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.05):
            try:
                answer: int | str = self._server.get(self._path)[0]
            except OSError as error:
                answer = str(error)
            self.seen[answer] += 1
