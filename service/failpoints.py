"""Places at which a crash test may end this process, as a power cut would: `fail_point("record.written")`.

Nothing happens unless PENSTOCK_TEST_FAILPOINT names the place, with how often it is passed first: `record.written:3`.
tests/crash/test_crash.py compares the places in the code with the ones it visits, so that no write goes without.
"""

from __future__ import annotations

import os
import signal

_name, _, _count = os.environ.get("PENSTOCK_TEST_FAILPOINT", "").partition(":")
_left = int(_count or 1)


def fail_point(name: str) -> None:
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
