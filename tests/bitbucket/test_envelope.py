"""What the intake reads of a delivery, and what it refuses."""

from __future__ import annotations

import pytest

from service.bitbucket.envelope import BadDelivery, Envelope, event_key, open_envelope
from tests.bitbucket.payloads import NAMES, body, encoded

REPOSITORY = "{5b0e6a2c-93d1-4f5e-8c61-7f20d4c1ab39}"
NOTHING = Envelope(None, None, None)

KINDS = {
    "commit-comment": "repo:commit_comment_created",
    "issue-updated": "issue",
    "project-updated": None,
    "pullrequest-comment": "pullrequest",
    "pullrequest-created": "pullrequest",
    "push-branch-updated": "repo:push",
    "push-mercurial": "repo:push",
    "push-nothing": "repo:push",
    "push-seven-refs": "repo:push",
    "repository-deleted": None,
    "repository-described": "repo:updated",
    "repository-forked": "repo:fork",
    "repository-renamed": "repo:updated",
    "repository-transferred": None,
    "span-run-ended": "pipeline:span_created",
    "span-step": "pipeline:span_created",
    "status-foreign": "repo:commit_status",
    "status-in-progress": "repo:commit_status",
    "status-of-old": "repo:commit_status",
    "status-successful": "repo:commit_status",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_body_gives_the_kind_away(name: str) -> None:
    assert open_envelope(body(name)).kind == KINDS[name]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "project-updated"])
def test_the_body_names_its_repository(name: str) -> None:
    assert open_envelope(body(name)).repository_uuid == REPOSITORY


@pytest.mark.parametrize(
    ("name", "full_name"),
    [
        ("push-nothing", "harbour/lantern"),
        ("repository-renamed", "harbour/lighthouse"),
        ("repository-transferred", "coast/lantern"),
        ("span-run-ended", None),
        ("project-updated", None),
    ],
)
def test_the_body_has_the_name_of_today(name: str, full_name: str | None) -> None:
    assert open_envelope(body(name)).full_name == full_name


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        (7, NOTHING),
        (None, NOTHING),
        ([], NOTHING),
        ({"uuid": 7, "full_name": {}}, NOTHING),
        ({"uuid": "{5b0e6a2c}", "full_name": "harbour"}, NOTHING),
        ({"uuid": "\0", "full_name": "a/b/c"}, NOTHING),
        ({"uuid": REPOSITORY.upper()}, Envelope(None, REPOSITORY, None)),
        ({"uuid": REPOSITORY.strip("{}")}, Envelope(None, REPOSITORY, None)),
        ({"full_name": "harb\0our/lantern"}, Envelope(None, None, "harb\ufffdour/lantern")),
    ],
)
def test_odd_types_inside_are_no_reason_to_refuse_a_delivery(repository: object, expected: Envelope) -> None:
    assert open_envelope(encoded({"repository": repository})) == expected


@pytest.mark.parametrize("spans", [None, 7, [], [{}], [{"scopeSpans": 7}], [{"scopeSpans": [{"spans": [{}]}]}]])
def test_odd_spans_name_no_repository(spans: object) -> None:
    assert open_envelope(encoded({"resourceSpans": spans})) == Envelope("pipeline:span_created", None, None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"payload=%7B%7D", "not JSON", id="a form"),
        pytest.param(b'{"push": 1} 2', "not JSON", id="something behind it"),
        pytest.param(b"[]", "not a JSON object", id="a list"),
        pytest.param(b"null", "not a JSON object", id="null"),
        pytest.param(b'"push"', "not a JSON object", id="a string"),
        pytest.param(b'{"push": "\xff"}', "not UTF-8", id="a byte that is not UTF-8"),
        pytest.param(b'{"\xc0\x80": 1}', "not UTF-8", id="an overlong NUL"),
        pytest.param(b'{"push": "\xed\xa0\x80"}', "not UTF-8", id="a surrogate in UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", "not JSON", id="a byte order mark"),
        pytest.param("{}".encode("utf-16"), "not UTF-8", id="UTF-16"),
        pytest.param("{}".encode("utf-16-le"), "not JSON", id="UTF-16 without a mark"),
        pytest.param("{}".encode("utf-32"), "not UTF-8", id="UTF-32"),
        pytest.param(b'{"push": NaN}', "not JSON", id="NaN"),
        pytest.param(b'{"push": -Infinity}', "not JSON", id="Infinity"),
        pytest.param(b'{"push": 1e999}', "not JSON", id="a float beyond all floats"),
        pytest.param(b'{"push": [{"deep": -1.5e400}]}', "not JSON", id="the same deep inside"),
        pytest.param(b'{"push": %b}' % (b"1" * 5_000), "not JSON", id="an integer of 5,000 digits"),
        pytest.param(b'{"push": "\\ud800"}', "not JSON", id="half a surrogate pair"),
        pytest.param(b'{"push": "\\udc00 \\ud800"}', "not JSON", id="a pair the wrong way round"),
        pytest.param(b'{"push": "a\0b"}', "not JSON", id="a raw NUL"),
        pytest.param(b"[" * 131_072, "nested too deeply", id="131,072 brackets"),
        pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deeply", id="50,000 objects"),
    ],
)
def test_what_is_not_a_json_object_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(BadDelivery, match=reason):
        open_envelope(raw)


PUSH, STATUS, UPDATE, PULL_REQUEST = (
    Envelope(kind, None, None) for kind in ("repo:push", "repo:commit_status", "repo:updated", "pullrequest")
)


@pytest.mark.parametrize(
    ("header", "envelope", "key"),
    [
        ("repo:push", PUSH, "repo:push"),
        ("repo:commit_status_created", STATUS, "repo:commit_status_created"),
        ("repo:commit_status_updated", STATUS, "repo:commit_status_updated"),
        ("pullrequest:fulfilled", PULL_REQUEST, "pullrequest:fulfilled"),
        ("repo:updated", UPDATE, "repo:updated"),
        ("repo:transfer", UPDATE, "repo:transfer"),
        ("repo:deleted", NOTHING, "repo:deleted"),
        ("repo:sunk", NOTHING, "repo:sunk"),
        (None, PUSH, "repo:push"),
        ("", PUSH, "repo:push"),
        (None, STATUS, "repo:commit_status_updated"),
        (None, PULL_REQUEST, "pullrequest"),
        (None, NOTHING, "unknown"),
    ],
)
def test_the_header_names_the_event_and_the_body_does_where_there_is_none(
    header: str | None, envelope: Envelope, key: str
) -> None:
    assert event_key(header, envelope) == key


@pytest.mark.parametrize(
    ("header", "envelope"),
    [
        ("repo:push", STATUS),
        ("repo:deleted", STATUS),
        ("repo:deleted", PUSH),
        ("repo:deleted", UPDATE),
        ("repo:pushed", PUSH),
        ("REPO:PUSH", PUSH),
        ("repo:commit_status", STATUS),
        ("pullrequest", PULL_REQUEST),
        ("repo:updated", PULL_REQUEST),
    ],
)
def test_a_header_that_contradicts_the_body_is_refused(header: str, envelope: Envelope) -> None:
    with pytest.raises(BadDelivery, match=rf"X-Event-Key says {header}, the body is {envelope.kind}"):
        event_key(header, envelope)


@pytest.mark.parametrize("header", ["repo:push\n", "repo:p\0sh", "repo:püsh", "x" * 101])
def test_a_malformed_header_is_refused(header: str) -> None:
    with pytest.raises(BadDelivery, match="malformed"):
        event_key(header, NOTHING)
