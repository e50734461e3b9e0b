"""The state machine: what a set of observations amounts to, whatever the order in which they arrive."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.events import Source, Trigger
from service.machine import (
    ENDS,
    RANK,
    TABLE,
    TRUSTED,
    Observation,
    Outcome,
    Progress,
    State,
    arrive,
    diagram,
    fold,
    in_order,
    progress_of,
)

README = Path(__file__).parents[1] / "README.md"
MARKER = "<!-- machine -->"

T, S = Trigger, State
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = {state: rank for rank, state in enumerate(State)} | {S.FAILED: 4, S.SUCCESS: 4}


def hint(trigger: Trigger, minute: int, **more: object) -> Observation:
    """What a commit status says."""
    return observation(trigger, minute, source=Source.WEBHOOK, **more)


def fact(trigger: Trigger, minute: int, run_number: int | None = 1, **more: object) -> Observation:
    """What Bitbucket's API says."""
    return observation(trigger, minute, source=Source.API, run_number=run_number, confirmed=True, **more)


def observation(trigger: Trigger, minute: int, **more: object) -> Observation:
    return Observation(trigger=trigger, at=NOON + timedelta(minutes=minute), **more)  # type: ignore[arg-type]


def lost(minute: int) -> Observation:
    return observation(T.LOSE, minute, source=Source.DEADLINE, reason="lost")


# Few minutes, few numbers: what matters are the ties and the contradictions.
observations = st.builds(
    lambda trigger, source, minute, run_number, reason: Observation(
        trigger=trigger,
        source=source,
        at=None if trigger is T.EXPECT else NOON + timedelta(minutes=minute),
        run_number=run_number,
        confirmed=source in (Source.API, Source.RECONCILE),
        reason=reason,
    ),
    trigger=st.sampled_from(Trigger),
    source=st.sampled_from(Source),
    minute=st.integers(0, 6),
    run_number=st.sampled_from([None, None, 1, 2, 3]),
    reason=st.sampled_from([None, None, "lost", "step tests failed"]),
)
sets = st.lists(observations, max_size=12)


@given(known=sets, seed=st.randoms(use_true_random=False), hints_end=st.booleans())
def test_any_order_and_any_repetition_give_the_same_progress(
    known: list[Observation], seed: random.Random, hints_end: bool
) -> None:
    again = known + seed.choices(known, k=len(known)) if known else []
    seed.shuffle(again)

    assert progress_of(again, hints_end=hints_end) == progress_of(known, hints_end=hints_end)


@pytest.mark.parametrize("hints_end", [True, False])
def test_every_order_of_a_rerun_run_ends_alike(hints_end: bool) -> None:
    story = [fact(T.START, 1), hint(T.FAIL, 5), fact(T.FAIL, 5), hint(T.START, 8), fact(T.DEPLOY, 9, 2), lost(20)]

    ends = {progress_of(order, hints_end=hints_end) for order in permutations(story)}

    assert len(ends) == 1


@given(known=sets, hints_end=st.booleans())
def test_observations_that_arrive_one_by_one_lead_where_the_whole_set_leads(
    known: list[Observation], hints_end: bool
) -> None:
    stored: list[Observation] = []
    reached = Progress()
    for new in known:
        outcome, before, after = arrive(stored, new, hints_end=hints_end)
        assert before == reached
        moved = after.state is not before.state or after.attempt > before.attempt
        verifying = before.passed_at is None and after.passed_at is not None
        assert (outcome is Outcome.APPLIED) == (moved or verifying)
        stored.append(new)
        reached = after

    assert reached == progress_of(known, hints_end=hints_end)


