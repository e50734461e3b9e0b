"""Every word of a command goes through here: a terminal acts on none that came from outside.

Logs, commit messages, branches and errors are written by others. Of their control characters a terminal is given
colours, tabs and line feeds; what would move its cursor, name its window or fill its clipboard is taken out. Where the
output is no terminal, colours are taken out as well.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO

PLAIN = "\x1b[0m"

ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# A sequence ends before the next control character: what is unfinished costs its first character, and hides no text.
SEQUENCES = re.compile(
    r"""
      (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]  # the cursor, the screen, modes, colours
    | (?: \x1b[\]PX^_] | [\x90\x98\x9d-\x9f] ) [^\x00-\x1f\x7f-\x9f]* (?: \x07 | \x1b\\ | \x9c )  # titles, clipboard
    | \x1b [ -/]* [0-~]  # character sets, a reset
    | \r+
    | [\x00-\x08\x0b-\x1f\x7f-\x9f]
    """,
    re.VERBOSE,
)
COLOUR = re.compile(r"\x1b\[[\d;:]*m")


def tame(text: str, *, colours: bool) -> str:
    """`text` with nothing in it that a terminal acts on, colours apart where they are asked for.

    What was to be written over with a carriage return becomes a line of its own, so that nothing is hidden by it.
    """
    if not ACTING.search(text):
        return text

    def kept(found: re.Match[str]) -> str:
        if found[0][0] == "\r":
            return "" if text.startswith("\n", found.end()) else "\n"
        return found[0] if colours and COLOUR.fullmatch(found[0]) else ""

    return SEQUENCES.sub(kept, text)


def one_line(text: str) -> str:
    """A text from outside within a line of ours: no colours, no line feeds that would make a line of theirs."""
    return " ".join(tame(text, colours=False).replace("\t", " ").splitlines())


def say(text: str = "", *, end: str = "\n", flush: bool = False, file: TextIO | None = None) -> None:
    """Prints a text of ours, with whatever from outside stands in it; the terminal has its own colours again after."""
    out = file or sys.stdout
    told = tame(text, colours=out.isatty())
    print(f"{told}{PLAIN}" if "\x1b" in told and not told.endswith(PLAIN) else told, end=end, flush=flush, file=out)
