"""`penstock rollback`, as a process of its own beside the service."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.rollback.conftest import Story

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


async def penstock(story: Story, *words: str) -> tuple[int, str, str]:
    """(status, standard output, standard error) of `penstock rollback`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    told = {"PENSTOCK_URL": story.both.penstock.url, "PENSTOCK_TOKEN": story.both.penstock.token}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "rollback", "acme/till", "--env", "production", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, **told, "PYTHONPATH": str(ROOT)},
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err, err
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_dry_run_shows_the_plan(story: Story) -> None:
    good, bad = await story.deploy(), await story.deploy()

    status, out, _ = await penstock(story, "--dry-run")

    assert status == 0
    table, _, plan = out.partition("\n\n")
    assert [line.split()[0] for line in table.splitlines()] == ["EXECUTION", str(bad["id"]), str(good["id"])]
    assert table.splitlines()[1].endswith("it is live already")
    assert plan.splitlines() == [
        f"production goes from execution {bad['id']} back to execution {good['id']}: it is built again",
        f"  undone   {bad['bitbucket_commit_hash'][:12]}  Change something",
    ]
    assert await story.rollbacks() == []
    assert json.loads((await penstock(story, "--dry-run", "--json"))[1])["target_execution_id"] == good["id"]


async def test_it_goes_back_and_waits_for_the_end(story: Story) -> None:
    good, _ = await story.deploy(), await story.deploy()

    status, out, _ = await penstock(story, "--reason", "the till is stuck", "--wait")

    [made] = await story.rollbacks()
    assert (status, out) == (0, f"execution {made['id']}, back to {good['id']}, is SUCCESS\n")


async def test_a_rollback_that_fails_ends_with_1(story: Story) -> None:
    _, _ = await story.deploy(), await story.deploy()
    story.breaks = "Roll back production"

    status, out, _ = await penstock(story, "--reason", "the till is stuck", "--wait", "--json")

    assert (status, json.loads(out)["status"]) == (1, "FAILED")


async def test_what_cannot_be_done_is_one_line(story: Story) -> None:
    only = await story.deploy()

    status, out, err = await penstock(story)
    assert (status, out) == (2, "")
    assert err.endswith("penstock rollback: error: a rollback needs a reason: --reason TEXT\n")
    status, _, err = await penstock(story, "--reason", "it is slow", "--to", str(only["id"]))
    assert (status, err) == (1, "penstock: production cannot be rolled back: it is live already\n")
