"""Bitbucket's patterns for branches: which refs a branch pipeline, or an environment, is for.

https://support.atlassian.com/bitbucket-cloud/docs/use-glob-patterns-on-the-pipelines-yaml-file/. Case counts, and what
is not listed below stands for itself. No pattern becomes a regular expression: the places that can be reached in the
ref are kept as a set, so that the cost is at most the product of both lengths, whatever a stranger wrote.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Stars, one character, a choice without another inside it, plain text, a brace that nothing closes.
WORDS = re.compile(r"\*+|\?|\{[^{}]*\}|[^*?{]+|\{")


@lru_cache(maxsize=4096)
def matches(pattern: str, ref: str) -> bool:
    """`*` is any text without a slash, `**` any text, `?` one character but a slash, `{a,b}` one of several."""
    return pattern == ref or len(ref) in _reached(pattern, ref, {0})


def is_plain(pattern: str) -> bool:
    """Whether it is one branch's name."""
    return not any(letter in pattern for letter in "*?{")


def _reached(pattern: str, ref: str, starts: set[int]) -> set[int]:
    for word in WORDS.findall(pattern):
        starts = _past(word, ref, starts)
    return starts


def _past(word: str, ref: str, starts: set[int]) -> set[int]:
    if word.startswith("*"):
        return _stretched(ref, starts, over_slashes=len(word) > 1)
    if word == "?":
        return {start + 1 for start in starts if ref[start : start + 1] not in ("", "/")}
    if word.startswith("{") and word.endswith("}"):
        return {end for choice in word[1:-1].split(",") for end in _reached(choice, ref, starts)}
    return {start + len(word) for start in starts if ref.startswith(word, start)}


def _stretched(ref: str, starts: set[int], *, over_slashes: bool) -> set[int]:
    ends: set[int] = set()
    for place in range(len(ref) + 1):
        goes_on = place - 1 in ends and (over_slashes or ref[place - 1] != "/")
        if place in starts or goes_on:
            ends.add(place)
    return ends
