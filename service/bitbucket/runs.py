"""What a run and its steps, as the REST API tells them, amount to: observations for the state machine.

Every time is Bitbucket's own, so that the same answer, read twice, is the same observation. The result is the run's
own: a step that was allowed to fail does not fail its run, and one that was retried has failed before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from service.bitbucket.answers import Run, Step
from service.events import Source, Trigger
from service.machine import Observation

# Words of a step's name that tell its stage; the first one in the name decides, a name without any is a build.
STAGES = {
    Trigger.DEPLOY: frozenset(
        {"deploy", "deploying", "deployment", "release", "publish", "rollout", "rollback", "roll", "promote"}
    ),
    Trigger.TEST: frozenset(
        {"test", "tests", "testing", "lint", "check", "checks", "spec", "e2e", "verify", "quality"}
    ),
    Trigger.BUILD: frozenset({"build", "builds", "building", "compile", "package", "install"}),
}

WORD = re.compile(r"[a-z0-9]+")

TRIGGER_TYPES = {"PUSH": "webhook", "SCHEDULED": "scheduled", "SCHEDULE": "scheduled"}

# How what a run waits for begins, where a person has to start a step: Bitbucket has no call that does so.
BY_HAND = "somebody to start the step "

ENDS = {
    "SUCCESSFUL": (Trigger.SUCCEED, None),
    "FAILED": (Trigger.FAIL, "the run failed"),
    "ERROR": (Trigger.FAIL, "Bitbucket could not carry the run out"),
    "EXPIRED": (Trigger.FAIL, "the run expired"),
    "STOPPED": (Trigger.STOP, "the run was stopped"),
}


def trigger_type_of(run: Run) -> str:
    """manual, webhook or scheduled."""
    return TRIGGER_TYPES.get(run.trigger.name, "manual")


def custom_of(run: Run) -> str | None:
    """The custom pipeline of the file that it runs; None for any other."""
    selector = run.target.selector
    return selector.pattern if selector is not None and selector.type == "custom" else None


def stage_of(name: str, deployment: str | None = None) -> Trigger:
    """BUILD, TEST or DEPLOY. What a step deploys to says more than its name."""
    return Trigger.DEPLOY if deployment else _told_by(name) or Trigger.BUILD


def tells(name: str) -> bool:
    """Whether the name of a step says what it is for."""
    return _told_by(name) is not None


def observations_of(
    run: Run,
    steps: Sequence[Step] = (),
    *,
    source: Source = Source.API,
    deployments: Mapping[str, str] = MappingProxyType({}),
) -> list[Observation]:
    """In no particular order. Without steps only the run's own state is told.

    `deployments` is where steps deploy to, by their uuid, as far as that is known.
    """
    seen = [_observed(Trigger.QUEUE, run.created_on, 1, source)]
    if run.run_number == 1 and run.state.name in ("IN_PROGRESS", "COMPLETED"):
        seen.append(_observed(Trigger.START, run.created_on, 1, source))
    seen += [
        _observed(stage_of(s.name, deployments.get(s.uuid)), s.started_on, s.run_number, source)
        for s in steps
        if s.started_on
    ]
    end = _end_of(run, steps, source)
    return [*seen, end] if end else seen


def waiting_on(run: Run, steps: Sequence[Step] = ()) -> str | None:
    """What a paused run waits for."""
    if run.state.stage is None or run.state.stage.name != "PAUSED":
        return None
    manual = by_hand(run, steps)
    return f"{BY_HAND}{manual!r} at Bitbucket" if manual else "another deployment, or a manual step"


def by_hand(run: Run, steps: Sequence[Step]) -> str | None:
    """The step that a paused run waits for somebody to start."""
    if run.state.stage is None or run.state.stage.name != "PAUSED":
        return None
    return next((s.name for s in steps if s.trigger.type.endswith("_manual") and s.started_on is None), None)


def ended(run: Run) -> bool:
    """Whether it is known how: an end in a word that we do not know ends nothing."""
    return _result_of(run) in ENDS


def _told_by(name: str) -> Trigger | None:
    for word in WORD.findall(name.lower()):
        for stage, words in STAGES.items():
            if word in words:
                return stage
    return None


def _end_of(run: Run, steps: Sequence[Step], source: Source) -> Observation | None:
    word = _result_of(run)
    if word not in ENDS:
        return None
    at = run.completed_on or max((s.completed_on for s in steps if s.completed_on), default=run.created_on)
    trigger, reason = ENDS[word]
    return _observed(trigger, at, run.run_number, source, _reason(run, steps, reason))


def _result_of(run: Run) -> str | None:
    if _halted(run):
        return "FAILED"
    return run.state.result.name if run.state.name == "COMPLETED" and run.state.result else None


def _reason(run: Run, steps: Sequence[Step], reason: str | None) -> str | None:
    if reason is None:
        return None
    error = run.state.result.error if run.state.result else None
    if error and error.message:
        return f"{reason}: {error.message}"[:500]
    failed = [s.name for s in steps if s.state.result and s.state.result.name in ("FAILED", "ERROR", "EXPIRED")]
    halted = " and was halted" if _halted(run) else ""
    return f"{reason}{halted} at the step {failed[-1]!r}" if failed else f"{reason}{halted}"


def _halted(run: Run) -> bool:
    """A run that failed without ever completing: it stays in progress for Bitbucket, and is over."""
    return run.state.name == "IN_PROGRESS" and run.state.stage is not None and run.state.stage.name == "HALTED"


def _observed(
    trigger: Trigger, at: datetime, run_number: int, source: Source, reason: str | None = None
) -> Observation:
    return Observation(trigger=trigger, source=source, at=at, run_number=run_number, confirmed=True, reason=reason)
