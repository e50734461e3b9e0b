"""Named values that a repository's settings pages hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from service.simulator.actors import new_uuid

_REPOSITORY_EVENTS = (
    "push fork updated commit_comment_created commit_status_created commit_status_updated "
    "transfer created deleted imported"
)
_PULL_REQUEST_EVENTS = (
    "created updated push approved unapproved changes_request_created changes_request_removed fulfilled rejected "
    "comment_created comment_updated comment_deleted comment_resolved comment_reopened"
)
HOOK_EVENTS = (
    *(f"repo:{name}" for name in _REPOSITORY_EVENTS.split()),
    *(f"pullrequest:{name}" for name in _PULL_REQUEST_EVENTS.split()),
    "issue:created",
    "issue:updated",
    "issue:comment_created",
    "project:updated",
    "pipeline:span_created",
)
"""Every event a hook can ask for."""


class AlreadyThere(Exception):
    """The key or name is taken: a 409 over HTTP. Change the existing one instead."""


@dataclass(slots=True)
class Variable:
    key: str
    value: str
    secured: bool = False
    uuid: str = field(default_factory=new_uuid)


class Variables:
    """Variables of a repository or of one deployment environment; a key occurs once."""

    def __init__(self) -> None:
        self._by_uuid: dict[str, Variable] = {}

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._by_uuid.values())

    def get(self, uuid: str) -> Variable | None:
        return self._by_uuid.get(uuid)

    def value(self, key: str) -> str | None:
        """What the cloud keeps under `key`, secured or not: for assertions, REST never tells a secured one."""
        return next((variable.value for variable in self if variable.key == key), None)

    def add(self, key: str, value: str, *, secured: bool = False) -> Variable:
        if any(variable.key == key for variable in self):
            raise AlreadyThere(f"A variable with key '{key}' already exists; update it instead.")
        variable = Variable(key, value, secured)
        self._by_uuid[variable.uuid] = variable
        return variable

    def remove(self, uuid: str) -> None:
        del self._by_uuid[uuid]


@dataclass(slots=True)
class Environment:
    """A place to deploy to. `kind` is Test, Staging or Production."""

    name: str
    kind: str
    uuid: str = field(default_factory=new_uuid)
    variables: Variables = field(default_factory=Variables)

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")


@dataclass(slots=True)
class Hook:
    """A webhook subscription. The secret is written, never read back."""

    url: str
    events: tuple[str, ...]
    created_at: datetime
    secret: str = ""
    description: str = ""
    active: bool = True
    uuid: str = field(default_factory=new_uuid)


@dataclass(slots=True)
class PullRequest:
    id: int
    title: str
    description: str
    source: str
    destination: str
    created_on: datetime
    updated_on: datetime
    state: str = "OPEN"
    merge_commit: str | None = None
    fork: str = ""  # the uuid of the repository that it comes from, where that is another one
    close_source_branch: bool = False
    draft: bool = False
    reason: str = ""
    reviewers: tuple[str, ...] = ()
