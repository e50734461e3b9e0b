"""Runs with their steps."""

from __future__ import annotations

from service.bitbucket.answers.parts import Answer, Hash, Named, Time
from service.bitbucket.answers.sources import RepositoryAnswer


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
