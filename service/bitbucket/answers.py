"""What Bitbucket's REST API answers, as typed values.

Only what is used is named here; whatever else an answer holds is passed over, and a word that is not known (of a state,
a result, a trigger) stays the text it was: what to make of it is decided elsewhere. Uuids stand in braces, hashes are
40 hex digits unless said otherwise, times are aware (Pipelines writes up to nine fractional digits, rounded here to six).

https://developer.atlassian.com/cloud/bitbucket/rest/
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object of Bitbucket's."""


class Page(Answer, Generic[T], frozen=True, kw_only=True):
    """A part of a list; `next` is the whole URL of the following part, absent on the last."""

    values: list[T]
    next: str | None = None


class Named(Answer, frozen=True, kw_only=True):
    name: str = ""


class Uuid(Answer, frozen=True, kw_only=True):
    uuid: str


class Hash(Answer, frozen=True, kw_only=True):
    """A commit named by its hash, which a pull request shortens to 12 digits."""

    hash: str


class Link(Answer, frozen=True, kw_only=True):
    href: str = ""


class Links(Answer, frozen=True, kw_only=True):
    """`html` is the page for people. No other link is ever followed."""

    html: Link | None = None


class Workspace(Answer, frozen=True, kw_only=True):
    slug: str
    uuid: str


class RepositoryAnswer(Answer, frozen=True, kw_only=True):
    """A repository; as a part of something else it carries no more than uuid and full name."""

    uuid: str
    full_name: str = ""
    name: str = ""
    workspace: Workspace | None = None
    mainbranch: Named | None = None  # None while the repository is empty
    is_private: bool = True


class Failure(Answer, frozen=True, kw_only=True):
    """Why a run ended in ERROR, in Bitbucket's words."""

    key: str = ""
    message: str = ""


class Result(Answer, frozen=True, kw_only=True):
    """SUCCESSFUL, FAILED, ERROR, STOPPED, EXPIRED; of a step also NOT_RUN."""

    name: str
    error: Failure | None = None


class RunState(Answer, frozen=True, kw_only=True):
    """The state of a run or a step.

    `name` is PARSING, PENDING, READY, IN_PROGRESS or COMPLETED. One in progress has a `stage` (RUNNING, PAUSED,
    HALTED), one that is completed a `result`. HALTED is an end that Bitbucket never turns into COMPLETED.
    """

    name: str
    stage: Named | None = None
    result: Result | None = None


class Selector(Answer, frozen=True, kw_only=True):
    """The section of the file: `type` is default, branches, tags, pull-requests or custom."""

    type: str = ""
    pattern: str | None = None


class Target(Answer, frozen=True, kw_only=True):
    """What a run was started for. A run of a bare commit has no `ref_name`, one of a pull request a `source`."""

    type: str = ""
    ref_type: str | None = None
    ref_name: str | None = None
    source: str | None = None
    commit: Hash | None = None
    selector: Selector | None = None


class Run(Answer, frozen=True, kw_only=True):
    """One pipeline run. A rerun keeps uuid and build number; its `run_number` is one higher."""

    uuid: str
    build_number: int
    state: RunState
    created_on: Time
    completed_on: Time | None = None
    target: Target = Target()
    trigger: Named = Named()  # PUSH, MANUAL, SCHEDULED, PARENT_STEP
    run_number: int = 1
    duration_in_seconds: float | None = None
    repository: RepositoryAnswer | None = None


class StepTrigger(Answer, frozen=True, kw_only=True):
    """`pipeline_step_trigger_` and automatic, manual or redeploy."""

    type: str = ""


class Step(Answer, frozen=True, kw_only=True):
    uuid: str
    state: RunState
    name: str = ""  # the file need not name a step
    run_number: int = 1
    trigger: StepTrigger = StepTrigger()
    started_on: Time | None = None
    completed_on: Time | None = None
    duration_in_seconds: float | None = None