@given(known=st.lists(observations, min_size=1, max_size=8), older=observations, hints_end=st.booleans())
def test_an_observation_older_than_all_others_never_moves_a_run_back(
    known: list[Observation], older: Observation, hints_end: bool
) -> None:
    known = [seen for seen in known if in_order([seen, older])[0] is older]

    _, before, after = arrive(known, older, hints_end=hints_end)

    assert after.attempt != before.attempt or ORDER[after.state] >= ORDER[before.state]


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", State)
def test_every_pair_is_a_row_of_the_table_or_refused(state: State, trigger: Trigger) -> None:
    way_there = {
        S.PLANNED: [],
        S.BUILDING: [fact(T.BUILD, 1)],
        S.TESTING: [fact(T.TEST, 1)],
        S.DEPLOYING: [fact(T.DEPLOY, 1)],
        S.SUCCESS: [fact(T.SUCCEED, 1)],
        S.FAILED: [fact(T.FAIL, 1)],
    }[state]
    last = fold([*way_there, fact(trigger, 2)], hints_end=True)[-1]

    to = TABLE[state].get(trigger)

    print(f"{state:<10} {trigger:<8} {to or 'refused'}")
    assert last.progress.state is (to or state)
    assert (last.outcome is Outcome.REFUSED) == (to is None)


@pytest.mark.parametrize("end", [S.SUCCESS, S.FAILED])
def test_what_leaves_an_end_goes_where_a_new_run_goes(end: State) -> None:
    leaving = {trigger: to for trigger, to in TABLE[end].items() if to is not end}
    staying = {trigger for trigger, to in TABLE[end].items() if to is end}

    assert leaving == {trigger: TABLE[S.PLANNED][trigger] for trigger in leaving}
    assert staying == {trigger for trigger, to in TABLE[S.PLANNED].items() if to is end} - {T.LOSE}
    assert set(TABLE[S.PLANNED]) - set(TABLE[end]) == {T.EXPECT, T.LOSE}


def test_stages_lead_forwards_only() -> None:
    back = [
        (state, trigger)
        for state in (S.PLANNED, S.BUILDING, S.TESTING, S.DEPLOYING)
        for trigger, to in TABLE[state].items()
        if ORDER[to] < ORDER[state]
    ]

    assert back == []


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(
            [hint(T.START, 1), hint(T.SUCCEED, 5), hint(T.START, 9)],
            (S.BUILDING, 2, False),
            id="in progress after an end is the next attempt",
        ),
        pytest.param(
            [hint(T.START, 1), hint(T.FAIL, 5), hint(T.START, 9), hint(T.SUCCEED, 12)],
            (S.SUCCESS, 2, False),
            id="a rerun ends its own attempt",
        ),
        pytest.param(
            [hint(T.START, 1), hint(T.SUCCEED, 5), hint(T.FAIL, 9)],
            (S.FAILED, 2, False),
            id="another end after an end is a rerun whose beginning was missed",
        ),
        pytest.param(
            [fact(T.FAIL, 5, 1), fact(T.START, 9, 3)],
            (S.BUILDING, 3, True),
            id="the attempt has the number that Bitbucket gave it",
        ),
        pytest.param(
            [fact(T.START, 1, 2), fact(T.FAIL, 5, 1)],
            (S.BUILDING, 2, True),
            id="an end of an earlier attempt that is told later ends nothing",
        ),
        pytest.param(
            [hint(T.SUCCEED, 5), hint(T.START, 9), fact(T.START, 10, 1)],
            (S.BUILDING, 1, True),
            id="a run that was only paused is resumed and not rerun",
        ),
        pytest.param(
            [fact(T.DEPLOY, 1), lost(9), fact(T.SUCCEED, 12)],
            (S.SUCCESS, 1, True),
            id="a real end after the loss wins",
        ),
        pytest.param(
            [fact(T.DEPLOY, 1), lost(9), fact(T.SUCCEED, 7)],
            (S.SUCCESS, 1, True),
            id="a real end before the loss wins",
        ),
        pytest.param(
            [hint(T.START, 1), lost(9), hint(T.FAIL, 12)],
            (S.FAILED, 1, False),
            id="what was lost and then failed is one attempt",
        ),
        pytest.param(
            [hint(T.START, 1), lost(9), hint(T.DEPLOY, 12)],
            (S.DEPLOYING, 1, False),
            id="what was lost and then goes on is one attempt",
        ),
    ],
)
def test_attempts(story: list[Observation], expected: tuple[State, int, bool]) -> None:
    progress = progress_of(story, hints_end=True)

    assert (progress.state, progress.attempt, progress.numbered) == expected


