"""The shapes of the API's answers, field for field: what clients rely on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from service.store.deliveries import Delivery
from service.store.executions import Execution, Transition
from service.store.locks import Lock
from service.store.pipelines import Environment, Listed
from service.store.probes import Probe
from service.store.repositories import Repository
from service.store.steps import StepRow
from service.web.api.revision_shapes import RevisionShape
from service.web.variables import VariableShape

Shape = TypeVar("Shape", bound=msgspec.Struct)


class WebhookShape(msgspec.Struct, frozen=True, kw_only=True):
    """Where Bitbucket delivers to. The secret is shown when it is made, and never again."""

    url: str | None
    secret_set: bool = True
    secret: str | msgspec.UnsetType = msgspec.UNSET
    events: list[str] | msgspec.UnsetType = msgspec.UNSET
    instructions: str | msgspec.UnsetType = msgspec.UNSET
    previous_secret_until: datetime | msgspec.UnsetType = msgspec.UNSET


class RotatedShape(msgspec.Struct, frozen=True):
    """A hook with its new secret."""

    webhook: WebhookShape


class RepositoryShape(msgspec.Struct, frozen=True, kw_only=True):
    """A connected repository. `credential_id` is what Penstock acts with at Bitbucket, where it may."""

    id: int
    workspace: str
    slug: str
    full_name: str
    uuid: str | None
    credential_id: int | None
    connected_at: datetime
    webhook: WebhookShape


class RepositoryName(msgspec.Struct, frozen=True, kw_only=True):
    """A repository inside something else's answer."""

    id: int
    workspace: str
    slug: str
    uuid: str | None
    full_name: str


