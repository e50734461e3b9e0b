"""Numbers on the command line: one that nothing can be done with is wrong usage, said before anything is opened."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def number(least: int, most: int) -> Callable[[str], int]:
    """An argument's type: a whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read
