"""`penstock logs`, as a process of its own: what a terminal gets of a log, what a pipe, and how it ends."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import tty
from contextlib import suppress
from pathlib import Path

import pytest

from tests.both_ways.conftest import Both
from tests.both_ways.reading import stored

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ROOT = Path(__file__).parents[2]

# What a step may write, and what of it is to be read.
ACTING = (
    "\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[1A\x1b[>4;2m\x1bc\u009b2J+ make\n"
    "\x1b[32m✓\x1b[0m built\tin 3 s\r\n 10 %\r 99 %\n\x1b[31m\x08failed"
)
PLAIN = "+ make\n✓ built\tin 3 s\n 10 %\n 99 %\nfailed"
COLOURED = "+ make\n\x1b[32m✓\x1b[0m built\tin 3 s\n 10 %\n 99 %\n\x1b[31mfailed\x1b[0m"

both_forms = pytest.mark.parametrize("words", [(), ("-f",)], ids=["stored", "live"])


@both_forms
async def test_F10_a_pipe_gets_the_text_of_a_log_without_its_colours(both: Both, words: tuple[str, ...]) -> None:
    execution_id = await _logged(both, ACTING)

    assert await _piped(both, execution_id, *words) == (0, PLAIN.encode(), b"")


@both_forms
async def test_F10_a_terminal_gets_the_text_of_a_log_with_its_colours(both: Both, words: tuple[str, ...]) -> None:
    execution_id = await _logged(both, ACTING)

    assert await _at_a_terminal(both, execution_id, *words) == (0, COLOURED.encode())


@both_forms
async def test_F10_the_stored_bytes_are_to_be_had_by_asking_for_them(both: Both, words: tuple[str, ...]) -> None:
    execution_id = await _logged(both, ACTING)

    assert await stored(both, execution_id) == ACTING.encode()
    assert await _piped(both, execution_id, "--raw", *words) == (0, ACTING.encode(), b"")


async def test_what_is_looked_for_in_a_log_is_its_text_and_not_its_colours(both: Both) -> None:
    execution_id = await _logged(both, ACTING)

    assert await _piped(both, execution_id, "--grep", "^✓ built") == (0, "✓ built\tin 3 s\n".encode(), b"")


@both_forms
async def test_a_log_that_was_told_to_its_end_is_a_success_though_the_run_failed(
    both: Both, words: tuple[str, ...]
) -> None:
    execution_id = await _logged(both, "it breaks\n", result="FAILED")

    assert await _piped(both, execution_id, *words) == (0, b"it breaks\n", b"")


async def _logged(both: Both, text: str, result: str = "SUCCESSFUL") -> int:
    """The number of an execution whose log is whole."""
    run = await both.shop.start_run("main")
    await run.write(text)
    await run.finish(result)
    execution = await both.execution(run, status="SUCCESS" if result == "SUCCESSFUL" else "FAILED", confirmed=True)

    async def whole() -> bool:
        found = await both.penstock.get(f"/api/executions/{execution['id']}")
        return bool(found["steps"]) and all(step["log_complete"] for step in found["steps"] if step["started_at"])

    await both.until(whole)
    number: int = execution["id"]
    return number


async def _piped(both: Both, execution_id: int, *words: str) -> tuple[int, bytes, bytes]:
    """(exit status, standard output, standard error)"""
    process = await _reading(both, execution_id, words, asyncio.subprocess.PIPE)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out, err


async def _at_a_terminal(both: Both, execution_id: int, *words: str) -> tuple[int, bytes]:
    """(exit status, everything that the terminal was given)"""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)  # what is written comes out as it is
    process = await _reading(both, execution_id, words, theirs)
    os.close(theirs)
    seen = await asyncio.to_thread(_all_of, ours)
    return await process.wait(), seen


async def _reading(both: Both, execution_id: int, words: tuple[str, ...], out: int) -> asyncio.subprocess.Process:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    environ |= {"PENSTOCK_URL": both.penstock.url, "PENSTOCK_TOKEN": both.penstock.token, "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "logs", str(execution_id), *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
    )


def _all_of(terminal: int) -> bytes:
    """Until nobody has it open any more, which Linux tells as an error."""
    seen = b""
    with suppress(OSError):
        while part := os.read(terminal, 65536):
            seen += part
    os.close(terminal)
    return seen
