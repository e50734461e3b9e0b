"""Three-way merge of sequences: the lines of a text, the commands of a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Region(Generic[T]):
    """A stretch in which the three differ, or agree. `merged` is None where both sides changed it, differently."""

    base: Sequence[T]
    ours: Sequence[T]
    theirs: Sequence[T]

    @property
    def merged(self) -> Sequence[T] | None:
        if self.theirs in (self.base, self.ours):
            return self.ours
        return self.theirs if self.ours == self.base else None


def regions(base: Sequence[T], ours: Sequence[T], theirs: Sequence[T]) -> Iterator[Region[T]]:
    """From the beginning to the end: what all three share, and what lies between."""
    at_base = at_ours = at_theirs = 0
    for low, high, our, their in [*_shared(base, ours, theirs), (len(base), len(base), len(ours), len(theirs))]:
        between = Region(base[at_base:low], ours[at_ours:our], theirs[at_theirs:their])
        if between.base or between.ours or between.theirs:
            yield between
        if high > low:
            yield Region(base[low:high], ours[our : our + high - low], theirs[their : their + high - low])
        at_base, at_ours, at_theirs = high, our + high - low, their + high - low


def merge_lines(base: str, ours: str, theirs: str) -> tuple[str, list[Region[str]]]:
    """The text, and the stretches in which ours stands against theirs."""
    found = list(regions(base.splitlines(True), ours.splitlines(True), theirs.splitlines(True)))
    merged = [line for region in found for line in (region.ours if region.merged is None else region.merged)]
    return "".join(merged), [region for region in found if region.merged is None]


def _shared(base: Sequence[T], ours: Sequence[T], theirs: Sequence[T]) -> Iterator[tuple[int, int, int, int]]:
    """(from, to) in `base` with the places in the other two, of each stretch that all three have."""
    mine = SequenceMatcher(None, base, ours, autojunk=False).get_matching_blocks()
    others = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    one = other = 0
    while one < len(mine) and other < len(others):
        a, b = mine[one], others[other]
        low, high = max(a.a, b.a), min(a.a + a.size, b.a + b.size)
        if low < high:
            yield low, high, a.b + low - a.a, b.b + low - b.a
        if a.a + a.size < b.a + b.size:
            one += 1
        else:
            other += 1
