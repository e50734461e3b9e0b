"""Google Chat: a card, in one thread for all that is said of one execution.

https://developers.google.com/workspace/chat/api/reference/rest/v1/cards
"""

from __future__ import annotations

from html import escape
from typing import Any

from service.notifications.targets.form import Form, Place, cut, cut_escaped, facts, json, links, with_query
from service.notifications.words import Told, Wording

TEXT, LOG = 3000, 4000


def _compose(told: Told, words: Wording) -> bytes:
    shown = [] if told.event == "digest" else facts(told)
    widgets: list[dict[str, Any]] = []
    if words.lead:
        widgets.append(_paragraph(cut_escaped(words.lead, TEXT, _html)))
    widgets += [{"decoratedText": {"topLabel": label, "text": _html(text), "wrapText": True}} for label, text in shown]
    if told.log:
        widgets.append(_paragraph(cut_escaped(told.log, LOG, _html, end=True)))
    if words.next_step:
        widgets.append(_paragraph(cut_escaped(words.next_step, TEXT, _html)))
    buttons = [{"text": label, "onClick": {"openLink": {"url": url}}} for label, url in links(told)]
    widgets.append({"buttonList": {"buttons": buttons}})
    card = {"header": {"title": cut(words.title, 200)}, "sections": [{"widgets": widgets}]}
    return json({"cardsV2": [{"cardId": told.key, "card": card}], "thread": {"threadKey": told.lane}})


def _paragraph(text: str) -> dict[str, Any]:
    return {"textParagraph": {"text": text}}


def _html(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")


def _place(url: str, told: Told, reference: str | None) -> Place:
    return Place("POST", with_query(url, messageReplyOption="REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"))


FORM = Form(_compose, place=_place)
