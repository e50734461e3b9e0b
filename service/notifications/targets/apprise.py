"""Apprise: its library, or the server of its API, which pass a message on to any of the services they know.

https://github.com/caronc/apprise-api - the link of the server is `https://…/notify/KEY`. The library takes the same
message, by `service/apprise/`.
"""

from __future__ import annotations

from service.notifications.targets.form import Form, cut, facts, json, links, tail
from service.notifications.words import DIGEST, MOODS, Mood, Told, Wording

KINDS = {Mood.GOOD: "success", Mood.BAD: "failure", Mood.WARNING: "warning", Mood.PLAIN: "info"}
TITLE, LOG = 250, 4000


def _compose(told: Told, words: Wording) -> bytes:
    shown = [] if told.event == DIGEST else facts(told)
    parts = [
        words.lead,
        "\n".join(f"{label}: {text}" for label, text in shown),
        tail(told.log, LOG) if told.log else "",
        words.next_step,
        "\n".join(f"{label}: {url}" for label, url in links(told)),
    ]
    body = "\n\n".join(part for part in parts if part)
    kind = KINDS[MOODS.get(told.event, Mood.PLAIN)]
    return json({"title": cut(words.title, TITLE), "body": body, "type": kind, "format": "text"})


FORM = Form(_compose)
