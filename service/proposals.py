"""What a pull request of ours says, and the commit in it: what changed, why, and what a person has to look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from service.generation import summary
from service.merging import Conflict
from service.store.revisions import Revision

# The branch that configuration is proposed from: one a repository, and one open pull request.
BRANCH = "penstock/config"

SKIP_MARK = "[skip ci]"

LONGEST = 20_000
MOST_CONFLICTS = 20

CLOSING = (
    "What people have edited in these files is kept. Penstock keeps this pull request up to date and never opens a"
    " second one; once it is declined, it proposes again only what changes after that."
)
FIRST = "Penstock builds, tests and deploys this repository by these files."


def title(revision: Revision) -> str:
    return f"Penstock: configuration, revision {revision.number}"


def message(revision: Revision, *, skip_ci: bool) -> str:
    """Of the commit."""
    lines = [title(revision) + (f" {SKIP_MARK}" if skip_ci else ""), ""]
    return "\n".join([*lines, *(f"- {_line(sentence)}" for sentence in revision.changes or [FIRST])]) + "\n"


def description(revision: Revision, conflicts: Sequence[Conflict], url: str) -> str:
    """In Bitbucket's Markdown. Nothing in it can end its block: what comes from the repository stands in fences."""
    parts = [f"{summary(revision.diff)}.", "### Why", *_listed(_line(one) for one in revision.changes or [FIRST])]
    if conflicts:
        parts.append("### To look at: these places disagree, and what is there stays")
        parts += [_conflict(one) for one in conflicts[:MOST_CONFLICTS]]
        if len(conflicts) > MOST_CONFLICTS:
            parts.append(f"… and {len(conflicts) - MOST_CONFLICTS} more, on the pipeline's page")
    parts += [CLOSING, url]
    text = "\n\n".join(part for part in parts if part)
    return text if len(text) <= LONGEST else text[:LONGEST] + f"\n\n…\n\n{url}"


def _listed(lines: Iterable[str]) -> list[str]:
    return ["\n".join(f"- {line}" for line in lines)]


def _conflict(one: Conflict) -> str:
    place = f", {_line(one.where)}" if one.where else ""
    parts = [f"**{_line(one.path)}**{place}: {_line(one.why)}"]
    if one.yours is not None:
        parts += ["In the repository:", _fenced(one.yours)]
    if one.ours is not None:
        parts += ["Penstock would write:", _fenced(one.ours)]
    return "\n\n".join(parts)


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _line(text: str) -> str:
    """One line without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
