"""What people wrote stays, what Penstock decided anew comes in, and where both speak of one thing that is shown."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.configs import document
from service.merging import merge, merge_lines
from tests.regeneration.generated import KINDS, files_of, generated

FILE = "bitbucket-pipelines.yml"


def meets(base: str | None, ours: str, theirs: str) -> tuple[str, list[str]]:
    """(the merged text, where it disagrees)."""
    merged = merge(FILE, base, ours.encode(), theirs)
    assert merged.content is not None
    return merged.content.decode(), [one.where for one in merged.conflicts]


BASE = """\
# Written by Penstock.
image: node:18

pipelines:
  # For everybody.
  branches:
    main:
      - step:
          name: Build
          script:
            - npm ci
            - npm run build
      - step:
          name: Deploy
          deployment: production
          script:
            - ./deploy.sh
"""

# What a person does to it, what Penstock writes anew, what is there in the end, where they disagree.
CASES: dict[str, tuple[Callable[[str], str], Callable[[str], str], Callable[[str], str], list[str]]] = {
    "nothing of either": (lambda t: t, lambda t: t, lambda t: t, []),
    "another image, a comment beside it": (
        lambda t: t.replace("node:18", "node:18  # as on the server"),
        lambda t: t.replace("node:18", "node:22"),
        lambda t: t.replace("node:18", "node:22  # as on the server"),
        [],
    ),
    "an image of one's own": (
        lambda t: t.replace("node:18", "registry.example.com/node"),
        lambda t: t.replace("node:18", "node:22"),
        lambda t: t.replace("node:18", "registry.example.com/node"),
        ["image"],
    ),
    "the same change on both sides": (
        lambda t: t.replace("node:18", "node:22"),
        lambda t: t.replace("node:18", "node:22"),
        lambda t: t.replace("node:18", "node:22"),
        [],
    ),
    "a step of one's own, other commands": (
        lambda t: t.replace("      - step:\n          name: Deploy", "      - step: {name: Lint, script: [make lint]}\n"
                            "      - step:\n          name: Deploy"),
        lambda t: t.replace("npm ci", "pnpm install").replace("npm run build", "pnpm build"),
        lambda t: t.replace("npm ci", "pnpm install").replace("npm run build", "pnpm build").replace(
            "      - step:\n          name: Deploy", "      - step: {name: Lint, script: [make lint]}\n"
            "      - step:\n          name: Deploy"),
        [],
    ),
    "one command more, another one changed": (
        lambda t: t.replace("            - npm ci\n", "            - npm config list\n            - npm ci\n"),
        lambda t: t.replace("- npm run build", "- npm run build --if-present"),
        lambda t: t.replace("            - npm ci\n", "            - npm config list\n            - npm ci\n").replace(
            "- npm run build", "- npm run build --if-present"),
        [],
    ),
    "the same command, differently": (
        lambda t: t.replace("- npm ci", "- npm ci --no-audit"),
        lambda t: t.replace("- npm ci", "- pnpm install"),
        lambda t: t.replace("- npm ci", "- npm ci --no-audit"),
        ["pipelines › branches › main › step Build › step › script"],
    ),
    "a step more on both sides": (
        lambda t: t + "      - step: {name: Tell, script: [make tell]}\n",
        lambda t: t + "      - step:\n          name: Watch\n          script:\n            - make watch\n",
        lambda t: t + "      - step:\n          name: Watch\n          script:\n            - make watch\n"
        "      - step: {name: Tell, script: [make tell]}\n",
        [],
    ),
    "a step less, untouched": (
        lambda t: "# ours\n" + t,
        lambda t: t[: t.index("      - step:\n          name: Deploy")],
        lambda t: "# ours\n" + t[: t.index("      - step:\n          name: Deploy")],
        [],
    ),
    "a step less, but edited": (
        lambda t: t.replace("./deploy.sh", "./deploy.sh --careful"),
        lambda t: t[: t.index("      - step:\n          name: Deploy")],
        lambda t: t.replace("./deploy.sh", "./deploy.sh --careful"),
        ["pipelines › branches › main › step Deploy"],
    ),
    "a step that a person has taken away": (
        lambda t: t[: t.index("      - step:\n          name: Deploy")],
        lambda t: t.replace("node:18", "node:22"),
        lambda t: t[: t.index("      - step:\n          name: Deploy")].replace("node:18", "node:22"),
        [],
    ),
    "something new before, between and behind": (
        lambda t: t.replace("pipelines:", "# mine\npipelines:"),
        lambda t: t.replace("image: node:18\n", "image: node:18\n\n# Hurry.\noptions:\n  max-time: 20\n"),
        lambda t: t.replace("pipelines:", "# mine\npipelines:").replace(
            "image: node:18\n", "image: node:18\n\n# Hurry.\noptions:\n  max-time: 20\n"),
        [],
    ),
    "other comments of ours": (
        lambda t: t.replace("./deploy.sh", "./deploy.sh  # now"),
        lambda t: t.replace("# For everybody.", "# For all."),
        lambda t: t.replace("# For everybody.", "# For all.").replace("./deploy.sh", "./deploy.sh  # now"),
        [],
    ),
    "a comment that a person has rewritten": (
        lambda t: t.replace("# For everybody.", "# Mine."),
        lambda t: t.replace("# For everybody.", "# For all.").replace("node:18", "node:22"),
        lambda t: t.replace("# For everybody.", "# Mine.").replace("node:18", "node:22"),
        [],
    ),
    "no line end behind the last line": (
        lambda t: t.rstrip("\n"),
        lambda t: t + "  custom:\n    again:\n      - step: {script: [make]}\n",
        lambda t: t + "  custom:\n    again:\n      - step: {script: [make]}\n",
        [],
    ),
    "indented otherwise": (
        lambda t: re.sub(r"(?m)^( +)", lambda found: found[1] * 2, t),
        lambda t: t.replace("            - ./deploy.sh\n", "            - ./deploy.sh\n            - ./check.sh\n"),
        lambda t: re.sub(r"(?m)^( +)", lambda found: found[1] * 2, t.replace(
            "            - ./deploy.sh\n", "            - ./deploy.sh\n            - ./check.sh\n")),
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_two_hands_in_one_file(case: str) -> None:
    person, penstock, together, disagree = CASES[case]

    merged, where = meets(BASE, person(BASE), penstock(BASE))

    assert merged == together(BASE)
    assert where == disagree


def test_a_file_that_was_there_before_is_added_to_and_not_changed() -> None:
    theirs = "image: node:22\n\noptions:\n  max-time: 20\n\npipelines:\n  branches:\n    main:\n      - step:\n" \
        "          script:\n            - make deploy\n"  # fmt: skip
    mine = "# By hand since 2019.\nimage: node:16\npipelines:\n  default:\n    - step: {script: [make]}\n"

    merged, where = meets(None, mine, theirs)

    assert merged == (
        "# By hand since 2019.\nimage: node:16\n\noptions:\n  max-time: 20\npipelines:\n  default:\n"
        "    - step: {script: [make]}\n  branches:\n    main:\n      - step:\n          script:\n"
        "            - make deploy\n"
    )
    assert where == ["image"]


def test_an_anchor_stays_as_long_as_a_persons_lines_refer_to_it() -> None:
    base = "definitions:\n  scripts:\n    - &old make old\n    - &new make new\npipelines:\n  default:\n    - step: " \
        "{script: [*old]}\n"  # fmt: skip
    mine = base + "  custom:\n    mine:\n      - step:\n          script:\n            - *old\n"
    theirs = base.replace("    - &old make old\n", "").replace("*old", "*new")

    merged, where = meets(base, mine, theirs)

    assert "&old make old" in merged
    assert yaml.safe_load(merged)["pipelines"]["custom"]["mine"][0]["step"]["script"] == ["make old"]
    assert "definitions › scripts › old" in where


STRANGE = {
    "no YAML": b"image: [\n",
    "two documents": b"image: a\n---\nimage: b\n",
    "a key twice": b"image: a\nimage: b\n",
    "a list": b"- a\n",
    "nothing": b"",
    "not UTF-8": b"image: \xff\n",
    "tabs": b"image:\n\t- a\n",
    "too deep": b"a: " + b"[" * 3000,
    "too large": b"# " + b"x" * 300_000,
    "an alias of nothing": b"image: *nowhere\n",
    "aliases of aliases": b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 121)),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_cannot_be_merged_stays_as_it_is_and_is_told(kind: str) -> None:
    merged = merge(FILE, BASE, STRANGE[kind], BASE.replace("node:18", "node:22"))

    assert merged.content == STRANGE[kind]
    assert [one.path for one in merged.conflicts][:1] == [FILE]


FATES = [
    ("made where there is none", None, None, "new", "new", 0),
    ("left away where a person has removed it", "old", None, "old", None, 0),
    ("not brought back against a person", "old", None, "new", None, 1),
    ("removed where nobody has touched it", "old", "old", None, None, 0),
    ("kept where somebody has", "old", "mine", None, "mine", 1),
    ("kept where it was there before us", None, "mine", "new", "mine", 1),
    ("taken for ours where it is the same", None, "new", "new", "new", 0),
]


@pytest.mark.parametrize("fate", FATES, ids=[fate[0] for fate in FATES])
def test_a_file_as_a_whole(fate: tuple[str, str | None, str | None, str | None, str | None, int]) -> None:
    _, base, ours, theirs, wanted, told = fate

    merged = merge("certbot.sh", base, ours.encode() if ours is not None else None, theirs)

    assert (merged.content, len(merged.conflicts)) == (wanted.encode() if wanted is not None else None, told)


def test_windows_line_ends_stay() -> None:
    merged = merge(FILE, BASE, BASE.replace("\n", "\r\n").encode(), BASE.replace("node:18", "node:22"))

    assert merged.content == BASE.replace("node:18", "node:22").replace("\n", "\r\n").encode()


# -- people, at random ------------------------------------------------------------------------------------------------

OWN_STEP = "      - step: {{name: Own {0}, script: [make own-{0}]}}\n"
OWN_PIPELINE = "    own-{0}:\n      - step:\n          script:\n            - make own-{0}  # {0}\n"


def edited(text: str, chance: random.Random) -> tuple[str, list[str]]:
    """The text after a person's evening with it, and the lines that are his."""
    lines = text.splitlines()
    mine: list[str] = []
    for turn in range(chance.randint(1, 6)):
        keys = [place for place, line in enumerate(lines) if re.fullmatch(r" {0,8}[a-z-]+:.*[^|]", line)]
        place = chance.choice(keys)
        indent = " " * (len(lines[place]) - len(lines[place].lstrip()))
        match chance.randint(0, 4):
            case 0:
                new = [f"{indent}# a word of mine, {turn}"]
                lines[place:place] = new
            case 1 if " #" not in lines[place] and not re.search(r": *[|>&*]", lines[place]):
                lines[place] += f"  # beside it, {turn}"
                new = [lines[place].partition("  # ")[2]]
            case 2 if "  custom:" in lines:
                at = lines.index("  custom:") + 1
                new = OWN_PIPELINE.format(turn).splitlines()
                lines[at:at] = new
            case 3 if "    main:" in lines:
                at = lines.index("    main:") + 1
                new = OWN_STEP.format(turn).splitlines()
                lines[at:at] = new
            case _:
                commands = re.compile(r" {8,}- (npm|pip|make|tar|node|python).*")
                scripts = [place for place, line in enumerate(lines) if commands.fullmatch(line)]
                if not scripts:
                    continue
                at = chance.choice(scripts) + 1
                new = [f"{lines[at - 1][: lines[at - 1].index('-')]}- make mine-{turn}"]
                lines[at:at] = new
        mine += new
    return "\n".join(lines) + "\n", mine


