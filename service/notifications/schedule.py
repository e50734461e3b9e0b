"""When a message that was not taken is tried again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Seconds after the first, second … try; then every hour for a day, and no more.
PAUSES = (5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
HOUR, HOURS = 3600.0, 24
LONGEST = 24 * 3600.0


def pause_after(tries: int) -> float | None:
    """Seconds until the next try, spread a little; None where that was the last."""
    if tries > len(PAUSES) + HOURS:
        return None
    seconds = PAUSES[tries - 1] if tries <= len(PAUSES) else HOUR
    return seconds * random.uniform(1.0, 1.1)  # noqa: S311 - spreads tries


def asked_for(headers: Mapping[str, str], now: datetime) -> float:
    """The seconds that a target asks for by Retry-After, a number or a date; 0 where it says nothing readable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST)
    try:
        at = parsedate_to_datetime(text)
        return min(max((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds(), 0.0), LONGEST)
    except (ValueError, OverflowError):  # the second for numbers beyond any calendar
        return 0.0
