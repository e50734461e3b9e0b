"""Discord: one embed, which later messages about the same thing take the place of.

https://discord.com/developers/docs/resources/webhook - `?wait=true` answers with the message's id, by which it is
edited.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from service.clock import written
from service.notifications.targets.form import Form, Place, cut, cut_escaped, facts, json, links, with_query
from service.notifications.words import MOODS, Mood, Told, Wording

TITLE, DESCRIPTION, NAME, VALUE = 256, 4096, 256, 1024
LOG = 1500  # all of an embed together may have 6,000 characters

COLOURS = {Mood.GOOD: 0x2E9E5B, Mood.BAD: 0xD13B3B, Mood.WARNING: 0xD9A21B, Mood.PLAIN: 0x6B7280}
_MARKUP = re.compile(r"([\\*_~`|>\[\]()#@<:-])")


def escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _compose(told: Told, words: Wording) -> bytes:
    parts = [cut_escaped(text, 900, escaped) for text in (words.lead, words.next_step) if text]
    if told.log:
        parts.insert(1, f"```\n{cut_escaped(told.log, LOG, _unfenced, end=True)}\n```")
    parts += [f"[{label}]({url})" for label, url in links(told)[1:] if len(url) < 500]
    shown = [] if told.event == "digest" else facts(told)
    embed: dict[str, Any] = {
        "title": cut(words.title, TITLE),
        "url": told.url,
        "description": cut("\n\n".join(parts), DESCRIPTION),
        "color": COLOURS[MOODS.get(told.event, Mood.PLAIN)],
        "fields": [
            {"name": label, "value": cut_escaped(text, 200, escaped), "inline": len(text) < 40} for label, text in shown
        ],
        "timestamp": written(told.at),
    }
    return json({"embeds": [embed], "allowed_mentions": {"parse": []}})


def _place(url: str, told: Told, reference: str | None) -> Place:
    if reference is None:
        return Place("POST", with_query(url, wait="true"))
    parts = urlsplit(url)
    return Place("PATCH", urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/messages/{reference}")))


def _reference(body: bytes) -> str | None:
    """A snowflake: digits, since it goes into a path."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    number = found.get("id") if isinstance(found, dict) else None
    return number if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 32 else None


def _unfenced(log: str) -> str:
    return log.replace("```", "'''")


FORM = Form(_compose, place=_place, reference=_reference)
