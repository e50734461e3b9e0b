"""Build statuses that hang on commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.simulator.commits import Commit

STATES = ("INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED")


@dataclass(slots=True)
class CommitStatus:
    """One object per commit and key: whoever writes the same key overwrites it."""

    commit: Commit
    key: str
    state: str
    name: str
    refname: str | None
    description: str
    url: str
    created_on: datetime
    updated_on: datetime


def pipelines_key(refname: str) -> str:
    """The key that Pipelines writes: Java's `String.hashCode` of the ref's name.

    It is per ref, so two runs on one commit and ref share a status and the second overwrites the first.
    """
    units = refname.encode("utf-16-be")
    code = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFFFFFF
    return str(code - (1 << 32) if code >= 1 << 31 else code)


def status_state(result: str) -> str:
    """The word of a commit status for a run's result; there is none for ERROR or EXPIRED."""
    return {"SUCCESSFUL": "SUCCESSFUL", "STOPPED": "STOPPED"}.get(result, "FAILED")
