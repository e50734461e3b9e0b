"""The words of notifications: what may be told, and what a message knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Event(StrEnum):
    """What a route may ask to be told."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    WAITING_APPROVAL = "waiting_approval"
    FIXED = "fixed"  # the first success after a failure on that environment and branch
    HELD = "held"
    DRIFTED = "drifted"
    CONFIG_REGENERATED = "config_regenerated"


# Told where a route names none. One message an outcome: that something begins is told only to those who ask.
USUAL = (Event.SUCCEEDED, Event.FAILED, Event.ROLLED_BACK, Event.WAITING_APPROVAL, Event.HELD)

# What a message is sent for that no route asks for.
TEST, DIGEST = "test", "digest"

# The `type` of a webhook.
TYPES: dict[str, str] = {
    Event.STARTED: "execution.started",
    Event.SUCCEEDED: "execution.succeeded",
    Event.FAILED: "execution.failed",
    Event.ROLLED_BACK: "execution.rolled_back",
    Event.WAITING_APPROVAL: "execution.waiting_approval",
    Event.FIXED: "execution.fixed",
    Event.HELD: "environment.held",
    Event.DRIFTED: "config.drifted",
    Event.CONFIG_REGENERATED: "config.regenerated",
    TEST: "notification.test",
    DIGEST: "notification.digest",
}


class Kind(StrEnum):
    """Where a route leads."""

    SLACK = "slack"
    TEAMS = "teams"
    DISCORD = "discord"
    GOOGLE_CHAT = "google_chat"
    WEBHOOK = "webhook"
    EMAIL = "email"
    APPRISE = "apprise"


class Mood(StrEnum):
    """The colour of a message."""

    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"
    PLAIN = "plain"


MOODS: dict[str, Mood] = {
    Event.SUCCEEDED: Mood.GOOD,
    Event.FIXED: Mood.GOOD,
    Event.FAILED: Mood.BAD,
    Event.ROLLED_BACK: Mood.WARNING,
    Event.WAITING_APPROVAL: Mood.WARNING,
    Event.HELD: Mood.WARNING,
    Event.DRIFTED: Mood.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that a message may say. Texts come from Bitbucket and people: each target escapes them its own way.

    `key` is the message's own name, the same at every try; `lane` that of what it is about. `log` are the last lines
    of `failing_step`, masked. `gathered` are the messages of a digest.
    """

    key: str
    lane: str
    event: str
    at: datetime
    url: str
    repository: str | None = None
    environment: str | None = None
    branch: str | None = None
    commit: str | None = None
    commit_message: str | None = None
    author: str | None = None
    by: str | None = None
    pipeline_id: int | None = None
    execution_id: int | None = None
    build_number: int | None = None
    build_url: str | None = None
    trigger_type: str | None = None
    attempt: int | None = None
    before: str | None = None  # the states it moved between
    after: str | None = None
    reason: str | None = None
    duration_seconds: float | None = None
    failing_step: str | None = None
    log: str | None = field(default=None, repr=False)
    more: dict[str, Any] = field(default_factory=dict)  # what only some events say
    gathered: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """What a template makes of it: a line that says it all, a sentence or two, and what to do next."""

    title: str
    lead: str
    next_step: str
