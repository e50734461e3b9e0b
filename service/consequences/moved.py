"""An execution that has just moved."""

from __future__ import annotations

from dataclasses import dataclass

from service.machine import Observation, State
from service.store.executions import Execution


@dataclass(frozen=True, slots=True)
class Moved:
    """`execution` is the row as it is now. Just opened: `before` is None, and so is what was seen."""

    execution: Execution
    before: State | None
    after: State
    seen: Observation | None = None

    @property
    def ended(self) -> bool:
        """Whether it ended by this, or ended otherwise than before."""
        return self.after.final
