"""What a run runs: a ref, a commit or a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from service.simulator.commits import Commit


@dataclass(frozen=True, slots=True)
class Target:
    """`ref_name` is None for a run at a bare commit. `selector` and `pattern` say which pipeline of the file it is."""

    commit: Commit
    kind: Literal["ref", "commit", "pullrequest"] = "ref"
    ref_type: str = "branch"
    ref_name: str | None = None
    selector: str = "default"
    pattern: str | None = None
    destination: str | None = None
    destination_commit: str | None = None
    pull_request_id: str | None = None


class BadTarget(Exception):
    """What was asked to run does not exist or does not hold together: a 400 over HTTP."""
