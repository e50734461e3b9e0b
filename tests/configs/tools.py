"""Programs that look at generated files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def need(tool: str) -> str:
    """The path of a program. Skips, naming it, when it is not there; in CI that is a failure."""
    beside = Path(sys.executable).parent
    found = shutil.which(tool, path=f"{os.environ['PATH']}:{beside}:/usr/sbin")
    if found is None:
        message = f"this needs {tool}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def run(
    tool: str, *arguments: str, text: str | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program that must be there, and give back what it said."""
    return subprocess.run(
        [need(tool), *arguments], input=text, capture_output=True, text=True, check=False, cwd=cwd, timeout=120
    )
