"""What must be true of the books, whatever has happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from service.events import Source, Trigger
from service.machine import Observation, State, progress_of
from service.store.executions import Execution, Transition
from service.store.holds import Hold
from service.store.locks import Lock
from service.store.releases import Release, Rollback
from service.store.tables import (
    approvals,
    entries,
    executions,
    holds,
    locks,
    observations,
    releases,
    rollbacks,
    transitions,
)
from tests.gates.cloud import Cloud
from tests.gates.world import is_over

# Whose word on a failure makes Penstock roll back.
BELIEVED = (Source.API, Source.RECONCILE, Source.PROBE)


@dataclass
class Books:
    """What is recorded, read in one snapshot."""

    executions: dict[int, Execution]
    transitions: dict[int, list[Transition]]
    observations: dict[int, list[Observation]]
    locks: dict[str, Lock]
    holds: dict[str, Hold]
    releases: dict[int, Release]
    rollbacks: dict[int, Rollback]
    approved: set[int]
    told: Sequence[Any]

    def applied(self, execution_id: int) -> list[Transition]:
        return [one for one in self.transitions[execution_id] if one.outcome == "applied"]

    def came_back(self, one: Execution) -> bool:
        """What was given up as lost, or has ended, and goes on after all: that is Bitbucket's doing."""
        return one.attempt > 1 or any(move.trigger == Trigger.LOSE for move in self.transitions[one.id])

    def deploying(self, place: str) -> list[Execution]:
        """Those that Penstock has started there, or is starting, and that have not ended."""
        found = (one for one in self.executions.values() if one.environment == place and not is_over(one))
        return [one for one in found if one.trigger_type in ("manual", "rollback") and one.waits_for is None]

    def running(self, place: str) -> list[Execution]:
        """Everything that deploys there, whoever has started it."""
        found = (one for one in self.executions.values() if one.environment == place and not is_over(one))
        return [
            one
            for one in found
            if one.waits_for is None and (one.bitbucket_build_number is not None or one.trigger_type != "webhook")
        ]


def read(connection: Connection) -> Books:
    def all_of(table: Table) -> Sequence[Any]:
        return [row._mapping for row in connection.execute(select(table).order_by(*table.primary_key))]

    moved: dict[int, list[Transition]] = defaultdict(list)
    for row in all_of(transitions):
        named = {name: value for name, value in row.items() if name not in ("execution_id", "from")}
        moved[row["execution_id"]].append(Transition(from_=row["from"], **named))
    seen: dict[int, list[Observation]] = defaultdict(list)
    for row in all_of(observations):
        same = {name: row[name] for name in ("at", "run_number", "confirmed", "reason")}
        one = Observation(trigger=Trigger(row["trigger"]), source=Source(row["source"]), **same)
        seen[row["execution_id"]].append(one)
    return Books(
        executions={row["id"]: Execution(**row) for row in all_of(executions)},
        transitions=moved,
        observations=seen,
        locks={row["environment"]: Lock(**row) for row in all_of(locks)},
        holds={row["environment"]: Hold(**row) for row in all_of(holds) if row["released_at"] is None},
        releases={row["id"]: Release(**row) for row in all_of(releases)},
        rollbacks={row["id"]: Rollback(**row) for row in all_of(rollbacks)},
        approved={row["execution_id"] for row in all_of(approvals) if row["decision"] == "approve"},
        told=all_of(entries),
    )


def one_deployment_at_a_time(books: Books, place: str, silent: Collection[int]) -> None:
    """Of what was `silent` past its deadline the lock was anybody's, even if it has spoken since then."""
    mine = [one for one in books.deploying(place) if not books.came_back(one) and one.id not in silent]
    assert len(mine) <= 1, mine
    lock = books.locks.get(place)
    if mine and lock is not None:
        assert lock.execution_id == mine[0].id


def silent_past_their_deadline(books: Books, now: datetime) -> set[int]:
    found = (one for one in books.executions.values() if not is_over(one) and one.deadline_at is not None)
    return {one.id for one in found if one.deadline_at is not None and one.deadline_at < now}


def each_execution_has_one_run(cloud: Cloud) -> None:
    asked = [run.for_execution for run in cloud.runs_.values() if run.for_execution is not None]
    assert len(asked) == len(set(asked)), asked


def nothing_runs_that_waits(books: Books) -> None:
    for one in books.executions.values():
        if one.waits_for is not None:
            assert (one.status, one.bitbucket_build_number) == ("PLANNED", None)
            assert one.waiting_on is not None


def a_lock_has_somebody_behind_it(books: Books) -> None:
    for lock in books.locks.values():
        assert lock.kept or not is_over(books.executions[lock.execution_id])


