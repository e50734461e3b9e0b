"""Nothing that is sent makes the reading of it fail: at worst it is refused, or unreadable, with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bitbucket.deliveries import READERS, UNUSED, parse
from service.bitbucket.envelope import BadDelivery, event_key, open_envelope
from service.events import NothingPushed, Unreadable
from tests.bitbucket.payloads import NAMES, content, encoded

KEYS = [*READERS, *UNUSED, "repo:sunk", ""]
HERE = "here"
NOT_JSON = [b"NaN", b"1e999", b'"\\ud800"', b'"\xff"', b"[" * 20_000, b"1" * 5_000]
ODD = [
    b"null",
    b"7",
    b"true",
    b"[]",
    b"{}",
    b"[[]]",
    b"[7]",
    b'""',
    b'"\\u0000"',
    b'"%b"' % (b"f" * 40),
    b"1" + b"0" * 400,
]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
)


def read(body: bytes, header: str | None = None) -> None:
    """As the intake and then a handler read it."""
    try:
        key = event_key(header, open_envelope(body))
    except BadDelivery:
        key = header or "repo:push"
    events = parse(key, body)
    assert events
    for event in events:
        assert not isinstance(event, Unreadable) or event.reason
        assert not any("\0" in text or len(text) > 2_000 for text in texts(astuple(event)))


def texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, tuple):
            yield from texts(value)
        elif isinstance(value, str):
            yield value


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every container below and including `node`, with each of its keys or indexes."""
    below = list(node.items() if isinstance(node, dict) else enumerate(node))
    for key, child in below:
        yield node, key
        if isinstance(child, dict | list):
            yield from places(child)


@pytest.mark.parametrize("name", NAMES)
def test_any_node_of_a_delivery_may_be_anything(name: str) -> None:
    delivery = content(name)

    for container, key in list(places(delivery)):
        kept = container[key]
        container[key] = HERE
        around = encoded(delivery)
        container[key] = kept
        for raw in [*ODD, NOT_JSON[0]]:
            read(around.replace(b'"here"', raw))

    assert delivery == content(name)


@pytest.mark.parametrize("name", NAMES)
def test_any_key_of_a_delivery_may_be_missing(name: str) -> None:
    for index in range(sum(1 for _ in places(content(name)))):
        delivery = content(name)
        container, key = list(places(delivery))[index]
        del container[key]
        read(encoded(delivery))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("header", KEYS)
def test_any_event_may_be_told_under_any_key(header: str, name: str) -> None:
    body = encoded(content(name))

    read(body, header)
    assert parse(header, body)


@given(body=st.binary(max_size=200), key=st.sampled_from(KEYS))
def test_any_bytes_are_refused_or_read(body: bytes, key: str) -> None:
    read(body, key)


@given(value=values, key=st.sampled_from(KEYS), name=st.sampled_from(NAMES), data=st.data())
def test_any_value_may_stand_at_any_place(value: object, key: str, name: str, data: st.DataObject) -> None:
    delivery = content(name)
    container, at = data.draw(st.sampled_from(list(places(delivery))))
    container[at] = value

    read(json.dumps(delivery).encode(), key)


@pytest.mark.parametrize("raw", NOT_JSON)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_json_inside_a_delivery_is_refused_and_unreadable(name: str, raw: bytes) -> None:
    body = encoded(content(name) | {"more": HERE}).replace(b'"here"', raw)

    with pytest.raises(BadDelivery):
        open_envelope(body)

    (event,) = parse("repo:push", body)
    assert isinstance(event, Unreadable)


@given(changes=st.lists(values, max_size=4))
def test_a_push_has_one_event_for_each_of_its_changes(changes: list[object]) -> None:
    events = parse("repo:push", json.dumps({"push": {"changes": changes}}).encode())

    assert len(events) == max(1, len(changes))
    assert isinstance(events[0], NothingPushed) == (not changes)
