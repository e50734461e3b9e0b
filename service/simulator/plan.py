"""Runs that go by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from service.simulator.definition import StepDefinition
from service.simulator.runs import NotPossible, Run


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """`seconds` of the cloud's time, spread over the log's lines. An outcome but SUCCESSFUL ends the run with it."""

    name: str
    seconds: float = 1.0
    deployment: str | None = None
    outcome: str = "SUCCESSFUL"
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does step by step; its names are those of the run's steps."""

    steps: tuple[PlannedStep, ...]

    @property
    def definitions(self) -> tuple[StepDefinition, ...]:
        return tuple(StepDefinition(step.name, step.deployment) for step in self.steps)


def uneventful(run: Run, *, seconds: float = 1.0, fails_at: str | None = None) -> Plan:
    """A plan for whatever steps `run` has: each takes `seconds`; `fails_at`, if given, names the step that fails."""
    return Plan(
        tuple(
            PlannedStep(
                step.name,
                seconds,
                step.definition.deployment,
                "FAILED" if step.name == fails_at else "SUCCESSFUL",
                tuple(f"+ {line}" for line in step.definition.script) or (f"+ echo {step.name}",),
            )
            for step in run.all_steps
        )
    )


async def play(run: Run, plan: Plan) -> None:
    """Carry out `plan` from where the run is, up to a manual step or until somebody ends the run."""
    try:
        if run.state in {"PARSING", "PENDING"}:
            await run.begin()
        for planned in plan.steps:
            step = run.step(planned.name)
            if step.state == "COMPLETED":  # a rerun keeps what has succeeded
                continue
            if step.definition.manual:
                await run.pause()
                return
            await _play_step(run, planned)
            if planned.outcome != "SUCCESSFUL":
                await run.finish(planned.outcome)
                return
        await run.finish("SUCCESSFUL")
    except NotPossible:
        if run.state != "COMPLETED":
            raise


async def _play_step(run: Run, planned: PlannedStep) -> None:
    step = await run.advance_to(planned.name)
    pause = planned.seconds / (len(planned.log) + 1)
    for line in planned.log:
        await run.repository.cloud.clock.sleep(pause)
        if step.state == "IN_PROGRESS":
            await step.write(f"{line}\n")
    await run.repository.cloud.clock.sleep(pause)
