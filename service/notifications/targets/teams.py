"""Microsoft Teams: an adaptive card, as the webhook of a Workflow takes it.

Text runs, not text blocks: a run knows no markup, so nothing in a branch's name is taken for any.
https://learn.microsoft.com/power-automate/teams/create-flows - a message may have 28 KB.
"""

from __future__ import annotations

from typing import Any

from service.notifications.targets.form import Form, cut, facts, json, links, tail
from service.notifications.words import MOODS, Mood, Told, Wording

COLOURS = {Mood.GOOD: "good", Mood.BAD: "attention", Mood.WARNING: "warning", Mood.PLAIN: "default"}
TEXT, LOG = 3000, 4000


def _compose(told: Told, words: Wording) -> bytes:
    colour = COLOURS[MOODS.get(told.event, Mood.PLAIN)]
    title = {"type": "TextRun", "text": cut(words.title, 300), "weight": "bolder", "size": "medium", "color": colour}
    body = [_text(title)]
    body += [_text({"type": "TextRun", "text": line}) for line in cut(words.lead, TEXT).splitlines() if line]
    if told.event != "digest":
        body += [
            _text({"type": "TextRun", "text": f"{label}: ", "weight": "bolder"}, {"type": "TextRun", "text": text})
            for label, text in facts(told)
        ]
    if told.log:
        body += [
            _text({"type": "TextRun", "text": line or " ", "fontType": "monospace", "size": "small"})
            for line in tail(told.log, LOG).splitlines()
        ]
    if words.next_step:
        body.append(_text({"type": "TextRun", "text": cut(words.next_step, TEXT), "isSubtle": True}))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in links(told)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return json({"type": "message", "attachments": [attachment]})


def _text(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


FORM = Form(_compose)
