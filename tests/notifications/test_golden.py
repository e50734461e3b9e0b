"""Every message at every target, byte for byte; and Slack's limits, whatever is told."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.notifications.targets import FORMS
from service.notifications.wording import Wordings, events_with_a_template
from service.notifications.words import TYPES, Kind, Told
from tests.notifications.samples import EVENTS, GOLDEN, file_of, rendered, sample

TEMPLATES = Path(__file__).parents[2] / "templates" / "notifications"


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_message_is_as_its_file_says(kind: Kind, event: str) -> None:
    assert rendered(kind, event) == file_of(kind, event).read_text(encoding="utf-8")


def test_there_is_a_file_for_every_kind_and_event_a_template_for_every_event_and_no_other() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {file_of(kind, event).name for kind in Kind for event in EVENTS}
    assert set(EVENTS) == set(TYPES)
    assert {path.stem for path in TEMPLATES.iterdir()} == set(events_with_a_template())


@pytest.mark.parametrize("event", [event for event in EVENTS if event not in ("test", "digest")])
def test_a_title_alone_says_where(event: str) -> None:
    words = Wordings().of(sample(event))

    assert words.title.startswith("acme/shop: ")
    assert len(words.title) < 120
    assert words.lead.endswith(".")


# https://docs.slack.dev/reference/block-kit/blocks: characters of a text by where it stands
SECTION, FIELD, HEADER, BUTTON, LINK = 3000, 2000, 150, 75, 3000
BLOCKS, FIELDS, ELEMENTS, ACTIONS = 50, 10, 10, 25

LONG = st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=40), st.integers(1, 2000))
TEXTS = [one.name for one in fields(Told) if one.type == "str | None"]


@settings(deadline=None)
@given(event=st.sampled_from(EVENTS), said=st.fixed_dictionaries(dict.fromkeys(TEXTS, LONG)), more=LONG)
def test_slack_takes_whatever_is_told(event: str, said: dict[str, Any], more: str) -> None:
    told = sample(event)
    told = replace(
        told, **said, more={name: more if isinstance(text, str) else text for name, text in told.more.items()}
    )
    told = replace(told, gathered=tuple(replace(one, **said) for one in told.gathered * 60))
    sent = msgspec.json.decode(FORMS[Kind.SLACK].compose(told, Wordings().of(told)))

    assert 0 < len(sent["text"]) <= SECTION
    assert 0 < len(sent["blocks"]) <= BLOCKS
    for block in sent["blocks"]:
        _check(block)


def _check(block: dict[str, Any]) -> None:
    match block["type"]:
        case "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < len(block["text"]["text"]) <= HEADER
        case "section":
            assert 0 < len(block.get("text", {"text": "-"})["text"]) <= SECTION
            assert len(block.get("fields", ())) <= FIELDS
            assert all(0 < len(one["text"]) <= FIELD for one in block.get("fields", ()))
        case "context":
            assert 0 < len(block["elements"]) <= ELEMENTS
            assert all(0 < len(one["text"]) <= SECTION for one in block["elements"])
        case "actions":
            assert 0 < len(block["elements"]) <= ACTIONS
            assert all(len(one["text"]["text"]) <= BUTTON for one in block["elements"])
            assert all(0 < len(one["url"]) <= LINK for one in block["elements"])
        case other:
            raise AssertionError(f"a block of the kind {other}")
