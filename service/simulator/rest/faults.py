"""What goes wrong with answers of the REST side, on request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(slots=True)
class RouteFault:
    """How one route answers wrongly: with a status, with half a body, not at all, or late."""

    method: str
    route: str
    times: int | None
    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    truncated: bool = False
    cut: bool = False
    delay_seconds: float = 0.0

    def meets(self, method: str, path: str) -> bool:
        return self.method in {"*", method} and re.search(self.route, path) is not None


class RouteFaults:
    """Faults by method (`*` is any) and route.

    `route` is a regular expression searched in the path below `/2.0`, e.g. `/pipelines$`; `times=None` means for good.
    """

    def __init__(self) -> None:
        self._faults: list[RouteFault] = []

    def answer(
        self,
        method: str,
        route: str,
        status: int,
        *,
        body: str = "",
        headers: dict[str, str] | None = None,
        times: int | None = 1,
    ) -> None:
        """Answer with `status` in place of the real answer; nothing happens behind it."""
        self._faults.append(RouteFault(method, route, times, status, body.encode(), headers or {}))

    def truncate(self, method: str, route: str, *, times: int | None = 1) -> None:
        """Do what is asked, send half of the body, then close."""
        self._faults.append(RouteFault(method, route, times, truncated=True))

    def cut(self, method: str, route: str, *, times: int | None = 1) -> None:
        """Close the connection without an answer; nothing happens behind it."""
        self._faults.append(RouteFault(method, route, times, cut=True))

    def delay(self, method: str, route: str, seconds: float, *, times: int | None = 1) -> None:
        """Answer rightly, `seconds` of the wall's time late."""
        self._faults.append(RouteFault(method, route, times, delay_seconds=seconds))

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, path: str) -> RouteFault | None:
        """The first fault that was laid down for this request; it is used up by one."""
        found = next((fault for fault in self._faults if fault.meets(method, path)), None)
        if found and found.times is not None:
            found.times -= 1
            if found.times == 0:
                self._faults.remove(found)
        return found
