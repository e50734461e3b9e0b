"""THE state machine of an execution: one table, and the fold that reads it.

Theory of operation
-------------------
What reaches us are observations: "the run is in progress", "the run failed". They come late, twice, in any order, or
not at all. So no observation *moves* an execution; the state is what the whole set of observations amounts to:

    sort by the source's own time, then fold over TABLE.

Two consequences, and everything else follows from them. The state depends on the set alone, not on the order of
arrival or on repetition (tests/test_machine.py proves it). And an observation that arrives late is sorted to where it
belongs, so that it never moves a run back. Where an environment has a health check, a run that Bitbucket calls
successful is VERIFY and not SUCCEED; the probe's word is timed right after it, so that it belongs to that run and to
no later one, whoever's clock is ahead.

Rules about what may follow what live here and nowhere else. What TABLE lacks is refused: the observation is kept, the
state stays. End states have rows of their own, because a rerun of failed steps is a legal way out of one: Bitbucket
keeps the build number and counts the run number up. Such a row opens the next attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from zlib import crc32

from service.events import Source, Trigger


class State(StrEnum):
    """The six states of an execution."""

    PLANNED = "PLANNED"
    BUILDING = "BUILDING"
    TESTING = "TESTING"
    DEPLOYING = "DEPLOYING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"

    @property
    def final(self) -> bool:
        return self in (State.SUCCESS, State.FAILED)


T, S = Trigger, State

# Stages may be jumped over forwards, and a step of an earlier stage does not move a run back: a pipeline may well build
# an image after its tests, and lint after its deployment to staging.
TABLE: dict[State, dict[Trigger, State]] = {
    S.PLANNED: {
        T.EXPECT: S.PLANNED,
        T.QUEUE: S.PLANNED,
        T.START: S.BUILDING,
        T.BUILD: S.BUILDING,
        T.TEST: S.TESTING,
        T.DEPLOY: S.DEPLOYING,
        T.VERIFY: S.DEPLOYING,
        T.SUCCEED: S.SUCCESS,
        T.FAIL: S.FAILED,
        T.STOP: S.FAILED,
        T.LOSE: S.FAILED,
    },
    S.BUILDING: {
        T.START: S.BUILDING,
        T.BUILD: S.BUILDING,
        T.TEST: S.TESTING,
        T.DEPLOY: S.DEPLOYING,
        T.VERIFY: S.DEPLOYING,
        T.SUCCEED: S.SUCCESS,
        T.FAIL: S.FAILED,
        T.STOP: S.FAILED,
        T.LOSE: S.FAILED,
    },
    S.TESTING: {
        T.START: S.TESTING,
        T.BUILD: S.TESTING,
        T.TEST: S.TESTING,
        T.DEPLOY: S.DEPLOYING,
        T.VERIFY: S.DEPLOYING,
        T.SUCCEED: S.SUCCESS,
        T.FAIL: S.FAILED,
        T.STOP: S.FAILED,
        T.LOSE: S.FAILED,
    },
    S.DEPLOYING: {
        T.START: S.DEPLOYING,
        T.BUILD: S.DEPLOYING,
        T.TEST: S.DEPLOYING,
        T.DEPLOY: S.DEPLOYING,
        T.VERIFY: S.DEPLOYING,
        T.SUCCEED: S.SUCCESS,
        T.FAIL: S.FAILED,
        T.STOP: S.FAILED,
        T.LOSE: S.FAILED,
    },
    # From here on every row but the repetition of the same end opens the next attempt. LOSE is absent: what ended is
    # not lost. Whatever real turns up after LOSE wins, and is not a rerun: see _resumed.
    S.SUCCESS: {
        T.QUEUE: S.PLANNED,
        T.START: S.BUILDING,
        T.BUILD: S.BUILDING,
        T.TEST: S.TESTING,
        T.DEPLOY: S.DEPLOYING,
        T.VERIFY: S.DEPLOYING,
        T.SUCCEED: S.SUCCESS,
        T.FAIL: S.FAILED,
        T.STOP: S.FAILED,
    },
    S.FAILED: {
        T.QUEUE: S.PLANNED,
        T.START: S.BUILDING,
        T.BUILD: S.BUILDING,
        T.TEST: S.TESTING,
        T.DEPLOY: S.DEPLOYING,
        T.VERIFY: S.DEPLOYING,
        T.SUCCEED: S.SUCCESS,
        T.FAIL: S.FAILED,
        T.STOP: S.FAILED,
    },
}

ENDS = frozenset({T.SUCCEED, T.FAIL, T.STOP, T.LOSE})

# Of two observations with the same time the one further on counts as the later.
RANK = {trigger: rank for rank, trigger in enumerate(Trigger)}

BEGINNING = datetime.min.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """What one observation did when it arrived."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"  # it says what is known already
    REPORTED = "reported"  # a hint of an end, waiting for Bitbucket's confirmation
    LATE = "late"  # something newer is known
    REFUSED = "refused"  # no row of the table for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one source said of one run.

    `at` is the source's own time, never ours, so that the same fact seen twice is the same observation; None (only
    for EXPECT, which has no time of its own) sorts first. `run_number` is Bitbucket's, where the source knows it.
    `confirmed` means that Bitbucket's API said so.
    """

    trigger: Trigger
    source: Source
    at: datetime | None = None
    run_number: int | None = None
    confirmed: bool = False
    reason: str | None = None

    @property
    def key(self) -> str:
        """Equal for the same fact, however often and by whatever delivery it reaches us."""
        at = self.at.astimezone(UTC).isoformat() if self.at else ""
        why = f"{crc32(self.reason.encode()):08x}" if self.reason else ""
        # what the API told is one fact, whoever of us asked
        source = Source.API if self.source is Source.RECONCILE else self.source
        return f"{self.trigger}|{source}|{at}|{self.run_number or ''}|{self.confirmed:d}|{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where an execution stands: the fold's result.

    `numbered` says that Bitbucket itself gave the attempt's number, `lost` that the run ended for want of news alone.
    `passed_at` is when Bitbucket called the attempt's run successful, where a health check has the last word.
    `reported` is the newest hint of an end or a rerun that waits for its confirmation.
    """

    state: State = State.PLANNED
    attempt: int = 1
    numbered: bool = False
    lost: bool = False
    passed_at: datetime | None = None
    confirmed: bool = False
    reported: Trigger | None = None
    reason: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the fold: what was observed, what it did, where it led."""

    observation: Observation
    outcome: Outcome
    progress: Progress


def in_order(observations: Iterable[Observation]) -> list[Observation]:
    """The set of observations in the order of their own times, whatever the order of arrival; repetitions once."""
    once = {observation.key: observation for observation in observations}
    return sorted(once.values(), key=lambda o: (o.at or BEGINNING, RANK[o.trigger], o.key))


def fold(observations: Iterable[Observation], *, hints_end: bool) -> list[Step]:
    """Reads the observations in the order of their times, one step each.

    `hints_end`: without a credential nothing can be confirmed, and a status's word is taken. With one, an unconfirmed
    observation may carry a run forward but neither end nor reopen it: it is `reported` until Bitbucket confirms it.
    """
    steps: list[Step] = []
    progress = Progress()
    for observation in in_order(observations):
        outcome, progress = _step(progress, observation, hints_end=hints_end)
        steps.append(Step(observation, outcome, progress))
    return steps


def progress_of(observations: Iterable[Observation], *, hints_end: bool) -> Progress:
    """Where the whole set leads."""
    steps = fold(observations, hints_end=hints_end)
    return steps[-1].progress if steps else Progress()


def arrive(known: Iterable[Observation], new: Observation, *, hints_end: bool) -> tuple[Outcome, Progress, Progress]:
    """What `new` does to an execution of which `known` is known: (outcome, before, after)."""
    known = list(known)
    before = progress_of(known, hints_end=hints_end)
    if any(observation.key == new.key for observation in known):
        return Outcome.UNCHANGED, before, before
    steps = fold([*known, new], hints_end=hints_end)
    after = steps[-1].progress
    if _moved(before, after):
        return Outcome.APPLIED, before, after
    mine = next(step for step in steps if step.observation.key == new.key)
    if mine.outcome in (Outcome.REFUSED, Outcome.REPORTED):
        return mine.outcome, before, after
    return (mine.outcome if mine is steps[-1] else Outcome.LATE), before, after


def _step(progress: Progress, seen: Observation, *, hints_end: bool) -> tuple[Outcome, Progress]:
    if not (hints_end or seen.confirmed or seen.source in TRUSTED) and _decides(progress, seen):
        return Outcome.REPORTED, replace(progress, reported=seen.trigger)
    if seen.run_number is not None and seen.run_number < progress.attempt and progress.numbered:
        return Outcome.LATE, progress
    base = _attempt_of(progress, seen)
    if seen.trigger is Trigger.VERIFY and base.passed_at is not None and (seen.confirmed or not hints_end):
        return Outcome.UNCHANGED, progress  # of the same run, by another of Bitbucket's clocks
    to = TABLE[base.state].get(seen.trigger)
    if to is None:
        return Outcome.REFUSED, progress
    if base.lost or (base.state.final and to is not base.state):
        base = _resumed(base, seen)
    after = _enter(base, seen, to)
    return (Outcome.APPLIED if _moved(progress, after) else Outcome.UNCHANGED), after


def _decides(progress: Progress, seen: Observation) -> bool:
    """Whether a mere hint would end the run or reopen it. One that repeats the known end decides nothing."""
    if seen.trigger is Trigger.VERIFY:
        return progress.passed_at is None  # as good as an end
    to = TABLE[progress.state].get(seen.trigger)
    return to is not progress.state and (seen.trigger in ENDS or progress.state.final)


def _attempt_of(progress: Progress, seen: Observation) -> Progress:
    """The progress that `seen` continues. A higher run number is a rerun of whose beginning nothing told us."""
    if seen.run_number is None:
        return progress
    if seen.run_number > progress.attempt:
        return Progress(attempt=seen.run_number, numbered=True)
    return replace(progress, attempt=seen.run_number, numbered=True)


def _resumed(base: Progress, seen: Observation) -> Progress:
    """A beginning from which the run goes on after an end, though what was only lost goes on in the same attempt."""
    if base.lost:
        return Progress(attempt=base.attempt, numbered=base.numbered, started_at=base.started_at)
    return Progress(attempt=seen.run_number or base.attempt + 1, numbered=seen.run_number is not None)


def _enter(base: Progress, seen: Observation, to: State) -> Progress:
    moved = to is not base.state
    said = TABLE[State.PLANNED][seen.trigger] is to  # it says this very state, not one that is passed already
    running = to is not State.PLANNED
    return replace(
        base,
        state=to,
        lost=seen.trigger is Trigger.LOSE,
        passed_at=(seen.at or BEGINNING) if seen.trigger is Trigger.VERIFY else base.passed_at,
        confirmed=seen.confirmed if moved else base.confirmed or (seen.confirmed and said),
        reported=None,  # a hint of an end is overtaken by whatever is newer
        reason=(seen.reason if moved else base.reason or seen.reason) if to is State.FAILED else None,
        started_at=base.started_at or (seen.at if running else None),
        completed_at=base.completed_at or (seen.at if to.final else None),
    )


def _moved(before: Progress, after: Progress) -> bool:
    verifying = before.passed_at is None and after.passed_at is not None
    return after.state is not before.state or after.attempt > before.attempt or verifying


# What nobody outside can forge: our own clock, probe and database, and people who signed in here.
TRUSTED = frozenset({Source.API, Source.RECONCILE, Source.PROBE, Source.DEADLINE, Source.PERSON, Source.PUSH})


def diagram() -> str:
    """The table as a Mermaid state diagram: the one in the README is printed from here."""
    lines = ["stateDiagram-v2", "    [*] --> PLANNED"]
    for state, row in TABLE.items():
        targets: dict[State, list[str]] = {}
        for trigger, to in row.items():
            if to is not state:
                targets.setdefault(to, []).append(trigger.value)
        lines += [f"    {state} --> {to}: {', '.join(words)}" for to, words in targets.items()]
    return "\n".join([*lines, "    SUCCESS --> [*]", "    FAILED --> [*]", ""])
