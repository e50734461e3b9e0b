"""How far a command has come, for those that take long."""

from __future__ import annotations

import sys
import time


class Progress:
    """On standard error, once it has taken a second: in one line on a terminal, ever more rarely elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._wait = 1.0
        self._due = time.monotonic() + self._wait
        self._shown = False

    def told(self, table: str, rows: int) -> None:
        if time.monotonic() < self._due:
            return
        self._wait *= 1 if self._terminal else 2
        self._due = time.monotonic() + self._wait
        self._shown = True
        line = f"{rows} rows so far: {table}"
        print(f"\r\x1b[K{line}" if self._terminal else line, end="" if self._terminal else "\n", file=sys.stderr)
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown and self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
