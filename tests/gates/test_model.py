"""Anything in any order: the gates against a small model of what may be true.

Pushes, runs that end well or badly, webhooks that come late, twice and out of order, triggers, approvals, holds,
health checks, rollbacks by hand and by themselves, a Bitbucket that is away, workers that die in the middle, and time.
After each step the books must agree with each other; at the end, once every deadline has passed, nothing may be in
progress.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.approving import Decided, Decision
from service.launching import Busy, Held
from service.reverting import NotEligible
from service.store.executions import Execution
from service.workers import tasks as working
from tests.gates import truths
from tests.gates.cloud import CloudRun
from tests.gates.truths import Books
from tests.gates.world import ADA, PATIENCE, PLACES, World, is_over

COMMITS = [letter * 40 for letter in "abcd"]
CHECK = {"url": "https://shop.example.com/healthz", "attempts": 2, "interval_seconds": 10}
POLICIES = ["manual", "on_failure", "on_failed_health_check"]

# Pieces of work in a row after which a worker is taken to go in circles.
TIRELESS = 400

# How often all deadlines pass before whatever is still in progress counts as in progress for ever.
MOST_ROUNDS = 12

places = st.sampled_from(["production", "production", "staging"])

T = TypeVar("T")


class Gates(RuleBasedStateMachine):
    """What may happen to one repository. `books` are read once after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = TemporaryDirectory()
        self.silent: set[int] = set()
        self.asked: set[int] = set()

    @initialize(
        credential=st.sampled_from([True, True, False]),
        offering=st.sets(st.sampled_from(COMMITS)),
        live=st.lists(st.sampled_from(COMMITS), max_size=2, unique=True),
        policy=st.sampled_from(POLICIES),
    )
    def connect(self, credential: bool, offering: set[str], live: list[str], policy: str) -> None:
        """With what has been deployed to production before all that follows."""
        self.world = World(Path(self.directory.name), credential=credential, offering=frozenset(offering))
        self.cloud, self.carrier = self.world.cloud, self.world.carrier
        self.do(self.world.connect())
        self.act(self.world.set_up("production", rollback_policy=policy))
        for commit in live:
            self.cloud.push("main", commit, runs=True)
            self._see_through(self._in_progress()[-1], "SUCCESSFUL")

    # -- what people and Bitbucket do ---------------------------------------------------------------------------------

    @rule(place=places, commit=st.sampled_from(COMMITS), runs=st.sampled_from([True, True, False]))
    def somebody_pushes(self, place: str, commit: str, runs: bool) -> None:
        self.cloud.push(PLACES[place], commit, runs=runs)

    @precondition(lambda self: self._in_progress())
    @rule(data=st.data(), result=st.sampled_from(["begin", "SUCCESSFUL", "FAILED", "STOPPED"]))
    def a_run_goes_on(self, data: st.DataObject, result: str) -> None:
        run = data.draw(st.sampled_from(self._in_progress()))
        if run.state == "PENDING":
            self.cloud.begin(run)
        elif result != "begin":
            self.cloud.end(run, result)

    @precondition(lambda self: self._in_progress())
    @rule(data=st.data(), result=st.sampled_from(["SUCCESSFUL", "SUCCESSFUL", "FAILED"]))
    def a_run_is_seen_through(self, data: st.DataObject, result: str) -> None:
        """From its begin to its end, and all of it is told at once."""
        self._see_through(data.draw(st.sampled_from(self._in_progress())), result)

    @precondition(lambda self: any(run.result == "FAILED" for run in self.cloud.runs_.values()))
    @rule(data=st.data())
    def a_run_is_run_again(self, data: st.DataObject) -> None:
        failed = [run for run in self.cloud.runs_.values() if run.result == "FAILED"]
        self.cloud.rerun(data.draw(st.sampled_from(failed)))

    @precondition(lambda self: self.cloud.mail)
    @rule(data=st.data(), again=st.booleans())
    def a_delivery_arrives(self, data: st.DataObject, again: bool) -> None:
        place = data.draw(st.integers(0, len(self.cloud.mail) - 1))
        payload = self.cloud.mail[place] if again else self.cloud.mail.pop(place)
        self.act(self.world.deliver(payload))

    @precondition(lambda self: self.world.credential)
    @rule(place=places, commit=st.sampled_from([None, *COMMITS]))
    def somebody_triggers(self, place: str, commit: str | None) -> None:
        before, environment = self.books, self.do(self._environment(place))
        answer = self.act(self.world.trigger(place, commit))
        if isinstance(answer, Held):
            assert place in before.holds
        elif isinstance(answer, Busy):
            assert (environment.when_busy, environment.requires_approval) == ("reject", False)
            assert place in before.locks
            assert place not in before.holds
        else:
            assert place not in before.holds
            assert (answer.waits_for == "approval") == environment.requires_approval
            if environment.requires_approval:
                self.asked.add(answer.id)

    @rule(
        place=places,
        busy=st.sampled_from(["reject", "queue", "supersede"]),
        approval=st.booleans(),
        check=st.sampled_from([None, CHECK]),
        policy=st.sampled_from(POLICIES),
    )
    def a_place_is_set_up_otherwise(
        self, place: str, busy: str, approval: bool, check: dict[str, Any] | None, policy: str
    ) -> None:
        values = {"when_busy": busy, "requires_approval": approval, "health_check": check, "rollback_policy": policy}
        self.act(self.world.set_up(place, **values))

    @precondition(lambda self: self._asking())
    @rule(data=st.data(), decision=st.sampled_from(["approve", "approve", "refuse"]))
    def somebody_decides(self, data: st.DataObject, decision: Decision) -> None:
        number = data.draw(st.sampled_from(self._asking()))
        answer = self.act(self.world.decide(number, Decided(decision=decision, actor=ADA)))
        if isinstance(answer, Execution):
            assert answer.waits_for != "approval"
        else:
            assert decision == "approve"
            assert self.books.executions[number].waits_for == "approval"

    @precondition(lambda self: self.world.credential)
    @rule(place=places, data=st.data())
    def somebody_rolls_back(self, place: str, data: st.DataObject) -> None:
        before = self.books
        wanted = data.draw(st.sampled_from([None, *(one.execution_id for one in before.releases.values())]))
        answer = self.act(self.world.roll_back(place, wanted))
        if isinstance(answer, Busy):
            assert before.running(place) or place in before.locks
        elif isinstance(answer, NotEligible):
            assert answer.plan.because
            assert len(self.books.rollbacks) == len(before.rollbacks)
        else:
            assert wanted in (None, answer.previous_execution_id)

    @precondition(
        lambda self: any(not is_over(one) for one in self.books.executions.values()) and self.world.credential
    )
    @rule(data=st.data())
    def somebody_stops(self, data: st.DataObject) -> None:
        live = [one.id for one in self.books.executions.values() if not is_over(one)]
        self.act(self.world.stop(data.draw(st.sampled_from(live))))

    @precondition(lambda self: any(one.status == "FAILED" for one in self.books.executions.values()))
    @rule()
    def what_failed_last_is_held(self) -> None:
        failed = [one for one in self.books.executions.values() if one.status == "FAILED" and one.environment]
        if failed:
            self.act(self.world.hold(failed[-1]))

    @precondition(lambda self: self.books.holds)
    @rule(data=st.data())
    def somebody_releases_a_hold(self, data: st.DataObject) -> None:
        self.act(self.world.release(data.draw(st.sampled_from(sorted(self.books.holds)))))

    @rule(well=st.booleans())
    def the_site_is(self, well: bool) -> None:
        self.world.site.well = well

    @precondition(lambda self: self.world.credential)
    @rule()
    def the_next_start_is_answered_by_a_broken_connection(self) -> None:
        self.cloud.cuts = 1

    @precondition(lambda self: self.world.credential)
    @rule(down=st.sampled_from([True, False, False]))
    def bitbucket_goes_away_or_comes_back(self, down: bool) -> None:
        self.cloud.down = down

    # -- workers, and time --------------------------------------------------------------------------------------------

    @rule(pieces=st.integers(1, 6))
    def a_worker_works(self, pieces: int) -> None:
        self.work(pieces)

    @rule(in_the_middle=st.booleans())
    def a_worker_dies_with_a_piece_in_its_hands(self, in_the_middle: bool) -> None:
        self.act(self.world.die(in_the_middle=in_the_middle))

    @rule(seconds=st.sampled_from([1, 15, 70, 400, 2100]))
    def time_passes(self, seconds: int) -> None:
        self.carrier.now += timedelta(seconds=seconds)

    # -- what is always true ------------------------------------------------------------------------------------------

    @invariant()
    def one_deployment_at_a_time(self) -> None:
        self.silent |= truths.silent_past_their_deadline(self.books, self.carrier.now)
        for place in PLACES:
            truths.one_deployment_at_a_time(self.books, place, self.silent)

    @invariant()
    def each_execution_has_one_run(self) -> None:
        truths.each_execution_has_one_run(self.cloud)

    @invariant()
    def nothing_runs_that_waits(self) -> None:
        truths.nothing_runs_that_waits(self.books)

    @invariant()
    def nothing_runs_that_nobody_has_approved(self) -> None:
        for number in self.asked - self.books.approved:
            one = self.books.executions[number]
            assert one.bitbucket_build_number is None
            assert one.waits_for == "approval" or one.status == "FAILED"

    @invariant()
    def a_lock_has_somebody_behind_it(self) -> None:
        truths.a_lock_has_somebody_behind_it(self.books)

    @invariant()
    def the_history_is_complete(self) -> None:
        truths.the_history_is_complete(self.books, hints_end=not self.world.credential)

    @invariant()
    def every_success_is_a_release(self) -> None:
        truths.every_success_is_a_release(self.books)

    @invariant()
    def what_is_undone_is_marked(self) -> None:
        truths.what_is_undone_is_marked(self.books)

    @invariant()
    def each_failure_is_rolled_back_once(self) -> None:
        truths.each_failure_is_rolled_back_once(self.books)

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self._come_to_rest()
        finally:
            if hasattr(self, "world"):
                self.do(self.world.close())
            self.loop.close()
            self.directory.cleanup()

    # -- how ----------------------------------------------------------------------------------------------------------

    @property
    def books(self) -> Books:
        if self._books is None:
            with self.world.beside.connect() as connection:
                self._books = truths.read(connection)
        return self._books

    _books: Books | None = None

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def act(self, work: Coroutine[Any, Any, T]) -> T:
        """Something that may be written down. What it leads to at once is looked at while it is fresh."""
        before, done = self.books, self.do(work)
        self._books = None
        for number in self.books.rollbacks.keys() - before.rollbacks.keys():
            truths.a_rollback_has_begun_well(self.books, self.books.rollbacks[number])
        for place in before.holds.keys() & self.books.holds.keys():
            new = {one.id for one in self.books.deploying(place)} - {one.id for one in before.deploying(place)}
            assert all(
                self.books.executions[number].trigger_type == "rollback"
                or self.books.came_back(self.books.executions[number])
                for number in new
            )
        return done

    def work(self, pieces: int) -> int:
        for done in range(pieces):
            if not self.act(self.world.work(1)):
                return done
        return pieces

    def _see_through(self, run: CloudRun, result: str) -> None:
        already = len(self.cloud.mail)
        if run.state == "PENDING":
            self.cloud.begin(run)
        self.cloud.end(run, result)
        while len(self.cloud.mail) > already:
            self.act(self.world.deliver(self.cloud.mail.pop(already)))
        self.work(12)

    def _in_progress(self) -> list[CloudRun]:
        return [run for run in self.cloud.runs_.values() if run.result is None]

    def _asking(self) -> list[int]:
        return [one.id for one in self.books.executions.values() if one.waits_for == "approval"]

    async def _environment(self, place: str) -> Any:
        async with self.world.database.read() as connection:
            return await self.world.environment(connection, place)

    def _come_to_rest(self) -> None:
        """Every deadline passes, workers do what is due, and Bitbucket says nothing more."""
        for _ in range(MOST_ROUNDS):
            self.carrier.now += timedelta(seconds=PATIENCE.wait)
            assert self.do(self.world.work(TIRELESS)) < TIRELESS
            self._books = None
            if not self.books.locks and all(is_over(one) for one in self.books.executions.values()):
                break
        truths.everything_is_over(self.books)
        truths.the_history_is_complete(self.books, hints_end=not self.world.credential)
        truths.every_success_is_a_release(self.books)
        truths.what_is_undone_is_marked(self.books)
        truths.every_failure_is_rolled_back_or_told_why_not(self.books, self.world.policies)
        if self.world.credential and not self.cloud.down:
            truths.it_ended_as_bitbucket_says(self.books, self.cloud)


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is due again when it is said to be, no sooner and no later."""
    monkeypatch.setattr(working.random, "uniform", lambda low, high: 1.0)


HASTE = settings(max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
PATIENT = settings(HASTE, max_examples=600, stateful_step_count=60)


class TestGates(Gates.TestCase):  # type: ignore[misc,name-defined]
    settings = HASTE


@pytest.mark.endurance
class TestGatesForLong(Gates.TestCase):  # type: ignore[misc,name-defined]
    settings = PATIENT
