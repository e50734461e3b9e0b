"""What a handler has before it: the delivery, the repository it is about, and the record it may write into."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from service.history import Patience
from service.recorder import Record
from service.routing import Router
from service.store.pipelines import Pipeline
from service.store.repositories import Repository


class Word(StrEnum):
    """The closed list of verdicts."""

    OPENED = "opened"  # an execution was opened
    JOINED = "joined"  # it belongs to an execution that was there already
    APPLIED = "applied"  # it moved an execution
    REPORTED = "reported"  # it claims an end that Bitbucket has not confirmed
    UNCHANGED = "unchanged"  # it says what was known
    LATE = "late"  # something newer is known
    HELD = "held"  # its environment is held because of this commit
    REFUSED = "refused"  # the state machine has no row for it
    REGENERATING = "regenerating"  # what it changed is looked into, or has led to new files
    RENAMED = "renamed"
    DEACTIVATED = "deactivated"
    IGNORED = "ignored"  # nothing here acts on it
    FAILED = "failed"  # it could not be read, or not be processed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one ref or status of a delivery, in words a person understands."""

    word: Word
    reason: str
    ref: str | None = None
    execution_id: int | None = None

    def told(self) -> dict[str, Any]:
        return {"ref": self.ref, "verdict": self.word, "reason": self.reason, "execution_id": self.execution_id}


@dataclass(frozen=True, slots=True)
class Desk:
    """The repository is locked for this record: nobody else writes about it meanwhile."""

    record: Record
    repository: Repository
    pipeline: Pipeline | None  # the repository's active one
    delivery_id: str | None  # None for a push that was found, and not delivered
    patience: Patience
    further: list[Verdict] = field(default_factory=list)  # what one event leads to beside its own verdict


# The type of router that every file of this package has one of.
Handlers = Router[Desk, Verdict]

NO_PIPELINE = "this repository has no active pipeline: generate one, or connect the repository again"
