"""What time it is, and how a time is written: RFC 3339, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


def now() -> datetime:
    return datetime.now(UTC)


@overload
def written(at: datetime) -> str: ...
@overload
def written(at: None) -> None: ...
@overload
def written(at: datetime | None) -> str | None: ...
def written(at: datetime | None) -> str | None:
    """`2026-03-01T09:30:00.250000Z`; None stays None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