CHANGES: list[dict[str, Any]] = [
    {},
    {"domain": "other.example.com"},
    {"port": 8099},
    {"ssl_enabled": False},
    {"env": (("MODE", "shop"),), "secrets": ("TOKEN",)},
    {"keep_releases": 9, "server": "198.51.100.7"},
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(KINDS),
    other=st.sampled_from(KINDS),
    before=st.sampled_from(CHANGES),
    after=st.sampled_from(CHANGES),
    seed=st.integers(),
)
def test_whatever_a_person_does_survives_whatever_is_generated(
    kind: str, other: str, before: dict[str, Any], after: dict[str, Any], seed: int
) -> None:
    base = generated(files_of(kind), **before).pipelines_yml
    theirs = generated(files_of(other), **after).pipelines_yml
    ours, mine = edited(base, random.Random(seed))

    merged, where = meets(base, ours, theirs)

    for line in mine:
        assert line in merged
    assert document.read(merged)["pipelines"]
    assert meets(base, merged, theirs) == (merged, where)
    assert meets(theirs, merged, theirs) == (merged, [])
    assert meets(base, ours, base) == (ours, [])
    if not where:
        new = {line for line in theirs.splitlines() if line.strip()} - set(base.splitlines())
        assert [line for line in new if line not in merged] == []


