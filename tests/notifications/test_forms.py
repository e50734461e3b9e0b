"""How messages look at each target: within its limits, signed, and never more than text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.notifications.filtering import Filter, event_of, read_filter
from service.notifications.quiet import read_quiet_hours
from service.notifications.schedule import asked_for, pause_after
from service.notifications.signing import BadSecret, key_of, new_secret, signed
from service.notifications.targets import FORMS
from service.notifications.wording import Wordings, events_with_a_template
from service.notifications.words import Event, Kind, Told

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
WORDINGS = Wordings()


def told(event: str = "failed", **more: Any) -> Told:
    known: dict[str, Any] = {
        "repository": "acme/shop",
        "environment": "production",
        "branch": "main",
        "commit": "a" * 40,
        "commit_message": "Sell more shoes",
        "author": "Ada Quill",
        "build_number": 81,
        "before": "DEPLOYING",
        "after": "FAILED",
        "reason": "the step Deploy failed",
        "duration_seconds": 100.0,
        "failing_step": "Deploy",
        "log": "scp: permission denied",
    }
    return Told(key="msg_1", lane="e81", event=event, at=AT, url="https://penstock.example.com/", **{**known, **more})


def composed(kind: Kind, one: Told) -> bytes:
    return FORMS[kind].compose(one, WORDINGS.of(one))


@pytest.mark.parametrize("event", events_with_a_template())
@pytest.mark.parametrize("kind", list(Kind))
def test_every_event_can_be_told_at_every_target_with_and_without_details(kind: Kind, event: str) -> None:
    bare = Told(key="msg_1", lane="e81", event=event, at=AT, url="https://penstock.example.com/")

    assert composed(kind, told(event))
    assert composed(kind, bare)


@given(text=st.text(min_size=1, max_size=300), times=st.integers(1, 200))
def test_slack_takes_whatever_size_and_signs_texts_have(text: str, times: int) -> None:
    huge = text * times
    sent = msgspec.json.decode(
        composed(Kind.SLACK, told(reason=huge, log=huge, commit_message=huge, branch=huge, failing_step=huge))
    )

    assert len(sent["blocks"]) <= 50
    for block in sent["blocks"]:
        for part in (block.get("text"), *block.get("fields", ()), *block.get("elements", ())):
            shown = part and part.get("text")
            words = shown if isinstance(shown, str) else (shown or {}).get("text", "")
            most = {"header": 150, "actions": 75}.get(block["type"], 2000 if "fields" in block else 3000)
            assert len(words) <= most
        assert len(block.get("fields", ())) <= 10


def test_nobody_is_mentioned_by_what_a_stranger_writes() -> None:
    hostile = told(commit_message="<!channel> @everyone", branch="<https://evil.example.com|main>")

    # a header is plain text, in which nothing is a link or a mention
    read_as_markup = [
        one for one in msgspec.json.decode(composed(Kind.SLACK, hostile))["blocks"] if one["type"] != "header"
    ]
    assert "<" not in str(read_as_markup)
    assert msgspec.json.decode(composed(Kind.DISCORD, hostile))["allowed_mentions"] == {"parse": []}


def test_no_header_of_a_mail_can_be_smuggled_in() -> None:
    head = composed(Kind.EMAIL, told(branch="main\r\nBcc: all@example.com")).partition(b"\r\n\r\n")[0]

    assert not any(line.lower().startswith(b"bcc:") for line in head.split(b"\r\n"))


def test_a_webhook_says_what_the_contract_promises() -> None:
    sent = msgspec.json.decode(composed(Kind.WEBHOOK, told()))

    assert (sent["type"], sent["timestamp"]) == ("execution.failed", "2026-03-01T09:30:00Z")
    promised = {"execution_id", "pipeline_id", "repository", "environment", "branch", "from", "to", "build_number"}
    assert promised | {"commit", "reason", "url"} <= set(sent["data"])


def test_both_secrets_sign_while_one_replaces_the_other() -> None:
    webhooks = pytest.importorskip("standardwebhooks.webhooks")
    old, new = new_secret(), new_secret()
    body = composed(Kind.WEBHOOK, told())
    headers = signed([new, old], "msg_1", datetime.now(UTC), body)

    for secret in (old, new):
        assert webhooks.Webhook(secret).verify(body, headers)
    with pytest.raises(webhooks.WebhookVerificationError):
        webhooks.Webhook(new_secret()).verify(body, headers)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "c2hvcnQ=", "whsec_???"])
def test_a_secret_that_is_too_weak_to_sign_is_refused(secret: str) -> None:
    with pytest.raises(BadSecret):
        key_of(secret)


def test_tries_go_on_for_a_day_and_then_end() -> None:
    pauses = [pause_after(tries) for tries in range(1, 33)]
    least = [5, 15, 60, 300, 900, 3600, *[3600] * 24]

    assert pauses[30:] == [None, None]
    assert all(want <= got <= want * 1.1 for want, got in zip(least, pauses, strict=False) if got is not None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("Sun, 01 Mar 2026 09:31:00 GMT", 60.0),
        ("Sun, 01 Mar 2020 09:31:00 GMT", 0.0),
        ("-5", 0.0),
        ("9999999999", 86400.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_a_target_may_ask_for_patience_of_a_day_at_most(text: str, seconds: float) -> None:
    assert asked_for({"retry-after": text}, AT) == seconds


@pytest.mark.parametrize(
    ("now", "over"),
    [("21:59", None), ("22:00", "07:00"), ("03:00", "07:00"), ("07:00", None), ("12:00", None)],
)
def test_quiet_hours_may_span_midnight(now: str, over: str | None) -> None:
    hours = read_quiet_hours({"from": "22:00", "to": "07:00", "timezone": "UTC"})
    at = datetime.fromisoformat(f"2026-03-01T{now}:00+00:00")
    found = hours.over_at(at)

    assert (f"{found:%H:%M}" if found else None) == over
    assert found is None or found > at


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        ("PLANNED", "BUILDING", Event.STARTED),
        ("BUILDING", "TESTING", None),
        ("DEPLOYING", "SUCCESS", Event.SUCCEEDED),
        ("PLANNED", "FAILED", Event.FAILED),
    ],
)
def test_a_move_means_something_to_people_or_nothing(before: str, after: str, event: Event | None) -> None:
    assert event_of("execution.transitioned", {"from": before, "to": after}) is event


@pytest.mark.parametrize(
    ("stored", "event", "before", "taken"),
    [
        ({}, Event.FAILED, None, Event.FAILED),
        ({}, Event.STARTED, None, None),
        ({"repository_id": 2}, Event.FAILED, None, None),
        ({"environment": "staging"}, Event.FAILED, None, None),
        ({"branch": "release/*"}, Event.FAILED, None, None),
        ({"branch": "ma*"}, Event.FAILED, None, Event.FAILED),
        ({"only_changes": True}, Event.FAILED, "FAILED", None),
        ({"only_changes": True}, Event.FAILED, "SUCCESS", Event.FAILED),
        ({"events": ["fixed"]}, Event.SUCCEEDED, "FAILED", Event.FIXED),
        ({"events": ["fixed"]}, Event.SUCCEEDED, "SUCCESS", None),
        ({"events": ["succeeded"]}, Event.SUCCEEDED, "FAILED", Event.SUCCEEDED),
    ],
)
def test_a_route_is_told_what_it_asks_for(
    stored: dict[str, Any], event: Event, before: str | None, taken: Event | None
) -> None:
    wanted: Filter = read_filter(stored)
    to = "SUCCESS" if event is Event.SUCCEEDED else "FAILED"
    payload = {"environment": "production", "branch": "main", "to": to}

    assert wanted.takes(event, repository_id=1, pipeline_id=1, payload=payload, before=before) is taken
