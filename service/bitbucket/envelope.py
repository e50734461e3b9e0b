"""What the intake has to know of a delivery before it stores it: that it is one, of what kind, from which repository.

The header `X-Event-Key` is not signed, so the kind is read from the body, and a header that says something else is
refused: with a valid signature over one event's body nobody can make it pass as another's.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from service.bitbucket.reading import Node
from service.bitbucket.spans import repository_of

PULL_REQUEST = "pullrequest"
ISSUE = "issue"
COMMIT_STATUS = "repo:commit_status"
SPANS = "pipeline:span_created"

LONGEST_KEY = 100

# The keys whose presence gives the kind away, two where one would not. The order matters: a pull request's comment
# holds a `comment` too, an issue's update holds `changes`.
KINDS = (
    ("push", "push", "repo:push"),
    ("commit_status", "commit_status", COMMIT_STATUS),
    ("pullrequest", "pullrequest", PULL_REQUEST),
    ("issue", "issue", ISSUE),
    ("resourceSpans", "resourceSpans", SPANS),
    ("fork", "fork", "repo:fork"),
    ("comment", "commit", "repo:commit_comment_created"),
    ("changes", "repository", "repo:updated"),
)

# The headers that a kind admits, where it is not just the one of its own name. What a transfer looks like is documented
# nowhere: it may well tell its changes as an update does.
HEADERS = {
    COMMIT_STATUS: ("repo:commit_status_created", "repo:commit_status_updated"),
    "repo:updated": ("repo:updated", "repo:transfer"),
}

_decoder = msgspec.json.Decoder()


class BadDelivery(ValueError):
    """A delivery that cannot be Bitbucket's, signed or not. Answered with 400, since sending it again cannot help."""

    status_code = 400


@dataclass(frozen=True, slots=True)
class Envelope:
    """`kind` is the event's key as far as the body tells it, None where nothing in it gives the kind away."""

    kind: str | None
    repository_uuid: str | None
    full_name: str | None


def decode(body: bytes) -> dict[str, object]:
    """The JSON object in `body`: UTF-8 without a mark, every number finite, every string whole.

    Raises BadDelivery with the reason for everything else. msgspec refuses NaN, 1e999, lone surrogates, numbers of
    thousands of digits and endless nesting by itself, but with errors of four kinds.
    """
    try:
        value = _decoder.decode(body)
    except RecursionError:
        raise BadDelivery("the body is nested too deeply") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise BadDelivery(_unread(body, error)) from None
    if not isinstance(value, dict):
        raise BadDelivery("the body is not a JSON object")
    return value


def _unread(body: bytes, error: Exception) -> str:
    """Why a body could not be decoded. Which of its errors msgspec has for bad UTF-8 is a matter of its version."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return "the body is not UTF-8"
    return f"the body is not JSON: {error}"


def open_envelope(body: bytes) -> Envelope:
    """Raises BadDelivery if `body` is not a JSON object. Wrong types inside it are no reason to refuse it."""
    content = decode(body)
    kind = _kind(content)
    if kind == SPANS:
        return Envelope(kind, repository_of(Node(content)), None)
    repository = Node(content.get("repository"))
    return Envelope(kind, repository.at("uuid").uuid(), repository.at("full_name").full_name())


def event_key(header: str | None, envelope: Envelope) -> str:
    """The key to store: the header's where the body does not contradict it, else what the body gives away.

    Raises BadDelivery if the header names another kind of event than the body is, or could not be Bitbucket's.
    """
    if not header:
        return _derived(envelope.kind)
    if len(header) > LONGEST_KEY or not (header.isascii() and header.isprintable()):
        raise BadDelivery("X-Event-Key is malformed")
    if envelope.kind and not _agrees(header, envelope.kind):
        raise BadDelivery(f"X-Event-Key says {header}, the body is {envelope.kind}")
    return header


def _agrees(header: str, kind: str) -> bool:
    if kind in (PULL_REQUEST, ISSUE):
        return header.startswith(f"{kind}:")
    return header in HEADERS.get(kind, (kind,))


def _kind(content: dict[str, object]) -> str | None:
    for key, other, kind in KINDS:
        if key in content and other in content:
            return kind
    return None


def _derived(kind: str | None) -> str:
    # A created and an updated status cannot be told apart; an update is what both amount to.
    return "repo:commit_status_updated" if kind == COMMIT_STATUS else kind or "unknown"
