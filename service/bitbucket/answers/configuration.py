"""What is set up in a repository: variables, environments, deployments, webhooks."""

from __future__ import annotations

import re
from datetime import datetime

from service.bitbucket.answers.parts import Answer, Hash, Named, Time, Uuid

BUILD = re.compile(r"#[0-9]{1,9}")


class PipelinesConfig(Answer, frozen=True, kw_only=True):
    enabled: bool


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

    @property
    def build_number(self) -> int | None:
        return int(self.name[1:]) if BUILD.fullmatch(self.name) else None


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

    @property
    def begun(self) -> datetime | None:
        return self.started_on or self.start_date

    @property
    def ended(self) -> datetime | None:
        return self.completed_on or self.completion_date


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
    events: tuple[str, ...] = ()
    secret_set: bool = False
