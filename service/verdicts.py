"""Our verdict on a commit: how it fared on an environment, as a build status says it. No I/O."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from service.machine import State

LONGEST_KEY = 40  # Bitbucket refuses a longer one
LONGEST_TEXT = 255

_PLAIN = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` is Bitbucket's word."""

    state: str
    description: str


def key_of(environment: str) -> str:
    """The status's key: the same for an environment at every commit, so that the next verdict takes its place."""
    key = f"penstock-{environment}"
    if len(key) <= LONGEST_KEY and _PLAIN.fullmatch(environment):
        return key
    return f"penstock-{hashlib.sha256(environment.encode()).hexdigest()[:24]}"


def verdict_of(
    environment: str, *, status: str, why: str | None, rolled_back: bool, because: str | None, verified: bool
) -> Verdict | None:
    """None while there is none. `why` it failed, `because` of what it was rolled back."""
    if rolled_back:
        return Verdict("FAILED", _text(f"Rolled back on {environment}", because))
    if status == State.SUCCESS:
        return Verdict(
            "SUCCESSFUL", _text(f"{'Deployed to, and verified on,' if verified else 'Deployed to'} {environment}")
        )
    if status == State.FAILED:
        return Verdict("FAILED", _text(f"Not deployed to {environment}", why))
    return None


def _text(what: str, reason: str | None = None) -> str:
    whole = " ".join(f"{what}: {reason}".split() if reason else what.split())
    return whole if len(whole) <= LONGEST_TEXT else whole[: LONGEST_TEXT - 1] + "…"
