"""A log's lines as their reader can bear them: a terminal, a pipe, a program, or one who asks for the bytes."""

from __future__ import annotations

import json
import re
import sys
from types import TracebackType

from service.cli.saying import PLAIN, say, tame


class ShownLog:
    """Shows lines one after another; entered around them, it leaves the terminal with colours of its own.

    A colour goes on over the lines that follow, as the step meant it. `pattern` is looked for in what is read, not in
    what colours it.
    """

    def __init__(self, pattern: re.Pattern[str] | None, *, raw: bool, as_json: bool) -> None:
        self._pattern = pattern
        self._raw = raw
        self._as_json = as_json
        self._terminal = sys.stdout.isatty()

    def __enter__(self) -> ShownLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal and not self._as_json:
            print(PLAIN, end="", flush=True)

    def line(self, step: str | None, line: str) -> None:
        """With its line feed, where it has one."""
        plain = line if self._raw else tame(line, colours=False)
        if not line or (self._pattern and not self._pattern.search(plain)):
            return
        if self._as_json:
            say(json.dumps({"step": step, "text": line.rstrip("\n")}), flush=True)
        else:
            shown = tame(line, colours=True) if self._terminal and not self._raw else plain
            print(shown, end="", flush=True)