class Variable(Answer, frozen=True, kw_only=True):
    """The value of a secured one is never told."""

    uuid: str
    key: str
    secured: bool = False
    value: str | None = None


class Environment(Answer, frozen=True, kw_only=True):
    """`environment_type.name` is Test, Staging or Production."""

    uuid: str
    name: str = ""
    environment_type: Named | None = None


class Release(Answer, frozen=True, kw_only=True):
    """What was deployed: `name` is `#` and the build number."""

    name: str = ""
    pipeline: Uuid | None = None
    commit: Hash | None = None


class DeploymentState(Answer, frozen=True, kw_only=True):
    """`name` is IN_PROGRESS, COMPLETED or UNDEPLOYED; `status` SUCCESSFUL, FAILED or STOPPED.

    Rows have been seen with `started_on`; the OpenAPI document has `start_date`.
    """

    name: str
    status: Named | None = None
    url: str | None = None
    started_on: Time | None = None
    completed_on: Time | None = None
    start_date: Time | None = None
    completion_date: Time | None = None


class Deployment(Answer, frozen=True, kw_only=True):
    uuid: str
    state: DeploymentState
    environment: Environment | None = None
    release: Release = Release()
    step: Uuid | None = None


class Hook(Answer, frozen=True, kw_only=True):
    """A webhook subscription; of its secret it is told only whether there is one."""

    uuid: str
    url: str
    description: str | None = None
    active: bool = True
    events: list[str] = []
    secret_set: bool = False


class Author(Answer, frozen=True, kw_only=True):
    """`raw` is `Name <mail>` as git has it."""

    raw: str = ""


class Commit(Answer, frozen=True, kw_only=True):
    hash: str
    date: Time | None = None
    message: str = ""
    author: Author | None = None
    parents: list[Hash] = []


class Branch(Answer, frozen=True, kw_only=True):
    name: str
    target: Commit


class PathOf(Answer, frozen=True, kw_only=True):
    path: str


class DiffEntry(Answer, frozen=True, kw_only=True):
    """One changed file. An added one has no `old`, a removed one no `new`, a renamed one two paths."""

    status: str
    old: PathOf | None = None
    new: PathOf | None = None

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(side.path for side in (self.old, self.new) if side)


class SourceEntry(Answer, frozen=True, kw_only=True):
    """A file (`commit_file`) or a directory (`commit_directory`); attributes are link, executable, subrepository."""

    path: str
    type: str
    size: int | None = None
    attributes: list[str] = []


class PullRequestEnd(Answer, frozen=True, kw_only=True):
    """The commit is None once the branch is gone."""

    branch: Named
    commit: Hash | None = None


class PullRequest(Answer, frozen=True, kw_only=True):
    """`state` is OPEN, MERGED, DECLINED or SUPERSEDED."""

    id: int
    title: str
    state: str
    source: PullRequestEnd
    destination: PullRequestEnd
    description: str | None = None
    merge_commit: Hash | None = None
    links: Links = Links()


class CommitStatus(Answer, frozen=True, kw_only=True):
    """`state` is INPROGRESS, SUCCESSFUL, FAILED or STOPPED."""

    key: str
    state: str
    url: str = ""
    name: str | None = None
    refname: str | None = None


class PipelinesConfig(Answer, frozen=True, kw_only=True):
    enabled: bool


class AccessToken(Answer, frozen=True, kw_only=True):
    """https://developer.atlassian.com/cloud/bitbucket/oauth-2/: `expires_in` is in seconds."""

    access_token: str
    expires_in: float = 7200.0

    def __repr__(self) -> str:
        return f"AccessToken(expires_in={self.expires_in})"


class ErrorDetail(Answer, frozen=True, kw_only=True):
    """`detail` is text, or an object that names the scopes required and granted; `fields` says what is wrong where."""

    message: str = ""
    detail: Any = None
    fields: Any = None


class ErrorAnswer(Answer, frozen=True, kw_only=True):
    error: ErrorDetail
