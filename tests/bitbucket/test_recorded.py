"""Deliveries that Bitbucket really sent, where recordings of them lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from service.bitbucket.deliveries import parse
from service.bitbucket.envelope import event_key, open_envelope
from service.bitbucket.signature import sign, verify
from service.events import NothingPushed, Unreadable, Unused
from tests.bitbucket.payloads import RECORDED

SIGNED = RECORDED / "repo-push--jenkins-branch-source--10.json"
SECRET = b"Gkvl$k$wyNpQAF42"
SIGNATURE = "sha256=f205c729821c6954aff2afe72b965c34015b4baf96ea8ddc2cc44999c014a035"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded deliveries beside the repository")

recorded = pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)


def key_of(path: Path) -> str:
    """The event's key: the file's name begins with it."""
    return path.stem.partition("--")[0].replace("-", ":", 1)


@recorded
def test_a_recorded_delivery_agrees_with_its_key_and_is_read(path: Path) -> None:
    body = path.read_bytes()

    key = event_key(key_of(path), open_envelope(body))
    events = parse(key, body)

    assert key == key_of(path)
    assert not [event for event in events if isinstance(event, Unreadable | Unused)]
    assert {event.repository for event in events} == {open_envelope(body).repository_uuid}


@recorded
def test_no_ref_of_a_recorded_push_is_lost(path: Path) -> None:
    body = path.read_bytes()
    content = msgspec.json.decode(body)
    changes = content["push"]["changes"] if "push" in content else []

    refs = [event.ref for event in parse("repo:push", body) if not isinstance(event, NothingPushed | Unreadable)]

    assert refs == [(change["new"] or change["old"])["name"] for change in changes]


def test_the_signed_sample_verifies() -> None:
    body = SIGNED.read_bytes()

    assert sign(body, SECRET) == SIGNATURE
    assert verify(body, [SIGNATURE.encode()], [b"another", SECRET]) == 1
    assert verify(body + b"\n", [SIGNATURE.encode()], [SECRET]) is None
