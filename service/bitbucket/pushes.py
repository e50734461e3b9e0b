"""Pushes: one event per ref that moved, in the order in which Bitbucket names them.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push. A push may hold no change at all, several, or
one whose `new` is null because the ref is gone; keys that say nothing are left out rather than null.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.bitbucket.reading import Node, Unexpected
from service.events import Actor, BranchPushed, Event, NothingPushed, RefDeleted, TagPushed, Unreadable

BRANCHES = frozenset({"branch", "named_branch", "bookmark"})  # the last two from Mercurial's days


def push_events(body: Node) -> Iterator[Event]:
    """Raises Unexpected if there is no list of changes; an odd change costs its own event alone."""
    repository = body.at("repository", "uuid").uuid()
    changes = body.at("push", "changes").items()
    if not changes:
        yield NothingPushed(repository)
    actor = actor_of(body.at("actor"))
    for change in changes:
        try:
            yield _change(repository, change, actor, len(changes))
        except Unexpected as unexpected:
            ref = change.at("new", "name").text() or change.at("old", "name").text()
            yield Unreadable(repository, ref, reason=str(unexpected))


def actor_of(actor: Node) -> Actor | None:
    """A user, a team, or an app: each has other keys, `display_name` is the only one that all have had."""
    named = (actor.at(key).text() for key in ("display_name", "nickname", "username"))
    name = next((found for found in named if found), None)
    return Actor(name, uuid=actor.at("uuid").uuid(), kind=actor.at("type").text() or "user") if name else None


def _change(repository: str | None, change: Node, actor: Actor | None, refs_in_push: int) -> Event:
    old, new = change.required_object().at("old"), change.at("new")
    previous = old.at("target", "hash").hash()
    if new.value is None and old.value is not None:
        return RefDeleted(repository, _name(old), kind=_kind(old), previous=previous, actor=actor)
    if _kind(new) == "tag":
        commit = new.at("target", "hash").required_hash()
        return TagPushed(repository, _name(new), commit=commit, previous=previous, actor=actor)
    return BranchPushed(
        repository,
        _name(new),
        commit=new.at("target", "hash").required_hash(),
        previous=previous,
        created=change.at("created").flag() or old.value is None,
        forced=change.at("forced").flag(),
        truncated=change.at("truncated").flag(),
        message=new.at("target", "message").prose(),
        author=_author(new.at("target", "author")),
        actor=actor,
        refs_in_push=refs_in_push,
    )


def _name(ref: Node) -> str:
    name = ref.at("name").text()
    if name is None:
        raise ref.at("name").unexpected("a ref's name")
    return name


def _kind(ref: Node) -> str:
    """`branch` or `tag`. Raises Unexpected for another type of ref, and where there is no ref."""
    kind = ref.required_object().at("type")
    if kind.value == "tag":
        return "tag"
    if isinstance(kind.value, str) and kind.value in BRANCHES:
        return "branch"
    raise kind.unexpected("a type of ref")


def _author(author: Node) -> str:
    """The author's name at Bitbucket; `user` is left out for an e-mail without an account, then the commit's own."""
    user = actor_of(author.at("user"))
    raw = author.at("raw").text() or ""
    return user.name if user else raw.partition("<")[0].strip() or raw