class PipelineShape(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline. `status` is its latest execution's, PLANNED before the first; `hold` the newest of its holds."""

    id: int
    repository: RepositoryName
    status: str
    is_active: bool
    project_type: str
    server_ip: str | None
    subdomain: str | None
    domain: str | None
    port: int | None
    environment_variables: list[VariableShape]
    nginx_config: str | None
    ssl_enabled: bool
    certbot_command: str | None
    bitbucket_pipelines_yml: str | None
    detection: dict[str, Any] | None
    bitbucket_pipeline_uuid: str | None
    last_execution_timestamp: datetime | None
    hold: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


class ExecutionShape(msgspec.Struct, frozen=True, kw_only=True):
    """An execution. `reported_status` is what a webhook claims and Bitbucket has not confirmed."""

    id: int
    pipeline_id: int
    environment: str | None
    status: str
    trigger_type: str
    branch: str | None
    bitbucket_build_number: int | None
    bitbucket_pipeline_uuid: str | None
    bitbucket_commit_hash: str | None
    attempt: int
    confirmed: bool
    reported_status: str | None
    waiting_on: str | None
    error_message: str | None
    rolled_back: bool
    rollback_reason: str | None
    previous_execution_id: int | None
    message: str | None
    author: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None


class TransitionShape(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One line of an execution's history. `at` is when it happened, `recorded_at` when it reached Penstock."""

    at: datetime
    from_: str
    to: str
    trigger: str
    source: str
    confirmed: bool
    reason: str | None
    outcome: str
    attempt: int
    recorded_at: datetime
    delivery_id: str | None


class DeliveryShape(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as lists show it."""

    id: str
    request_uuid: str | None
    hook_id: str
    repository_id: int
    event_key: str
    attempt: int
    received_at: datetime
    processed_at: datetime | None
    status: str
    flags: list[str]


class LockShape(msgspec.Struct, frozen=True, kw_only=True):
    """Who deploys to an environment. Past the deadline without news the lock is anybody's."""

    execution_id: int
    since: datetime
    deadline_at: datetime


class EnvironmentShape(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pipeline deploys to."""

    name: str
    kind: str
    branch_pattern: str
    server_ip: str | None
    domain: str | None
    subdomain: str | None
    port: int | None
    requires_approval: bool
    rollback_policy: str
    when_busy: str
    health_check: dict[str, Any] | None
    keep_variable_values: bool
    commit_status: bool
    environment_variables: list[VariableShape]
    hold: dict[str, Any] | None
    lock: LockShape | None
    live_execution_id: int | None


class GeneratedShape(PipelineShape, frozen=True, kw_only=True):
    """The pipeline that was made. `webhook` is there where its repository was connected on the way, this once."""

    webhook: WebhookShape | msgspec.UnsetType = msgspec.UNSET


class PipelineDetail(PipelineShape, frozen=True, kw_only=True):
    """A pipeline with its environments and latest executions."""

    version: int
    config_delivery: str
    config_skip_ci: bool
    environments: list[EnvironmentShape]
    executions: list[ExecutionShape]
    config_revisions: list[RevisionShape]


class ProbeShape(msgspec.Struct, frozen=True, kw_only=True):
    """How the environment has answered since a run deployed to it: waiting, passed, or failed for good.

    `status` and `error` are those of the last of `tries`.
    """

    state: str
    url: str
    tries: int
    status: int | None
    error: str | None
    asked_at: datetime | None


class StepShape(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the run, as Bitbucket told it last; one that was run again is there once for each `run_number`.

    `deployment` is the environment that it deploys to, where its name does not tell its stage. Its times are those of
    the run's trace, where Bitbucket has sent one.
    """

    name: str
    state: str
    result: str | None
    run_number: int
    started_at: datetime | None
    completed_at: datetime | None
    log_bytes: int
    log_complete: bool
    deployment: str | None = None


class ExecutionDetail(ExecutionShape, frozen=True, kw_only=True):
    """An execution with its steps and history, and the deliveries that it comes from."""

    steps: list[StepShape]
    health_check: ProbeShape | None
    transitions: list[TransitionShape]
    deliveries: list[DeliveryShape]
    config_revision: dict[str, Any] | None


class VerdictShape(msgspec.Struct, frozen=True):
    """What became of one ref or status of a delivery."""

    ref: str | None
    verdict: str
    reason: str | None
    execution_id: int | None


class DeliveryDetail(DeliveryShape, frozen=True, kw_only=True):
    """A delivery with its verdicts, and what it said where that is still kept."""

    tries: int
    verdicts: list[VerdictShape]
    payload: Any


class EventShape(msgspec.Struct, frozen=True):
    """What a delivery says, in one word, and about which ref."""

    event: str
    ref: str | None


class ReplayShape(msgspec.Struct, frozen=True):
    """A delivery put back into the inbox, or with `dry_run` only looked at."""

    delivery_id: str
    status: str | msgspec.UnsetType = msgspec.UNSET
    events: list[EventShape] | msgspec.UnsetType = msgspec.UNSET


def repository_shape(repository: Repository, webhook: WebhookShape) -> RepositoryShape:
    return RepositoryShape(
        id=repository.id,
        workspace=repository.workspace,
        slug=repository.slug,
        full_name=repository.full_name,
        uuid=repository.uuid,
        credential_id=repository.credential_id,
        connected_at=repository.connected_at,
        webhook=webhook,
    )


def pipeline_shape(listed: Listed, variables: list[VariableShape], hold: dict[str, Any] | None) -> PipelineShape:
    pipeline = listed.pipeline
    same = (name for name in PipelineShape.__struct_fields__ if hasattr(pipeline, name))
    return PipelineShape(
        repository=RepositoryName(
            id=pipeline.repository_id,
            workspace=listed.workspace,
            slug=listed.slug,
            uuid=listed.repository_uuid,
            full_name=f"{listed.workspace}/{listed.slug}",
        ),
        environment_variables=variables,
        last_execution_timestamp=pipeline.last_execution_at,
        hold=hold,
        **{name: getattr(pipeline, name) for name in same},
    )


def execution_shape(execution: Execution) -> ExecutionShape:
    return ExecutionShape(**{name: getattr(execution, name) for name in ExecutionShape.__struct_fields__})


def probe_shape(probe: Probe) -> ProbeShape:
    return ProbeShape(**{name: getattr(probe, name) for name in ProbeShape.__struct_fields__})


def step_shape(step: StepRow) -> StepShape:
    same = {name: getattr(step, name) for name in StepShape.__struct_fields__}
    return StepShape(
        **{**same, "started_at": step.began_at, "completed_at": step.ended_at, "deployment": step.deployment or None}
    )


def transition_shape(transition: Transition) -> TransitionShape:
    return TransitionShape(**{name: getattr(transition, name) for name in TransitionShape.__struct_fields__})


def delivery_shape(delivery: Delivery) -> DeliveryShape:
    same = {name: getattr(delivery, name) for name in DeliveryShape.__struct_fields__}
    return DeliveryShape(**{**same, "request_uuid": delivery.request_uuid or None})


def environment_shape(
    environment: Environment,
    variables: list[VariableShape],
    *,
    live: int | None,
    hold: dict[str, Any] | None,
    lock: Lock | None,
) -> EnvironmentShape:
    same = (name for name in EnvironmentShape.__struct_fields__ if hasattr(environment, name))
    return EnvironmentShape(
        **{name: getattr(environment, name) for name in same},
        environment_variables=variables,
        hold=hold,
        lock=lock_shape(lock) if lock else None,
        live_execution_id=live,
    )


def lock_shape(lock: Lock) -> LockShape:
    return LockShape(**{name: getattr(lock, name) for name in LockShape.__struct_fields__})


def extended(kind: type[Shape], shape: msgspec.Struct, **more: Any) -> Shape:
    """A shape of a kind that has all fields of `shape`, and more."""
    return kind(**{name: getattr(shape, name) for name in shape.__struct_fields__}, **more)