def test_a_rerun_begins_with_a_clean_sheet() -> None:
    story = [fact(T.START, 1), fact(T.FAIL, 5, reason="step tests failed"), fact(T.START, 9, 2)]

    assert progress_of(story, hints_end=False) == Progress(
        state=S.BUILDING, attempt=2, numbered=True, confirmed=True, started_at=NOON + timedelta(minutes=9)
    )


def test_the_real_reason_replaces_that_of_the_loss() -> None:
    story = [fact(T.START, 1), lost(9), fact(T.FAIL, 12, reason="step tests failed")]

    assert progress_of(story, hints_end=False) == Progress(
        state=S.FAILED,
        numbered=True,
        confirmed=True,
        reason="step tests failed",
        started_at=NOON + timedelta(minutes=1),
        completed_at=NOON + timedelta(minutes=12),
    )


def test_an_unconfirmed_end_is_reported_until_bitbucket_confirms_it() -> None:
    story = [hint(T.START, 1), hint(T.SUCCEED, 5)]
    reported = progress_of(story, hints_end=False)
    confirmed = progress_of([*story, fact(T.SUCCEED, 5)], hints_end=False)

    assert (reported.state, reported.reported, reported.confirmed) == (S.BUILDING, T.SUCCEED, False)
    assert (confirmed.state, confirmed.reported, confirmed.confirmed) == (S.SUCCESS, None, True)


def test_an_unconfirmed_hint_reopens_nothing() -> None:
    outcome, before, after = arrive([fact(T.FAIL, 5)], hint(T.START, 9), hints_end=False)

    assert outcome is Outcome.REPORTED
    assert (after.state, after.attempt, after.reported) == (before.state, before.attempt, T.START)


def test_a_newer_hint_takes_the_reported_end_back() -> None:
    story = [hint(T.START, 1), hint(T.SUCCEED, 5), hint(T.START, 9)]

    progress = progress_of(story, hints_end=False)

    assert (progress.state, progress.attempt, progress.reported) == (S.BUILDING, 1, None)


def probed(trigger: Trigger, minute: int, **more: object) -> Observation:
    """What a health check says of the run that passed in that minute."""
    at = NOON + timedelta(minutes=minute, microseconds=1)
    return Observation(trigger=trigger, source=Source.PROBE, at=at, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("story", "hints_end", "expected"),
    [
        pytest.param(
            [fact(T.DEPLOY, 1), fact(T.VERIFY, 5)],
            False,
            (S.DEPLOYING, 1),
            id="what bitbucket calls successful goes on deploying until the probe says so",
        ),
        pytest.param(
            [fact(T.DEPLOY, 1), fact(T.VERIFY, 5), probed(T.SUCCEED, 5)],
            False,
            (S.SUCCESS, 1),
            id="a probe that passes is the end",
        ),
        pytest.param(
            [hint(T.START, 1), hint(T.VERIFY, 5), probed(T.FAIL, 5)],
            True,
            (S.FAILED, 1),
            id="a probe that fails is one too, without a credential as well",
        ),
        pytest.param(
            [fact(T.VERIFY, 5), probed(T.FAIL, 5), hint(T.VERIFY, 6)],
            False,
            (S.FAILED, 1),
            id="the webhook of the same run, by a later clock, reopens nothing",
        ),
        pytest.param(
            [hint(T.VERIFY, 4), fact(T.VERIFY, 5), probed(T.SUCCEED, 5), fact(T.VERIFY, 6)],
            False,
            (S.SUCCESS, 1),
            id="nor does the same run's end, told by another part of the api",
        ),
        pytest.param(
            [hint(T.START, 1), hint(T.VERIFY, 5), probed(T.FAIL, 5), hint(T.VERIFY, 9)],
            True,
            (S.DEPLOYING, 2),
            id="another status after the probe is a rerun whose beginning was missed",
        ),
        pytest.param(
            [fact(T.VERIFY, 5), probed(T.FAIL, 5), fact(T.START, 6, 2), fact(T.VERIFY, 9, 2)],
            False,
            (S.DEPLOYING, 2),
            id="a rerun is verified anew",
        ),
        pytest.param(
            [hint(T.START, 1), hint(T.VERIFY, 5), hint(T.START, 6), probed(T.SUCCEED, 5)],
            True,
            (S.BUILDING, 2),
            id="a probe that comes back during a rerun ends the run that it was about",
        ),
        pytest.param(
            [fact(T.VERIFY, 5), lost(9), probed(T.SUCCEED, 5)],
            False,
            (S.SUCCESS, 1),
            id="a probe after the loss wins",
        ),
    ],
)
def test_verification(story: list[Observation], hints_end: bool, expected: tuple[State, int]) -> None:
    for order in (story, story[::-1]):
        progress = progress_of(order, hints_end=hints_end)
        assert (progress.state, progress.attempt) == expected


