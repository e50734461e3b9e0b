"""The README names every command, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from service.cli import COMMANDS

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_lists_every_command() -> None:
    section = README.read_text(encoding="utf-8").partition("## Commands")[2].partition("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("| `")]
    first = {match[1] for row in rows for match in re.finditer(r"`(?:penstock )?([a-z]+)[^`]*`", row.split(" | ")[0])}

    assert first - {"show", "replay"} == set(COMMANDS)
