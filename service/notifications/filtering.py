"""Which entries of the log are told, and to which routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.bitbucket.globs import matches
from service.machine import State
from service.notifications.words import USUAL, Event

# The entries that may be worth a message.
KINDS = (
    "execution.transitioned",
    "execution.rolled_back",
    "execution.waiting",
    "environment.held",
    "config.drifted",
    "config.regenerated",
)

_ALWAYS = {
    "execution.rolled_back": Event.ROLLED_BACK,
    "execution.waiting": Event.WAITING_APPROVAL,
    "environment.held": Event.HELD,
    "config.drifted": Event.DRIFTED,
    "config.regenerated": Event.CONFIG_REGENERATED,
}

OUTCOMES = {State.SUCCESS: Event.SUCCEEDED, State.FAILED: Event.FAILED}


def event_of(kind: str, payload: Mapping[str, Any]) -> Event | None:
    """What an entry means to people; None where it means nothing."""
    if kind != "execution.transitioned":
        return _ALWAYS.get(kind)
    before, after = payload.get("from"), payload.get("to")
    if after in OUTCOMES:
        return OUTCOMES[State(after)]
    return Event.STARTED if before == State.PLANNED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a route asks for. `branch` is a name or a pattern of Bitbucket's; None takes everything.

    `only_changes`: of two equal outcomes in a row, on one environment and branch, only the first is told.
    """

    repository_id: int | None = None
    pipeline_id: int | None = None
    environment: str | None = None
    branch: str | None = None
    events: tuple[Event, ...] = USUAL
    only_changes: bool = False

    def takes(
        self,
        event: Event,
        *,
        repository_id: int | None,
        pipeline_id: int | None,
        payload: Mapping[str, Any],
        before: str | None = None,
    ) -> Event | None:
        """What is told to the route of this, None where nothing is. `before` is the last outcome of its kind."""
        if self.repository_id not in (None, repository_id) or self.pipeline_id not in (None, pipeline_id):
            return None
        if self.environment not in (None, payload.get("environment")):
            return None
        if self.branch is not None and not matches(self.branch, str(payload.get("branch") or "")):
            return None
        if event is Event.SUCCEEDED and before == State.FAILED and payload.get("trigger_type") != "rollback":
            if Event.FIXED in self.events:
                return Event.FIXED
        elif self.only_changes and before is not None and before == payload.get("to"):
            return None
        return event if event in self.events else None


def read_filter(stored: Mapping[str, Any]) -> Filter:
    """A filter as it is stored: without the fields that take everything."""
    events = tuple(Event(word) for word in stored.get("events") or USUAL)
    rest = {name: stored[name] for name in ("repository_id", "pipeline_id", "environment", "branch") if name in stored}
    return Filter(**rest, events=events, only_changes=bool(stored.get("only_changes")))
