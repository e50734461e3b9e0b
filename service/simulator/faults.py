"""What goes wrong between Bitbucket and its callers, on request."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(slots=True)
class Fate:
    """What happens to one delivery."""

    lost: bool = False
    held: bool = False
    copies: int = 1
    delay_seconds: float = 0.0


@dataclass(slots=True)
class _Rule:
    event_key: str
    times: int
    apply: Callable[[Fate], None]


class DeliveryFaults:
    """Decides the fate of each delivery by the rules laid down before it.

    `events` is a glob over event keys (`repo:commit_status_*`); `times` is how many deliveries a rule meets.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._ratio = 0.0
        self._random = random.Random(0)  # noqa: S311 - a repeatable choice, not a secret
        self.holding = False

    def drop(self, times: int = 1, *, events: str = "*") -> None:
        """The next deliveries never leave Bitbucket, and nothing says so."""
        self._add(events, times, lambda fate: setattr(fate, "lost", True))

    def duplicate(self, copies: int = 2, times: int = 1, *, events: str = "*") -> None:
        """The next deliveries are sent `copies` times at once, all with one `X-Request-UUID`."""
        self._add(events, times, lambda fate: setattr(fate, "copies", copies))

    def delay(self, seconds: float, times: int = 1, *, events: str = "*") -> None:
        """The next deliveries leave later, so that those behind them overtake."""
        self._add(events, times, lambda fate: setattr(fate, "delay_seconds", seconds))

    def hold(self, times: int = 1, *, events: str = "*") -> None:
        """The next deliveries wait for `Simulator.release`, which may reorder them."""
        self._add(events, times, lambda fate: setattr(fate, "held", True))

    def hold_back(self) -> None:
        """Every delivery waits until `Simulator.release`."""
        self.holding = True

    def lose(self, ratio: float, *, seed: int) -> None:
        """Lose this share of all deliveries from now on; the same seed loses the same ones."""
        self._ratio = ratio
        self._random = random.Random(seed)  # noqa: S311 - a repeatable choice, not a secret

    def clear(self) -> None:
        """Nothing goes wrong any more; what is held stays held until it is released."""
        self._rules.clear()
        self._ratio, self.holding = 0.0, False

    def fate(self, event_key: str) -> Fate:
        fate = Fate(held=self.holding, lost=self._ratio > 0 and self._random.random() < self._ratio)
        for rule in [rule for rule in self._rules if fnmatchcase(event_key, rule.event_key)]:
            rule.apply(fate)
            rule.times -= 1
            if rule.times == 0:
                self._rules.remove(rule)
        return fate

    def _add(self, events: str, times: int, apply: Callable[[Fate], None]) -> None:
        self._rules.append(_Rule(events, times, apply))


@dataclass(slots=True)
class RouteFault:
    """How the REST side answers wrongly: late, with a status, with half a body, or not at all."""

    method: str
    path: re.Pattern[str]
    times: int | None
    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    truncated: bool = False
    cut: bool = False
    delay_seconds: float = 0.0


class RouteFaults:
    """Faults of the REST side, by method and route.

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
        self._add(method, route, times, status=status, body=body.encode(), headers=headers or {})

    def truncate(self, method: str, route: str, *, times: int | None = 1) -> None:
        """Do what is asked, send half of the body, and close."""
        self._add(method, route, times, truncated=True)

    def cut(self, method: str, route: str, *, times: int | None = 1) -> None:
        """Close the connection without an answer; nothing happens behind it."""
        self._add(method, route, times, cut=True)

    def delay(self, method: str, route: str, seconds: float, *, times: int | None = 1) -> None:
        """Answer rightly, `seconds` of the wall's time late."""
        self._add(method, route, times, delay_seconds=seconds)

    def clear(self) -> None:
        self._faults.clear()

    def meets(self, method: str, path: str) -> RouteFault | None:
        """The first fault laid down for this request, used up by one."""
        for fault in self._faults:
            if fault.method in {"*", method} and fault.path.search(path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def _add(
        self,
        method: str,
        route: str,
        times: int | None,
        *,
        status: int | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        truncated: bool = False,
        cut: bool = False,
        delay_seconds: float = 0.0,
    ) -> None:
        fault = RouteFault(method, re.compile(route), times, status, body, headers or {}, truncated, cut, delay_seconds)
        self._faults.append(fault)
