"""A repository's own commands as items of a script."""

from __future__ import annotations

import re
import shlex

from service.configs import grammar

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII | re.DOTALL)
# `<<<` gives a command a text, not lines.
HEREDOC = re.compile(r"(?<!<)<<(?!<)-?\s*[A-Za-z_]")
_PLAIN = re.compile(r"[A-Za-z0-9 _./:@%+=,^'\"&-]+", re.ASCII)


def script_items(field: str, command: str) -> tuple[str, ...]:
    """Return the items that run `command`: one for each part of an `a && b` chain.

    In one item a failing `a` would not fail the step: `set -e` does not look at the left side of `&&`. What is more
    than a chain of plain commands runs as a whole in a shell of its own. Raises InvalidValue for control characters
    and for a heredoc, which has no lines here.
    """
    grammar.env_value(field, command)
    if HEREDOC.search(command):
        raise grammar.InvalidValue(field, "a heredoc needs lines of its own: put it into a script and call that")
    if not _PLAIN.fullmatch(command) or "&&" in command.replace(" && ", ""):
        return (shlex.join(["bash", "-e", "-o", "pipefail", "-c", command]),)
    try:
        return tuple(_requoted(shlex.split(part)) for part in command.split(" && ") if part.strip())
    except ValueError as error:
        raise grammar.InvalidValue(field, f"not a shell command: {error}") from None


def enter(root: str) -> tuple[str, ...]:
    """The item that goes to a directory of the repository; none for the top."""
    grammar.relative_path("root", root)
    return () if root == "." else (shlex.join(["cd", root]),)


def _requoted(words: list[str]) -> str:
    written = []
    leading = True
    for word in words:
        assignment = _ASSIGNMENT.fullmatch(word) if leading else None
        leading = assignment is not None
        written.append(f"{assignment[1]}={shlex.quote(assignment[2])}" if assignment else shlex.quote(word))
    return " ".join(written)
