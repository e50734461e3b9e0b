"""How commands show what they found: a table for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

BOLD, DIM, RED, GREEN, YELLOW, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"

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
    print(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def show_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as their widest cell; words of state in their colour."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    print(coloured("  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)).rstrip(), BOLD))
    for row in cells:
        padded = [
            coloured(cell, COLOURS.get(cell, "")) + " " * (width - len(cell))
            for cell, width in zip(row, widths, strict=True)
        ]
        print("  ".join(padded).rstrip())
