"""What must change at Bitbucket so that its variables are ours: a plan, to be looked at before it is carried out.

Bitbucket never tells a secured value, so whether one is ours by now is known by the mark of what was last sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.bitbucket.answers import Variable as There


@dataclass(frozen=True, slots=True)
class Ours:
    """A variable as it should be. `sent` says that this very value is what Bitbucket was last told."""

    key: str
    secured: bool
    sent: bool
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is missing, what differs, what is right, and what is there without us."""

    create: tuple[Ours, ...]
    update: tuple[tuple[There, Ours], ...]
    unchanged: tuple[Ours, ...]
    unmanaged: tuple[There, ...]


def plan(ours: Sequence[Ours], theirs: Sequence[There]) -> Plan:
    there: Mapping[str, There] = {variable.key: variable for variable in theirs}
    known = [one for one in ours if one.key in there]
    return Plan(
        create=tuple(one for one in ours if one.key not in there),
        update=tuple((there[one.key], one) for one in known if not _same(there[one.key], one)),
        unchanged=tuple(one for one in known if _same(there[one.key], one)),
        unmanaged=tuple(variable for variable in theirs if variable.key not in {one.key for one in ours}),
    )


def _same(there: There, ours: Ours) -> bool:
    if there.secured != ours.secured:
        return False
    return ours.sent if ours.secured else there.value == ours.value
