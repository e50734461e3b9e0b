"""How a page says times, lengths of time and states; `templates/static/words.js` says them alike."""

from __future__ import annotations

from datetime import UTC, datetime

from service.machine import State

# The way of an execution that goes well: the five steps of the track.
STAGES = (State.PLANNED, State.BUILDING, State.TESTING, State.DEPLOYING, State.SUCCESS)

EVENTS = {
    "repo:push": "Push",
    "repo:commit_status_created": "Build status",
    "repo:commit_status_updated": "Build status",
    "repo:updated": "Repository updated",
    "repo:transfer": "Repository moved",
    "repo:deleted": "Repository deleted",
    "pipeline:span_created": "Pipeline span",
}


def lasting(seconds: float | None) -> str:
    """`8 s`, `4 m 12 s`, `2 h 5 m`, `3 d 4 h`; nothing for None."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def ago(at: datetime, now: datetime) -> str:
    """`just now`, `12 min ago`, `3 h ago`, `5 d ago`: what was a moment ago does not count seconds."""
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if seconds < 86400:
        return f"{seconds // 3600} h ago"
    return f"{seconds // 86400} d ago"


def exactly(at: datetime) -> str:
    """For whoever wants to know: `2026-03-01 09:30:00 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def short(commit: str | None) -> str:
    return commit[:7] if commit else ""


def event_word(key: str) -> str:
    """What an event is called among people; one that we have no word for keeps its key."""
    return EVENTS.get(key, key)


def step_told(stage: str, status: str) -> str:
    """The track in words, for whoever does not see it."""
    place = STAGES.index(State(stage)) + 1
    if status == State.FAILED:
        return f"Failed at step {place} of {len(STAGES)}, {stage.lower()}"
    return f"Step {place} of {len(STAGES)}, {stage.lower()}"
