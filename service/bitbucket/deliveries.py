"""One stored delivery into events in our words.

Total: whatever was stored gives at least one event, and nothing raises. What cannot be read says so, with the path.
https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from service.bitbucket.envelope import BadDelivery, decode
from service.bitbucket.pushes import push_events
from service.bitbucket.reading import Node, Unexpected
from service.bitbucket.spans import span_events
from service.bitbucket.statuses import status_event
from service.events import (
    Event,
    RepositoryChanged,
    RepositoryDeleted,
    RepositoryMoved,
    RepositoryRenamed,
    Unreadable,
    Unused,
)


def parse(event_key: str, body: bytes) -> tuple[Event, ...]:
    """What the delivery says, in its own order. `event_key` is the one that the intake settled on."""
    try:
        content = Node(decode(body))
    except BadDelivery as bad:
        return (Unreadable(None, reason=str(bad)),)
    try:
        return tuple(_events(event_key, content))
    except Unexpected as unexpected:
        return (Unreadable(_repository(content), reason=str(unexpected)),)


def _events(key: str, body: Node) -> Iterable[Event]:
    if reader := READERS.get(key):
        return reader(body)
    reason = UNUSED.get(key) or UNUSED.get(key.partition(":")[0]) or f"Penstock does not know the event {key}"
    return (Unused(_repository(body), key=key, reason=reason),)


def _repository(body: Node) -> str | None:
    return body.at("repository", "uuid").uuid()


def _status(body: Node) -> Iterator[Event]:
    yield status_event(body)


def _updated(body: Node) -> Iterator[Event]:
    changes = body.at("changes").required_object()
    repository = _repository(body)
    if changes.at("full_name").value is not None:
        yield RepositoryRenamed(
            repository,
            full_name=_full_name(changes.at("full_name", "new")),
            previous=changes.at("full_name", "old").full_name(),
        )
    elif changes.at("slug").value is not None:
        yield _with_another_slug(repository, body)
    else:
        yield RepositoryChanged(repository, fields=changes.keys())


def _with_another_slug(repository: str | None, body: Node) -> Event:
    """The workspace is the one of the full name, which is the old or the new one."""
    workspace = _full_name(body.at("repository", "full_name")).partition("/")[0]
    slug, previous = body.at("changes", "slug", "new"), body.at("changes", "slug", "old").text()
    full_name = Node(f"{workspace}/{slug.text() or ''}").full_name()
    if full_name is None:
        raise slug.unexpected("a repository's slug")
    return RepositoryRenamed(repository, full_name=full_name, previous=f"{workspace}/{previous}" if previous else None)


def _moved(body: Node) -> Iterator[Event]:
    yield RepositoryMoved(_repository(body), full_name=_full_name(body.at("repository", "full_name")))


def _deleted(body: Node) -> Iterator[Event]:
    yield RepositoryDeleted(_repository(body))


def _full_name(node: Node) -> str:
    full_name = node.full_name()
    if full_name is None:
        raise node.unexpected("a repository's workspace/slug")
    return full_name


READERS: dict[str, Callable[[Node], Iterable[Event]]] = {
    "repo:push": push_events,
    "repo:commit_status_created": _status,
    "repo:commit_status_updated": _status,
    "pipeline:span_created": span_events,
    "repo:updated": _updated,
    "repo:transfer": _moved,
    "repo:deleted": _deleted,
}

# By the whole key, else by what stands before its colon.
UNUSED = {
    "repo:fork": "a fork is another repository: connect it to deploy it",
    "repo:created": "a new repository deploys nothing before it is connected",
    "repo:imported": "an import is followed by the pushes that count",
    "repo:commit_comment_created": "comments change nothing that is deployed",
    "pullrequest": "a pull request deploys nothing: the push that its merge makes does",
    "issue": "issues change nothing that is deployed",
    "project": "a project's name and settings change nothing that is deployed",
    "unknown": "neither a header nor the body says what happened",
}