WORDS = st.sampled_from(["a", "b", "c", "d"])
LINES = st.lists(WORDS, max_size=8).map(lambda some: "".join(f"{one}\n" for one in some))


@settings(max_examples=150, deadline=None)
@given(base=LINES, ours=LINES, theirs=LINES)
def test_lines_are_merged_so_that_nothing_is_lost_that_only_one_side_changed(base: str, ours: str, theirs: str) -> None:
    assert merge_lines(base, ours, base) == (ours, [])
    assert merge_lines(base, base, theirs) == (theirs, [])
    assert merge_lines(base, ours, ours) == (ours, [])
    merged, against = merge_lines(base, ours, theirs)
    if not against:
        assert merge_lines(base, theirs, ours) == (merged, [])


@settings(max_examples=25, deadline=None)
@given(places=st.sets(st.integers(0, 39), max_size=6), others=st.sets(st.integers(0, 39), max_size=6))
def test_lines_far_apart_are_merged_as_git_merges_them(
    tmp_path_factory: pytest.TempPathFactory, places: set[int], others: set[int]
) -> None:
    lines = [f"line {number}\n" for number in range(40)]
    texts = [
        "".join(lines),
        "".join(f"ours {n}\n" if n in places else line for n, line in enumerate(lines)),
        "".join(f"theirs {n}\n" if n in others else line for n, line in enumerate(lines)),
    ]
    merged, against = merge_lines(*texts)
    told, status = _git(tmp_path_factory.mktemp("git"), *texts)

    if status == 0:
        assert (merged, against) == (told, [])
    else:
        assert against or any(abs(one - other) <= 1 for one in places for other in others)


def _git(directory: Path, base: str, ours: str, theirs: str) -> tuple[str, int]:
    for name, text in {"base": base, "ours": ours, "theirs": theirs}.items():
        (directory / name).write_text(text)
    command = ["git", "merge-file", "-p", "ours", "base", "theirs"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.stdout, done.returncode
