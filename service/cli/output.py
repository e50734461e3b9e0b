"""How commands show what they found: a table for people, JSON for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import msgspec

from service.cli.saying import PLAIN, one_line, say

BOLD, DIM, RED, GREEN, YELLOW = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"

COLOURS = {
    "SUCCESS": GREEN,
    "FAILED": RED,
    "PLANNED": DIM,
    "BUILDING": YELLOW,
    "TESTING": YELLOW,
    "DEPLOYING": YELLOW,
    "processed": GREEN,
    "dead": RED,
    "failed": RED,
}


def coloured(text: str, colour: str) -> str:
    """Plain where the output is not a terminal."""
    return f"{colour}{text}{PLAIN}" if sys.stdout.isatty() and colour else text


def show_json(content: object) -> None:
    """What JSON lets stand though a terminal acts on it is escaped: to a program it is the same."""
    text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    say(re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text))


def show_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as their widest cell, which is one line whatever it says; words of state in their colour."""
    cells = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    say(coloured("  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)).rstrip(), BOLD))
    for row in cells:
        padded = [
            coloured(cell, COLOURS.get(cell, "")) + " " * (width - len(cell))
            for cell, width in zip(row, widths, strict=True)
        ]
        say("  ".join(padded).rstrip())
