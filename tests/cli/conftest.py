"""Commands as their users have them: processes of their own, with nothing but their environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def failure(self) -> str:
        """The one line on standard error of a command that failed."""
        assert (self.status, self.out) == (1, "")
        [line] = self.err.splitlines()
        assert line.startswith("penstock: ")
        return line.removeprefix("penstock: ")


Run = Callable[..., Ended]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A clean environment with an empty data directory."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PENSTOCK_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path) -> Run:
    def run(*words: str, stdin: str = "", **more: str) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-m", "service", *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environ, **more},
            timeout=120,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run