def test_that_a_run_passed_is_only_a_hint_until_bitbucket_confirms_it() -> None:
    outcome, _, after = arrive([hint(T.START, 1)], hint(T.VERIFY, 5), hints_end=False)

    assert outcome is Outcome.REPORTED
    assert (after.state, after.reported, after.passed_at) == (S.BUILDING, T.VERIFY, None)


def test_that_verifying_begins_is_a_move_of_its_own() -> None:
    outcome, before, after = arrive([fact(T.DEPLOY, 1)], fact(T.VERIFY, 5), hints_end=False)

    assert (outcome, before.state, after.state) == (Outcome.APPLIED, S.DEPLOYING, S.DEPLOYING)
    assert after.passed_at == NOON + timedelta(minutes=5)


@given(known=sets)
def test_hints_alone_never_end_a_run_that_can_be_confirmed(known: list[Observation]) -> None:
    hints = [seen for seen in known if seen.source not in TRUSTED]

    assert not progress_of(hints, hints_end=False).state.final


@pytest.mark.parametrize(
    ("known", "new", "outcome"),
    [
        ([], hint(T.START, 1), Outcome.APPLIED),
        ([hint(T.START, 1)], hint(T.START, 1), Outcome.UNCHANGED),
        ([hint(T.START, 1)], fact(T.START, 2), Outcome.UNCHANGED),
        ([hint(T.FAIL, 5)], hint(T.START, 1), Outcome.LATE),
        ([fact(T.START, 5, 2)], fact(T.FAIL, 6, 1), Outcome.LATE),
        ([hint(T.START, 5)], hint(T.QUEUE, 6), Outcome.REFUSED),
        ([hint(T.SUCCEED, 5)], lost(6), Outcome.REFUSED),
    ],
)
def test_what_an_observation_does_has_a_name(known: list[Observation], new: Observation, outcome: Outcome) -> None:
    assert arrive(known, new, hints_end=True)[0] is outcome


def test_a_late_observation_leaves_the_state_and_fills_in_the_beginning() -> None:
    _, before, after = arrive([hint(T.SUCCEED, 5)], hint(T.START, 1), hints_end=True)

    assert before.started_at == NOON + timedelta(minutes=5)
    assert after.started_at == NOON + timedelta(minutes=1)
    assert (after.state, after.attempt, after.completed_at) == (before.state, before.attempt, before.completed_at)


def test_the_same_instant_in_another_zone_is_the_same_observation() -> None:
    here = hint(T.START, 0)
    there = Observation(trigger=T.START, source=Source.WEBHOOK, at=datetime.fromisoformat("2026-03-02T14:00:00+02:00"))

    assert arrive([here], there, hints_end=True)[0] is Outcome.UNCHANGED


def test_the_ends_are_the_triggers_that_end() -> None:
    assert {trigger for trigger, to in TABLE[S.PLANNED].items() if to.final} == ENDS
    assert max(RANK[trigger] for trigger in Trigger if trigger not in ENDS) < min(RANK[trigger] for trigger in ENDS)


def test_the_readme_shows_the_diagram_of_the_table() -> None:
    shown = README.read_text().split(MARKER)[1]

    assert shown.strip() == f"```mermaid\n{diagram()}```"
