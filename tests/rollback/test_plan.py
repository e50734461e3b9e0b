"""The plan alone: which release, by which way, and what is said about the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rollback import (
    Failed,
    Method,
    Release,
    Standing,
    Value,
    Values,
    migrations_among,
    plan,
    values_of_then,
)

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def release(number: int, **more: Any) -> Release:
    """The one of execution `number`, deployed by our files."""
    known: dict[str, Any] = {"build_number": number, "commit": f"{number:040x}", "branch": "main", "kept_as": number}
    at = NOW + timedelta(hours=number)
    return Release(id=number, execution_id=number, completed_at=at, **{"origin": number, **known, **more})


def standing(*found: Release, **more: Any) -> Standing:
    """Production with these, the newest first."""
    newest_first = sorted(found, key=lambda one: one.completed_at, reverse=True)
    return Standing(environment="production", releases=tuple(newest_first), **more)


FAILED = Failed(execution_id=9, attempt=1, commit="f" * 40)

# How production stands → (what is undone, what is gone back to).
SITUATIONS = {
    "two releases": (standing(release(1), release(2)), (2, 1)),
    "one failed after them": (standing(release(1), release(2), failed=FAILED), (9, 2)),
    "one release": (standing(release(1)), (1, None)),
    "one release and a failure": (standing(release(1), failed=FAILED), (9, 1)),
    "nothing but a failure": (standing(failed=FAILED), (9, None)),
    "the last was rolled back": (
        standing(release(1), release(2), release(3, rolled_back=True), release(4, origin=2)),
        (4, 1),
    ),
    "something runs": (standing(release(1), release(2), running=3), (2, None)),
    "the one before has no configuration any more": (
        standing(release(1), release(2, config_gone=True), release(3)),
        (3, 1),
    ),
    "of the one before nobody knows the commit": (standing(release(1, commit=None), release(2)), (2, None)),
}


@pytest.mark.parametrize(("where", "expected"), SITUATIONS.values(), ids=SITUATIONS)
def test_what_is_undone_and_what_is_gone_back_to(where: Standing, expected: tuple[int, int | None]) -> None:
    made = plan(where)

    assert (made.current_execution_id, made.target_execution_id) == expected
    assert (made.because is None) == (expected[1] is not None)


def test_a_release_of_another_environment_is_named() -> None:
    made = plan(standing(release(1), release(2), elsewhere={7: "staging"}), to_execution_id=7)

    assert made.because == "execution 7 deployed to staging, not to production"


def test_what_the_server_has_not_kept_is_built_again() -> None:
    where = standing(*(release(number) for number in range(1, 8)))

    methods = {number: plan(where, to_execution_id=number).method for number in range(1, 7)}

    assert methods == {1: Method.REBUILD, 2: Method.REBUILD, **dict.fromkeys(range(3, 7), Method.RELINK)}


def test_what_others_files_deployed_is_deployed_by_them_again() -> None:
    assert plan(standing(release(1, kept_as=None), release(2, kept_as=None))).method is Method.REBUILD


A = Value(key="A", secured=False, place="a1")
B = Value(key="B", secured=True, place="b1")
TODAY = (Value(key="A", secured=False, place="a2"), Value(key="B", secured=True, place="b2"))

# (what is asked for, which values are kept) → (the variables as they were, why not).
WISHES: dict[str, tuple[Values | None, set[str], list[str], str | None]] = {
    "nothing asked, all kept": (None, {"a1", "b1"}, ["A"], None),
    "nothing asked, nothing kept": (None, set(), [], None),
    "those of then": (Values.THEN, {"a1", "b1"}, ["A", "B"], None),
    "those of now": (Values.NOW, {"a1", "b1"}, [], None),
    "those of then, one lost": (Values.THEN, {"a1"}, [], "the values of B were not kept"),
}


@pytest.mark.parametrize(("values", "kept", "then", "because"), WISHES.values(), ids=WISHES)
def test_which_variables_the_run_gets(
    values: Values | None, kept: set[str], then: list[str], because: str | None
) -> None:
    where = standing(release(1, variables=(A, B)), release(2), variables=TODAY, values=frozenset(kept))

    made = plan(where, values=values)

    assert [(one.key, one.change) for one in made.variables] == [("A", "changed"), ("B", "changed")]
    if because is not None:
        assert (made.because or "").startswith(because)
        return
    assert made.target is not None
    assert [one.key for one in values_of_then(where, made.target, values)] == then
    now = [key for key in "AB" if key not in then]
    expected = [f"{', '.join(now)}: not as the release had it, but as it is now"] if now else []
    assert list(made.warnings) == expected


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("shop/migrations/0002_prices.py", True),
        ("shop/migrations/__init__.py", False),
        ("db/migrate/20260301_add.rb", True),
        ("alembic/versions/abc.py", True),
        ("schema/prices.sql", True),
        ("docs/migration.md", False),
        ("src/immigrations/x.py", False),
    ],
)
def test_files_that_change_a_database(path: str, is_one: bool) -> None:
    assert (migrations_among([path]) == [path]) is is_one


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=8), st.booleans())
def test_what_was_rolled_back_is_never_gone_back_to(history: list[tuple[bool, int]], failed: bool) -> None:
    found: list[Release] = []
    for number, (rolled_back, back) in enumerate(history, 1):
        origin = found[back].origin if back < len(found) else number
        found.append(release(number, rolled_back=rolled_back, origin=origin))

    made = plan(standing(*found, failed=FAILED if failed else None))

    bad = {one.origin for one in found if one.rolled_back}
    live = next((one for one in reversed(found) if not one.rolled_back), None)
    if made.target is not None:
        assert made.target.origin not in bad
        assert failed or live is None or made.target.origin != live.origin
        assert made.target_execution_id in [one.execution_id for one in made.candidates if one.eligible]
    assert len(made.candidates) == len(found)
    assert all((one.because is None) == one.eligible for one in made.candidates)
