"""The steps of a run, with what they deploy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from service.simulator.actors import new_uuid
from service.simulator.definition import StepDefinition
from service.simulator.settings import Environment

if TYPE_CHECKING:
    from service.simulator.runs import Run


@dataclass(slots=True)
class Step:
    definition: StepDefinition
    uuid: str = field(default_factory=new_uuid)
    state: str = "PENDING"
    result: str | None = None
    run_number: int = 1
    started_on: datetime | None = None
    completed_on: datetime | None = None
    log: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def log_name(self) -> str:
        """Another one when the step is run once more: its log begins anew."""
        return f"{self.uuid} {self.run_number}"

    async def write(self, text: str | bytes) -> None:
        """Let the step's log grow, by bytes exactly as given."""
        self.log += text.encode() if isinstance(text, str) else text


@dataclass(slots=True)
class Deployment:
    """What a step with a `deployment` brings to an environment."""

    environment: Environment
    run: Run
    step: Step
    created_on: datetime
    uuid: str = field(default_factory=new_uuid)
