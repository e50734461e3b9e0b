"""The parts that have rules of their own: ranges, globs, comparisons, the clock, forms."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from service.simulator import MAYA, Clock
from service.simulator.clock import commit_time, pipelines_time, webhook_time
from service.simulator.commits import Commit, History, compare
from service.simulator.definition import definition_for, glob
from service.simulator.logbytes import ranged
from service.simulator.rest.fields import partial
from service.simulator.targets import BadTarget, Target
from tests.simulator.test_pushes import PIPELINES

MOMENT = datetime(2026, 3, 1, 10, 15, 0, 123456, tzinfo=UTC)


def test_each_part_of_bitbucket_writes_times_its_own_way() -> None:
    assert webhook_time(MOMENT) == "2026-03-01T10:15:00.123456+00:00"
    assert commit_time(MOMENT) == "2026-03-01T10:15:00+00:00"
    assert pipelines_time(MOMENT) == "2026-03-01T10:15:00.123456000Z"
    assert datetime.fromisoformat(pipelines_time(MOMENT)) == MOMENT


def test_no_two_readings_of_the_clock_are_equal() -> None:
    clock = Clock(speed=0.000001)
    readings = [clock.now() for _ in range(1000)]

    assert readings == sorted(set(readings))


def test_the_clock_jumps_when_told() -> None:
    clock = Clock(start=MOMENT)
    clock.advance(3600)

    assert (clock.now() - MOMENT).total_seconds() >= 3600


@given(log=st.binary(min_size=1, max_size=40), first=st.integers(0, 50), last=st.integers(0, 50))
def test_a_range_is_the_bytes_it_names(log: bytes, first: int, last: int) -> None:
    answer = ranged(bytearray(log), Headers({"range": f"bytes={first}-{last}"}), name="a step")

    expected = (416, b"") if first >= len(log) else (206, log[first : last + 1])
    assert (answer.status_code, bytes(answer.body)) == expected


@pytest.mark.parametrize("header", ["bytes=-5", "bytes=x-", "lines=0-", "bytes=0-1,3-4"])
def test_a_range_that_is_not_understood_is_ignored(header: str) -> None:
    assert ranged(bytearray(b"log"), Headers({"range": header}), name="a step").status_code == 200


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("main", "main", True),
        ("main", "mainly", False),
        ("*", "feature", True),
        ("*", "feature/x", False),
        ("**", "feature/x", True),
        ("feature/*", "feature/x", True),
        ("{main,release/*}", "release/1", True),
        ("{main,release/*}", "other", False),
        ("v?.0", "v1.0", True),
        ("v?.0", "v1x0", False),
    ],
)
def test_aglob_of_the_file_matches_whole_names(pattern: str, name: str, *, matches: bool) -> None:
    assert bool(glob(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize("text", [b"a: [", b"- 1", b"image: x", b"pipelines: []"])
def test_a_text_that_is_no_pipelines_file_is_refused_by_name(text: bytes, target: Target) -> None:
    with pytest.raises(BadTarget, match=r"bitbucket-pipelines\.yml"):
        definition_for(text, target)


def test_steps_come_from_parallels_and_stages_in_order(target: Target) -> None:
    text = b"""
    image: {name: python:3.12}
    pipelines:
      default:
        - variables: [{name: X}]
        - parallel: [{step: {name: A, script: []}}, {step: {script: []}}]
        - parallel: {fail-fast: true, steps: [{step: {name: C, image: alpine, script: [x]}}]}
        - stage: {deployment: staging, steps: [{step: {name: D, script: []}}]}
        - step: {name: E, trigger: manual, deployment: production, script: []}
    """
    definition = definition_for(text, target)

    assert definition
    assert [(step.name, step.deployment, step.manual, step.image) for step in definition.steps] == [
        ("A", None, False, "python:3.12"),
        ("Step 2", None, False, "python:3.12"),
        ("C", None, False, "alpine"),
        ("D", "staging", False, "python:3.12"),
        ("E", "production", True, "python:3.12"),
    ]


def test_a_custom_pipeline_that_is_not_there_is_none(target: Target) -> None:
    custom = Target(target.commit, ref_name="main", selector="custom", pattern="nothing")

    assert definition_for(PIPELINES.encode(), custom) is None


@given(
    old=st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=3)),
    new=st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=3)),
)
def test_a_comparison_leads_from_old_to_new(old: dict[str, bytes], new: dict[str, bytes]) -> None:
    tree = dict(old)
    changes = compare(old, new)
    for change in changes:
        if change.old_path and change.status != "modified":
            del tree[change.old_path]
    for change in changes:
        if change.new_path:
            tree[change.new_path] = new[change.new_path]

    assert tree == new


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        (None, {"a": 1, "values": [{"b": 2, "c": {"d": 3}}], "next": "x"}),
        ("a", {"a": 1}),
        ("values.c.d,next", {"values": [{"c": {"d": 3}}], "next": "x"}),
        ("values.*", {"values": [{"b": 2, "c": {"d": 3}}]}),
        ("*", {"a": 1, "values": [{"b": 2, "c": {"d": 3}}], "next": "x"}),
        ("-values.c,-a", {"values": [{"b": 2}], "next": "x"}),
        ("+values.c", {"a": 1, "values": [{"b": 2, "c": {"d": 3}}], "next": "x"}),
        ("nothing", {}),
    ],
)
def test_fields_select_from_an_answer(fields: str | None, left: dict[str, object]) -> None:
    assert partial({"a": 1, "values": [{"b": 2, "c": {"d": 3}}], "next": "x"}, fields) == left


@pytest.fixture
def target() -> Target:
    commit = History().add(None, {}, message="Begin", author=MAYA, date=MOMENT)
    return Target(commit, ref_name="main")


def test_what_two_heads_share_is_their_merge_base() -> None:
    history = History()

    def commit(parent: Commit | None, message: str) -> Commit:
        return history.add(parent, {}, message=message, author=MAYA, date=MOMENT)

    root = commit(None, "root")
    fork = commit(root, "fork")
    left, right = commit(fork, "left"), commit(commit(fork, "middle"), "right")

    assert history.merge_base(left, right) == fork
    assert [one.message for one in history.between(left, right)] == ["right", "middle"]
    assert [one.message for one in history.between(None, left)] == ["left", "fork", "root"]
    assert history.between(right, fork) == []
    assert (history.contains(right, fork), history.contains(fork, right)) == (True, False)
    assert history.merge_base(commit(None, "unrelated"), left) is None