def the_history_is_complete(books: Books, *, hints_end: bool) -> None:
    """The state is what the observations amount to, and every step to it is written down and told, once."""
    lines = Counter(line["execution_id"] for line in books.told if line["kind"] == "execution.transitioned")
    for one in books.executions.values():
        moved = books.applied(one.id)
        assert progress_of(books.observations[one.id], hints_end=hints_end).state == one.status
        assert [each.from_ for each in moved][1:] == [each.to for each in moved][:-1]
        assert (moved[-1].to if moved else "PLANNED") == one.status
        assert lines[one.id] == len(moved)
        assert (one.completed_at is not None) == is_over(one)
        assert one.duration_seconds is None or one.duration_seconds >= 0
        assert is_over(one) or one.deadline_at is not None


def every_success_is_a_release(books: Books) -> None:
    succeeded = {
        (one.id, move.attempt)
        for one in books.executions.values()
        for move in books.applied(one.id)
        if move.to == State.SUCCESS and one.environment is not None
    }
    assert {(one.execution_id, one.attempt) for one in books.releases.values()} == succeeded


def what_is_undone_is_marked(books: Books) -> None:
    """An attempt is rolled back once a rollback of it has succeeded, and not otherwise."""
    undone = {
        (one.undoes_execution_id, one.undoes_attempt): one.reason
        for one in books.rollbacks.values()
        if any(move.to == State.SUCCESS for move in books.applied(one.execution_id))
    }
    for one in books.executions.values():
        reason = undone.get((one.id, one.attempt))
        assert one.rolled_back == (reason is not None), one
        assert (one.rollback_reason is None) == (reason is None), one
    for release in books.releases.values():
        if release.rolled_back_at is not None:
            assert any(number == release.execution_id for number, _ in undone)


def each_failure_is_rolled_back_once(books: Books) -> None:
    automatic = Counter(
        (one.undoes_execution_id, one.undoes_attempt) for one in books.rollbacks.values() if one.automatic
    )
    assert all(count == 1 for count in automatic.values()), automatic


def a_rollback_has_begun_well(books: Books, one: Rollback) -> None:
    """Of one that was just made: onto a good release, with nobody else there, and the environment is its and held."""
    made, undone = books.executions[one.execution_id], books.executions[one.undoes_execution_id]
    target = books.releases[one.release_id]
    place = made.environment
    assert place is not None
    assert (target.environment, undone.environment) == (place, place)
    bad = {other.origin for other in books.releases.values() if other.rolled_back_at is not None}
    assert target.origin not in bad, target
    assert made.previous_execution_id == target.execution_id
    assert made.bitbucket_commit_hash == target.commit
    assert [other.id for other in books.running(place) if not books.came_back(other)] == [made.id]
    assert books.locks[place].execution_id == made.id
    assert books.holds[place].execution_id == undone.id
    if one.automatic:
        assert undone.trigger_type != "rollback"
        assert undone.status == State.FAILED
        newer = [other for other in books.executions.values() if other.environment == place and other.id > undone.id]
        assert [other.id for other in newer if not is_over(other) and other.waits_for is None] == [made.id]


def every_failure_is_rolled_back_or_told_why_not(books: Books, policies: list[tuple[datetime, str, str]]) -> None:
    """Where the environment's policy asked for it when the failure was written down."""
    answered = {(one.undoes_execution_id, one.undoes_attempt) for one in books.rollbacks.values()}
    refused = {line["execution_id"] for line in books.told if line["kind"] == "execution.rollback_refused"}
    for one in books.executions.values():
        for move in books.applied(one.id):
            if (move.from_, move.to, move.trigger) != (State.DEPLOYING, State.FAILED, Trigger.FAIL):
                continue
            believed = move.source in BELIEVED and move.confirmed and one.trigger_type != "rollback"
            policy = next(
                (said for at, place, said in reversed(policies) if place == one.environment and at <= move.recorded_at),
                "manual",
            )
            asked = policy == "on_failure" or (policy == "on_failed_health_check" and move.source == Source.PROBE)
            if believed and asked:
                assert (one.id, move.attempt) in answered or one.id in refused, one


def it_ended_as_bitbucket_says(books: Books, cloud: Cloud) -> None:
    """Of what could be asked for: a run that succeeded has failed only where its environment was not well."""
    for one in books.executions.values():
        run = cloud.runs_.get(one.bitbucket_build_number or 0)
        if run is None or run.result is None:
            continue
        if run.result == "SUCCESSFUL":
            unwell = (one.error_message or "").startswith("health check")
            assert one.status == ("FAILED" if unwell else "SUCCESS"), (one, run)
        else:
            assert one.status == "FAILED", (one, run)


def everything_is_over(books: Books) -> None:
    assert [one for one in books.executions.values() if not is_over(one)] == []
    assert books.locks == {}
