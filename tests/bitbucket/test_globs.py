"""Which branches a pattern is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bitbucket.globs import matches


@pytest.mark.parametrize(
    ("pattern", "ref", "expected"),
    [
        ("main", "main", True),
        ("main", "Main", False),
        ("main", "main2", False),
        ("main", "domain", False),
        ("", "", True),
        ("", "main", False),
        ("*", "main", True),
        ("*", "", True),
        ("*", "feature/fog", False),
        ("**", "feature/fog/horn", True),
        ("***", "feature/fog/horn", True),
        ("feature/*", "feature/fog", True),
        ("feature/*", "feature/fog/horn", False),
        ("feature/*", "feature/", True),
        ("feature/*", "feature", False),
        ("feature/**", "feature/fog/horn", True),
        ("*/horn", "fog/horn", True),
        ("*/horn", "far/fog/horn", False),
        ("**/horn", "far/fog/horn", True),
        ("release-*-rc", "release-1.2-rc", True),
        ("release-*-rc", "release-1.2", False),
        ("a*b*c", "a-b-b-c", True),
        ("v?.?", "v1.2", True),
        ("v?.?", "v1.", False),
        ("a?b", "a/b", False),
        ("{main,develop}", "develop", True),
        ("{main,develop}", "release", False),
        ("{release,hotfix}/*", "hotfix/7", True),
        ("{release/**,main}", "release/1/2", True),
        ("release{,-next}", "release", True),
        ("release{,-next}", "release-next", True),
        ("{main}", "main", True),
        ("{main", "{main", True),
        ("main}", "main}", True),
        ("{*", "{main", True),
        ("{*", "main", False),
        ("{a,b}", "{a,b}", True),
        ("*(*", "a(b", True),
    ],
)
def test_patterns(pattern: str, ref: str, expected: bool) -> None:
    assert matches(pattern, ref) is expected


@pytest.mark.parametrize("pattern", [".*", "ma.n", "[lm]ain", "main|x", "(main)", "^main$", "mai+n", r"\w+", "main$"])
def test_a_regular_expression_matches_only_itself(pattern: str) -> None:
    assert matches(pattern, pattern)
    assert not matches(pattern, "main")


@given(ref=st.text(max_size=40))
def test_two_stars_match_everything_and_every_ref_matches_itself(ref: str) -> None:
    assert matches("**", ref)
    assert matches(ref, ref)


@given(pattern=st.text(alphabet="ab/*?{},.[", max_size=30), ref=st.text(alphabet="ab/{},.[", max_size=30))
def test_any_pattern_is_an_answer(pattern: str, ref: str) -> None:
    assert isinstance(matches(pattern, ref), bool)


@given(head=st.text(alphabet="ab/", max_size=5), tail=st.text(alphabet="ab/", max_size=5), middle=st.text(max_size=9))
def test_one_star_is_two_stars_where_there_is_no_slash(head: str, tail: str, middle: str) -> None:
    ref = head + middle + tail

    assert matches(f"{head}**{tail}", ref)
    assert matches(f"{head}*{tail}", ref) or "/" in middle


@pytest.mark.parametrize(
    "pattern", ["*a" * 127 + "b", "**" * 127 + "b", "{a,aa}" * 40 + "b", "{" * 255, "{*,**}" * 40 + "b"]
)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    assert not matches(pattern, "a" * 255)
