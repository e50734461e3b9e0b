"""Our words for what happens at Bitbucket: frozen events, one per ref or status, however it reached us.

`service/bitbucket/deliveries.py` makes them from webhooks, handlers act on them, nobody else knows Bitbucket's JSON.
Every `repository` is the repository's uuid in braces where the sender gave one, else None (a span names it by uuid
only, an odd body may name nothing). Hashes are 40 hex digits, times are aware and in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Trigger(StrEnum):
    """What moves an execution: the columns of the table in `machine.py`."""

    EXPECT = "expect"  # a push, a person, a schedule or a rollback makes us expect a run
    QUEUE = "queue"  # Bitbucket has the run and has not begun it
    START = "start"  # the run is in progress, at which step is not said
    BUILD = "build"
    TEST = "test"
    DEPLOY = "deploy"
    VERIFY = "verify"  # Bitbucket calls the run successful; the environment's health check has the last word
    SUCCEED = "succeed"
    FAIL = "fail"
    STOP = "stop"  # a person or a newer run stopped it
    LOSE = "lose"  # the deadline passed and nothing more is known


class Source(StrEnum):
    """Where an observation comes from."""

    PUSH = "push"
    WEBHOOK = "webhook"  # a commit status: a hint, anybody who can read the repository can post one
    API = "api"
    SPAN = "span"
    PROBE = "probe"
    RECONCILE = "reconcile"
    DEADLINE = "deadline"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user, a team, an app or a token. For reading only; never a proof of identity."""

    name: str
    uuid: str | None = None
    kind: str = "user"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `ref` is the branch or tag it is about, where it is about one."""

    repository: str | None
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPushed(Event):
    """A branch has a new head: created, moved forward, or forced."""

    commit: str
    previous: str | None = None
    created: bool = False
    forced: bool = False
    truncated: bool = False  # more commits than the five that are named
    message: str = ""
    author: str = ""
    actor: Actor | None = None
    refs_in_push: int = 1  # more than five start no pipelines at Bitbucket


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPushed(Event):
    """A tag was created or moved."""

    commit: str
    previous: str | None = None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefDeleted(Event):
    """A branch or a tag is gone."""

    kind: str = "branch"
    previous: str | None = None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingPushed(Event):
    """A push that names no change at all: Bitbucket does send them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReported(Event):
    """Pipelines wrote a commit status for one of its runs: the run began or ended."""

    build_number: int
    commit: str | None
    state: str  # INPROGRESS, SUCCESSFUL, FAILED, STOPPED
    at: datetime | None  # the status's own `updated_on`
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignStatus(Event):
    """Somebody else's commit status: a code scanner's, a preview's, another CI's."""

    name: str = ""
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """A span says that a run is over. Its result is not to be trusted: Bitbucket says COMPLETE for failed runs too."""

    build_number: int | None
    pipeline_uuid: str | None = None
    run_number: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepSpan:
    """When one step ran, by the machine that ran it. `run_number` is that of the run, where the trace names it."""

    step_uuid: str
    started_at: datetime
    completed_at: datetime
    run_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsTimed(Event):
    """Spans say when steps of a run began and ended. The run is named by number, by uuid, or by its steps alone."""

    build_number: int | None = None
    pipeline_uuid: str | None = None
    spans: tuple[StepSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRenamed(Event):
    """The repository has another name; its uuid, by which we know it, stays."""

    full_name: str
    previous: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryChanged(Event):
    """Something about the repository changed that moves nothing here: its description, website, language."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryMoved(Event):
    """The repository was transferred to another workspace."""

    full_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryDeleted(Event):
    """The repository is gone from Bitbucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused(Event):
    """An event that nothing here acts on: kept, with the reason."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(Event):
    """A delivery, or one part of it, whose shape is not Bitbucket's: `reason` names the field and what stood there."""

    reason: str
