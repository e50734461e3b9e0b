"""What every target's form has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from service.notifications.wording import lasting, one_line
from service.notifications.words import Told, Wording


@dataclass(frozen=True, slots=True)
class Place:
    """Where one message goes."""

    method: str
    url: str


def _posted(url: str, told: Told, reference: str | None) -> Place:
    return Place("POST", url)


def _none(body: bytes) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Form:
    """`compose` makes the bytes, `place` says where they go, given what the target called the last message of the lane.

    `reference` reads that name out of an answer.
    """

    compose: Callable[[Told, Wording], bytes]
    content_type: str = "application/json"
    place: Callable[[str, Told, str | None], Place] = _posted
    reference: Callable[[bytes], str | None] = _none
    shows_log: bool = True


def facts(told: Told) -> list[tuple[str, str]]:
    """What, where, who, how long: label and text, in one line each. Why it is so is for the template to say."""
    commit = f"{told.commit[:12]} {told.commit_message or ''}".strip() if told.commit else told.commit_message
    run = f"#{told.build_number}" if told.build_number else None
    if run and (told.attempt or 1) > 1:
        run += f", attempt {told.attempt}"
    found = {
        "Repository": told.repository,
        "Environment": told.environment,
        "Branch": told.branch,
        "Commit": commit,
        "Author": told.author,
        "By": told.by,
        "Run": run,
        "Took": lasting(told.duration_seconds),
        "Failing step": told.failing_step,
    }
    return [(label, one_line(text)) for label, text in found.items() if text]


def links(told: Told) -> list[tuple[str, str]]:
    found = [("Open in Penstock", told.url)]
    if told.build_url:
        found.append((f"Run #{told.build_number} at Bitbucket", told.build_url))
    if told.more.get("approve_url"):
        found = [("Approve at Bitbucket", str(told.more["approve_url"])), *found[:1]]
    if told.more.get("decide_url"):
        found = [("Approve or refuse", str(told.more["decide_url"])), *found[:1]]
    if told.more.get("pull_request_url"):
        found.append(("Pull request", str(told.more["pull_request_url"])))
    return found


def cut(text: str, most: int) -> str:
    """The text's begin, with a sign where it was cut."""
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"


def tail(text: str, most: int) -> str:
    """The text's end: of a log it is what counts."""
    return text if len(text) <= most else "…" + text[len(text) - most + 1 :]


def cut_escaped(text: str, most: int, escape: Callable[[str], str], *, end: bool = False) -> str:
    """The escaped text, cut so that no escape is cut in two and the whole is no longer than `most`."""
    whole = escape(text)
    while len(whole) > most:
        keep = max(0, min(len(text) - 1, len(text) * most // len(whole)))
        text = tail(text, keep) if end else cut(text, keep)
        whole = escape(text)
    return whole


def json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def with_query(url: str, **more: str) -> str:
    """The link with these in its query, whatever it had of the same names."""
    parts = urlsplit(url)
    kept = [(name, text) for name, text in parse_qsl(parts.query, keep_blank_values=True) if name not in more]
    return urlunsplit(parts._replace(query=urlencode([*kept, *more.items()])))
