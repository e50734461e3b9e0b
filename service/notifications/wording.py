"""How a message reads: one template an event, `templates/notifications/<event>.txt`, an operator's own before ours.

A template gives three paragraphs: a title of one line, what happened, what to do next.
"""

from __future__ import annotations

import logging
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from service.notifications.words import DIGEST, TYPES, Told, Wording
from service.render import Environment, environment

log = logging.getLogger(__name__)

# Not even in a template's own lines has a text of a stranger a line break, or what turns the reading direction.
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
LONGEST_WORD = 300
MOST_GATHERED = 50


class Wordings:
    """The templates. `override` is an operator's directory, laid out as `templates/` is.

    A file in it that cannot be used stops no message: the shipped one takes its place, and the log says why.
    """

    def __init__(self, override: Path | None = None) -> None:
        self._override = override
        self._shipped = _environment()
        self._own = _environment(override)
        self._said: dict[str, str] = {}

    def of(self, told: Told) -> Wording:
        return self.explained(told)[0]

    def explained(self, told: Told) -> tuple[Wording, str | None]:
        """With why the operator's own template is not used, where there is one and it cannot be."""
        if told.event == DIGEST:
            return self._digest(told), None
        name = f"notifications/{told.event}.txt"
        try:
            wording, wrong = _worded(self._own, name, told), None
        except Exception as error:  # whatever is wrong with a text of somebody else's
            if self._override is None:
                raise
            wording, wrong = _worded(self._shipped, name, told), _told_of(name, error)
        self._say(name, wrong)
        return wording, wrong

    def _say(self, name: str, wrong: str | None) -> None:
        """Once, until it is another thing that is wrong."""
        if wrong != self._said.pop(name, None) and wrong is not None:
            log.warning("%s; the shipped one is used", wrong)
        if wrong is not None:
            self._said[name] = wrong

    def _digest(self, told: Told) -> Wording:
        shown = told.gathered[:MOST_GATHERED]
        lines = [f"{one.at:%H:%M} {self.of(one).title}" for one in shown]
        if more := len(told.gathered) - len(shown):
            lines.append(f"and {more} more")
        return Wording(f"{len(told.gathered)} messages since {told.gathered[0].at:%H:%M} UTC", "\n".join(lines), "")


def _environment(override: Path | None = None) -> Environment:
    made = environment(override)
    made.filters["lasting"] = lasting
    return made


def _worded(templates: Environment, name: str, told: Told) -> Wording:
    text = templates.get_template(name).render(told=plain(told))
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text.strip())]
    title, lead, next_step = (" ".join(part.split()) for part in (*paragraphs, "", "", "")[:3])
    if not title:
        raise ValueError("it gives no title: its first line must say something")
    return Wording(title, lead, next_step)


def _told_of(name: str, error: Exception) -> str:
    line = getattr(error, "lineno", None)
    where = f"{name}, line {line}" if line else name
    return f"your {where} cannot be used: {one_line(str(error)) or type(error).__name__}"


def events_with_a_template() -> list[str]:
    return [event for event in TYPES if event != DIGEST]


def plain(told: Told) -> Told:
    """Every text in one line, none of them endless."""
    changes: dict[str, Any] = {
        one.name: one_line(value)
        for one in fields(Told)
        if isinstance(value := getattr(told, one.name), str) and one.name not in ("log", "url", "key")
    }
    more = {name: one_line(value) if isinstance(value, str) else value for name, value in told.more.items()}
    return replace(told, **changes, more=more)


def one_line(text: str) -> str:
    text = _UNWANTED.sub(" ", text).strip()
    return text if len(text) <= LONGEST_WORD else text[: LONGEST_WORD - 1] + "…"


def lasting(seconds: float | None) -> str:
    """`1 h 4 min`, `3 min 20 s`, `12 s`."""
    if seconds is None:
        return ""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
