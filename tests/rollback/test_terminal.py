"""`penstock rollback`, as a process of its own beside the service."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.rollback.conftest import Story

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ROOT = Path(__file__).parents[2]


async def penstock(story: Story, command: str, *words: str) -> tuple[int, str, str]:
    """(status, standard output, standard error) of a command about the story's repository."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", *command.split(), "acme/till", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ_of(story),
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err, err
    return process.returncode or 0, out.decode(), err.decode()


def environ_of(story: Story) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    told = {"PENSTOCK_URL": story.both.penstock.url, "PENSTOCK_TOKEN": story.both.penstock.token}
    return {**kept, **told, "PYTHONPATH": str(ROOT)}


async def roll_back(story: Story, *words: str) -> tuple[int, str, str]:
    return await penstock(story, "rollback", "--env", "production", *words)


async def test_a_dry_run_shows_the_plan(story: Story) -> None:
    good, bad = await story.deploy(), await story.deploy()

    status, out, _ = await roll_back(story, "--dry-run")

    assert status == 0
    table, _, plan = out.partition("\n\n")
    assert [line.split()[0] for line in table.splitlines()] == ["EXECUTION", str(bad["id"]), str(good["id"])]
    assert table.splitlines()[1].endswith("it is live already")
    assert plan.splitlines() == [
        f"production goes from execution {bad['id']} back to execution {good['id']}: it is built again",
        f"  undone   {bad['bitbucket_commit_hash'][:12]}  Change something",
    ]
    assert await story.rollbacks() == []
    assert json.loads((await roll_back(story, "--dry-run", "--json"))[1])["target_execution_id"] == good["id"]


async def test_it_goes_back_and_waits_for_the_end(story: Story) -> None:
    good, _ = await story.deploy(), await story.deploy()

    status, out, _ = await roll_back(story, "--reason", "the till is stuck", "--wait")

    [made] = await story.rollbacks()
    assert (status, out) == (0, f"execution {made['id']}, back to {good['id']}, is SUCCESS\n")


async def test_a_rollback_that_fails_ends_with_1(story: Story) -> None:
    _, _ = await story.deploy(), await story.deploy()
    story.breaks = "Roll back production"

    status, out, _ = await roll_back(story, "--reason", "the till is stuck", "--wait", "--json")

    assert (status, json.loads(out)["status"]) == (1, "FAILED")


async def test_what_cannot_be_done_is_one_line(story: Story) -> None:
    only = await story.deploy()

    status, out, err = await roll_back(story)
    assert (status, out) == (2, "")
    assert err.endswith("penstock rollback: error: a rollback needs a reason: --reason TEXT\n")
    status, _, err = await roll_back(story, "--reason", "it is slow", "--to", str(only["id"]))
    assert (status, err) == (1, "penstock: production cannot be rolled back: it is live already\n")


@pytest.mark.parametrize(("said", "status"), [("y", 0), ("n", 1), ("", 1)])
async def test_at_a_terminal_it_shows_the_plan_and_asks(story: Story, said: str, status: int) -> None:
    good, _ = await story.deploy(), await story.deploy()

    ended, shown = await at_a_terminal(story, said, "--reason", "the till is stuck")

    assert f"back to execution {good['id']}" in shown
    assert "Go back to it? [y/N]" in shown
    assert ended == status
    assert [one["previous_execution_id"] for one in await story.rollbacks()] == ([good["id"]] if said == "y" else [])
    assert ("penstock: nothing was done" in shown) == (said != "y")


async def test_at_a_terminal_yes_and_json_ask_nothing(story: Story) -> None:
    _, _ = await story.deploy(), await story.deploy()

    ended, shown = await at_a_terminal(story, "", "--reason", "the till is stuck", "--yes", "--json")

    assert (ended, json.loads(shown)["trigger_type"]) == (0, "rollback")


async def test_without_a_candidate_it_says_so_and_asks_nothing(story: Story) -> None:
    await story.deploy()

    ended, shown = await at_a_terminal(story, "y", "--reason", "the till is stuck")
    piped = await roll_back(story, "--reason", "the till is stuck")

    why = "production cannot be rolled back: production has had one release only, and it is live"
    assert ended == 1
    assert why in shown
    assert "[y/N]" not in shown
    assert piped == (1, "", f"penstock: {why}\n")


async def test_while_something_newer_deploys_it_says_who(story: Story) -> None:
    _, _ = await story.deploy(), await story.deploy()
    story.both.shop.plays = None
    newer = await story.both.execution(await story.both.shop.start_run("main"), status="BUILDING")

    status, _, err = await roll_back(story, "--reason", "the till is stuck")

    assert (status, err) == (1, f"penstock: production is busy: execution {newer['id']} deploys to it\n")


async def at_a_terminal(story: Story, said: str, *words: str) -> tuple[int, str]:
    """(status, everything that was to be seen) of `penstock rollback` with somebody at its keyboard who says that."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "rollback", "acme/till", "--env", "production", *words),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ_of(story),
    )
    os.close(theirs)
    os.write(ours, f"{said}\n".encode())
    seen = await asyncio.to_thread(_read, ours)
    return await process.wait(), seen.replace("\r\n", "\n").removeprefix(f"{said}\n")


def _read(terminal: int) -> str:
    """Until nobody has it open any more, which Linux tells as an error."""
    seen = b""
    with suppress(OSError):
        while part := os.read(terminal, 65536):
            seen += part
    os.close(terminal)
    return re.sub(r"\x1b\[[\d;]*m", "", seen.decode())
