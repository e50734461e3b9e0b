"""Variables that are to be set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable to be set: for one run, in a repository, or in a deployment environment."""

    key: str
    value: str = field(repr=False)
    secured: bool = False


def assigned(one: Assignment) -> dict[str, Any]:
    return {"key": one.key, "value": one.value, "secured": one.secured}


def secrets_of(variables: Iterable[Assignment]) -> tuple[str, ...]:
    return tuple(one.value for one in variables if one.secured and one.value)
