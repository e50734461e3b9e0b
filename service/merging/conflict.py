"""A disagreement, as a person reads it."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Conflict:
    """`where` leads to the place in the file `path`, empty for all of it. `yours` stands there and stays; `ours` is
    what Penstock would write, None where it would take the place away or only tells `why`.
    """

    path: str
    where: str
    why: str
    yours: str | None = None
    ours: str | None = None


def shown(text: str | None) -> str | None:
    """Not more of it than a person reads."""
    if text is None or len(text) <= LONGEST:
        return text
    return text[:LONGEST] + "…"
