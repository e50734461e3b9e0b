"""One run of a pipeline."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from service.simulator.actors import Actor, new_uuid
from service.simulator.definition import StepDefinition
from service.simulator.settings import Variable
from service.simulator.steps import Deployment, Step
from service.simulator.targets import Target

if TYPE_CHECKING:
    from service.simulator.repository import Repository

RESULTS = ("SUCCESSFUL", "FAILED", "ERROR", "STOPPED", "EXPIRED")


class NotPossible(Exception):
    """The run is not in a state for this; the message says in which it is. `stopPipeline` answers it with a 400."""


class Run:
    """A run, driven by hand: each method is something that happens in the cloud.

    What Bitbucket announces is delivered before the method returns: the commit status when the run begins and when it
    ends, the span after the end. Nothing is said of steps, pauses or halts.
    """

    def __init__(
        self,
        repository: Repository,
        target: Target,
        steps: tuple[StepDefinition, ...],
        *,
        trigger: str,
        creator: Actor,
        variables: tuple[Variable, ...] = (),
        on_demand: bool = False,
    ) -> None:
        self.repository = repository
        self.target = target
        self.trigger = trigger
        self.creator = creator
        self.variables = variables
        self.on_demand = on_demand
        self.uuid = new_uuid()
        self.build_number = repository.next_build_number()
        self.run_number = 1
        self.run_uuid = new_uuid()
        self.created_on = repository.cloud.clock.now()
        self.completed_on: datetime | None = None
        self.state = "PARSING"
        self.stage: str | None = "PARSING"
        self.result: str | None = None
        self.error: str | None = None
        self.terminator: Actor | None = None
        self.all_steps = [Step(definition) for definition in steps]

    @property
    def steps(self) -> list[Step]:
        """Empty until the run begins, as in reality."""
        return [] if self.state in {"PARSING", "PENDING"} else self.all_steps

    @property
    def url(self) -> str:
        """The run's page, in the form that commit statuses carry."""
        page = "pipelines/results" if self.repository.new_style_urls else "addon/pipelines/home#!/results"
        return f"{self.repository.html}/{page}/{self.build_number}"

    @property
    def current(self) -> Step | None:
        """The step that is in progress."""
        return next((step for step in self.all_steps if step.state == "IN_PROGRESS"), None)

    def step(self, name: str) -> Step:
        """The step of that name. Raises KeyError naming those there are."""
        for step in self.all_steps:
            if step.name == name:
                return step
        raise KeyError(
            f"run #{self.build_number} has no step {name!r}; it has {[step.name for step in self.all_steps]}"
        )

    async def parsed(self) -> None:
        """The file is read; the run waits for a machine."""
        self._require("PARSING")
        self.state, self.stage = "PENDING", None

    async def begin(self) -> None:
        """The first step starts; Bitbucket announces the run as INPROGRESS."""
        self._require("PARSING", "PENDING")
        self.state, self.stage = "IN_PROGRESS", "RUNNING"
        if self.all_steps:
            self._start(self.all_steps[0])
        await self.repository.announce_run(self, "INPROGRESS")

    async def advance_to(self, name: str) -> Step:
        """Every step before `name` ends SUCCESSFUL, `name` starts."""
        self._require("IN_PROGRESS")
        wanted = self.step(name)
        if wanted.state == "COMPLETED":
            raise NotPossible(f"step {name!r} of run #{self.build_number} has ended; only rerun() starts it again")
        for step in self.all_steps[: self.all_steps.index(wanted)]:
            self._complete(step, "SUCCESSFUL")
        if wanted.state != "IN_PROGRESS":
            self._start(wanted)
        self.stage = "RUNNING"
        return wanted

    async def write(self, text: str | bytes) -> None:
        """Write to the log of the step in progress."""
        if (step := self.current) is None:
            raise NotPossible(f"run #{self.build_number} has no step in progress; advance_to() one first")
        await step.write(text)

    async def pause(self) -> None:
        """Wait: for a manual step, or for another deployment to the same environment."""
        self._require("IN_PROGRESS")
        if step := self.current:
            self._complete(step, "SUCCESSFUL")
        self.stage = "PAUSED"

    async def halt(self) -> None:
        """Fail without ever completing: the step fails, the run stays IN_PROGRESS at stage HALTED."""
        self._require("IN_PROGRESS")
        if step := self.current:
            self._complete(step, "FAILED")
        self.stage = "HALTED"

    async def finish(self, result: str = "SUCCESSFUL", *, error: str | None = None) -> None:
        """End: SUCCESSFUL ends all steps so; otherwise the step in progress takes the result, the rest is NOT_RUN."""
        self.end(result, error=error)
        await self.repository.announce_run(self, result)

    def end(self, result: str, *, error: str | None = None) -> None:
        """The end itself, before anybody is told."""
        if result not in RESULTS:
            raise ValueError(f"{result!r} is not a result of a run; the results are {', '.join(RESULTS)}")
        self._require("PARSING", "PENDING", "IN_PROGRESS")
        for step in self.all_steps:
            ending = result if result == "SUCCESSFUL" or step.state == "IN_PROGRESS" else "NOT_RUN"
            self._complete(step, ending)
        self.state, self.stage, self.result, self.error = "COMPLETED", None, result, error
        self.completed_on = self.repository.cloud.clock.now()

    async def stop(self, by: Actor | None = None) -> None:
        """Somebody stops the run."""
        self.terminator = by or self.creator
        await self.finish("STOPPED")

    async def rerun(self) -> None:
        """Run what did not succeed again, under the same build number with the next run number."""
        if self.state != "COMPLETED" and self.stage != "HALTED":
            raise NotPossible(f"run #{self.build_number} is {self.state}; only a run that has ended is run again")
        self.run_number += 1
        self.run_uuid = new_uuid()
        self.result = self.error = self.completed_on = self.terminator = None
        again = [step for step in self.all_steps if step.result != "SUCCESSFUL"] or self.all_steps
        for step in again:
            step.state, step.result, step.started_on, step.completed_on = "PENDING", None, None, None
            step.run_number = self.run_number
            step.log.clear()
        self.state, self.stage = "IN_PROGRESS", "RUNNING"
        self._start(again[0])
        await self.repository.announce_run(self, "INPROGRESS")

    def _require(self, *states: str) -> None:
        if self.state not in states:
            raise NotPossible(f"run #{self.build_number} is {self.state}, not {' or '.join(states)}")

    def _start(self, step: Step) -> None:
        step.state, step.started_on = "IN_PROGRESS", self.repository.cloud.clock.now()
        if step.definition.deployment:
            environment = self.repository.environment(step.definition.deployment)
            self.repository.deployments.append(Deployment(environment, self, step, step.started_on))

    def _complete(self, step: Step, result: str) -> None:
        if step.state == "COMPLETED":
            return
        if step.state == "PENDING" and result == "SUCCESSFUL":
            self._start(step)
        step.state, step.result = "COMPLETED", result
        step.completed_on = self.repository.cloud.clock.now()
