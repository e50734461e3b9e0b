"""What Bitbucket has told of a run, and whether that is anything new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.bitbucket import runs
from service.bitbucket.answers import Run, Step
from service.client import Client
from service.client.errors import NotAllowed, NotFound, Refused
from service.events import Source
from service.store.steps import Seen, StepRow


@dataclass(frozen=True, slots=True)
class Told:
    """What Bitbucket has told of a run. `deployments` is where its steps deploy to, by their uuid."""

    run: Run
    steps: Sequence[Step]
    deployments: Mapping[str, str]
    source: Source

    def seen(self) -> list[Seen]:
        return [_seen(step, self.deployments.get(step.uuid)) for step in self.steps]


async def deployments_of(client: Client, name: str, known: Sequence[StepRow], found: Sequence[Step]) -> dict[str, str]:
    """Where steps deploy to, by uuid; empty: nowhere. Asked for once, when one has begun whose name tells no stage."""
    told = {step.uuid: step.deployment for step in known if step.deployment is not None}
    asked = [step for step in found if step.started_on and step.uuid not in told and not runs.tells(step.name)]
    if not asked:
        return told
    try:
        newest = (await client.newest_deployments(name)).deployments
    except (NotAllowed, NotFound, Refused):  # then the name has to do
        newest = ()
    there = {one.step.uuid: one.environment.name for one in newest if one.step and one.environment}
    return told | {step.uuid: there.get(step.uuid, "")[:100] for step in asked}


def is_running(step: StepRow) -> bool:
    return step.started_at is not None and step.completed_at is None and not step.log_complete


def go_on(known: Sequence[StepRow], found: Sequence[Step]) -> bool:
    """Whether a step runs, and all are as they were."""
    before = {(step.uuid, step.run_number): (step.state, step.started_at, step.completed_at) for step in known}
    now = {(step.uuid, step.run_number): (step.state.name, step.started_on, step.completed_on) for step in found}
    return now.items() <= before.items() and any(step.started_on and not step.completed_on for step in found)


def _seen(step: Step, deployment: str | None) -> Seen:
    return Seen(
        uuid=step.uuid,
        name=step.name,
        state=step.state.name,
        result=step.state.result.name if step.state.result else None,
        run_number=step.run_number,
        started_at=step.started_on,
        completed_at=step.completed_on,
        deployment=deployment,
    )
