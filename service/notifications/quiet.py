"""Hours in which a route is silent: what happens then is told when they are over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class BadHours(ValueError):
    """The hours cannot be kept; `field` is what has to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day to another, past midnight where the second is the earlier one."""

    begin: time
    end: time
    zone: ZoneInfo

    def over_at(self, now: datetime) -> datetime | None:
        """When they are over, if `now` lies in them."""
        local = now.astimezone(self.zone)
        clock = local.time().replace(tzinfo=None)
        inside = self.begin <= clock < self.end if self.begin < self.end else not self.end <= clock < self.begin
        if not inside:
            return None
        day = local.date() + timedelta(days=1 if clock >= self.end else 0)
        return datetime.combine(day, self.end, self.zone).astimezone(UTC)


def read_quiet_hours(stored: Mapping[str, Any]) -> QuietHours:
    """`{"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}`. Raises BadHours."""
    begin, end = (_clock(name, stored.get(name)) for name in ("from", "to"))
    if begin == end:
        raise BadHours("to", "the hours begin and end at the same time: pause the route instead")
    try:
        return QuietHours(begin, end, ZoneInfo(str(stored.get("timezone") or "UTC")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadHours("timezone", "not a time zone: a name such as Europe/Berlin") from None


def _clock(name: str, text: Any) -> time:
    match = _CLOCK.fullmatch(str(text))
    if match is None:
        raise BadHours(name, "not a time of the day: such as 22:00")
    return time(int(match[1]), int(match[2]))
