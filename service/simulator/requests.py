"""What callers have asked of the REST side, for assertions about calls and budgets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """`path` is below `/2.0`, decoded; `status` is None where the connection was cut."""

    method: str
    path: str
    query: str
    status: int | None
