"""The demo leaves nothing behind, however it is ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("in_background", [False, True], ids=["in front", "in the background"])
@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_demo_that_is_ended_takes_its_directory_with_it(
    environ: dict[str, str], tmp_path: Path, ended_by: signal.Signals, in_background: bool
) -> None:
    command = [sys.executable, "-m", "service", "demo", "--port", "0"]
    inherited = signal.SIG_IGN if in_background else signal.SIG_DFL  # what a shell's `&` has a process ignore
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, inherited),
    ) as demo:
        assert demo.stdout is not None
        while b"Sign in by" not in demo.stdout.readline():
            assert demo.poll() is None
        [kept] = tmp_path.glob("penstock-demo-*")
        assert list(kept.iterdir()) != []
        demo.send_signal(ended_by)
        _, err = demo.communicate(timeout=120)

    assert (demo.returncode, err) == (128 + ended_by, b"")
    assert list(tmp_path.glob("penstock-demo-*")) == []
