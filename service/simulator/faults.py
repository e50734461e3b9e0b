"""What goes wrong with deliveries, on request."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
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
