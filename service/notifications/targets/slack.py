"""Slack: Block Kit, within its limits. https://docs.slack.dev/reference/block-kit/blocks

An incoming webhook cannot change what it has said: so there is one message an outcome.
"""

from __future__ import annotations

from typing import Any

from service.notifications.targets.form import Form, cut, cut_escaped, facts, json, links
from service.notifications.words import MOODS, Mood, Told, Wording

HEADER, SECTION, FIELD, BUTTON, LINK, FALLBACK = 150, 3000, 2000, 75, 3000, 3000  # characters
FIELDS = 10  # of a section

SIGNS = {Mood.GOOD: ":large_green_circle:", Mood.BAD: ":red_circle:", Mood.WARNING: ":large_yellow_circle:"}


def escaped(text: str) -> str:
    """Only these three mean anything: with them nobody is mentioned and no link is made."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _compose(told: Told, words: Wording) -> bytes:
    sign = SIGNS.get(MOODS.get(told.event, Mood.PLAIN), ":white_circle:")
    title = {"type": "plain_text", "text": cut(f"{sign} {words.title}", HEADER), "emoji": True}
    blocks: list[dict[str, Any]] = [{"type": "header", "text": title}]
    if words.lead:
        blocks.append(_section(cut_escaped(words.lead, SECTION, escaped)))
    if told.event != "digest" and (told_facts := facts(told)[:FIELDS]):
        blocks.append({"type": "section", "fields": [_field(label, text) for label, text in told_facts]})
    if told.log:
        fence = "```\n{}\n```"
        room = SECTION - len(fence)
        blocks.append(_section(fence.format(cut_escaped(_unfenced(told.log), room, escaped, end=True))))
    if words.next_step:
        text = cut_escaped(words.next_step, SECTION, escaped)
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]})
    buttons = [_button(label, url) for label, url in links(told) if len(url) <= LINK]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return json({"text": cut_escaped(words.title, FALLBACK, escaped), "blocks": blocks})


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _field(label: str, text: str) -> dict[str, Any]:
    begin = f"*{label}*\n"
    return {"type": "mrkdwn", "text": begin + cut_escaped(text, FIELD - len(begin), escaped)}


def _button(label: str, url: str) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": cut(label, BUTTON)}, "url": url}


def _unfenced(log: str) -> str:
    return log.replace("```", "'''")


FORM = Form(_compose)
