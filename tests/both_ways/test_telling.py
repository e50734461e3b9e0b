"""`why`, `doctor` and the API from a terminal, beside and against the running service."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.simulator import Create, Plan, Run, Simulator, Update, uneventful
from service.workers import reconciling
from tests.both_ways.conftest import QUICK, TOKEN, Both, both_running

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def penstock(both: Both, *words: str, seconds: float = 60, **more: str) -> Ended:
    """The command as a person has it: a process of its own, beside the service."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    settings = both.penstock.house.settings
    environ = {
        **kept,
        **QUICK,
        "PYTHONPATH": str(ROOT),
        "PENSTOCK_DATA_DIR": str(settings.data_dir),
        "PENSTOCK_BITBUCKET_API_URL": both.bitbucket.url,
        "PENSTOCK_PUBLIC_URL": settings.public_url,
        "PENSTOCK_URL": both.penstock.url,
        "PENSTOCK_TOKEN": both.penstock.token,
        **more,
    }
    command = [sys.executable, "-m", "service", *words]
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environ, cwd=settings.data_dir
    )
    try:
        out, err = await asyncio.wait_for(running.communicate(), seconds)
    except TimeoutError:
        running.kill()
        raise
    assert running.returncode is not None
    return Ended(running.returncode, out.decode(), err.decode())


async def why(both: Both, *words: str) -> str:
    ended = await penstock(both, "why", *(words or ("acme/till",)))
    assert ended.status == 0, ended.err
    return ended.out


# -- why ---------------------------------------------------------------------------------------------------------------


async def test_why_of_a_repository_that_is_not_connected(both: Both) -> None:
    assert await why(both, "acme/moon") == (
        "acme/moon is not connected: nothing that happens there reaches Penstock. Connect it first.\n"
    )


async def test_why_before_anything_was_pushed(both: Both) -> None:
    assert "No webhook has ever told of a push to acme/till" in await why(both)
    assert "No webhook has ever told of a push to main" in await why(both, "acme/till", "main")


async def test_why_without_a_credential_asks_about_the_webhook(both: Both) -> None:
    assert "Is the webhook's URL in Bitbucket" in await why(both, "acme/shop")


async def test_why_after_a_run_that_failed(both: Both) -> None:
    commit = await both.shop.push("main", {"a.txt": "1"})
    run = await both.shop.start_run("main", commit=commit)
    await run.advance_to("Test")
    await run.finish("FAILED")
    execution = await both.execution(run, status="FAILED", confirmed=True)

    told = await why(both, "acme/till", "main")

    assert "The last push to main that reached Penstock came at " in told
    assert "Verdict: opened, because production deploys main." in told
    assert f"Execution {execution['id']} on production (run #1, attempt 1) is FAILED." in told
    assert "It failed: the run failed at the step 'Test'." in told


async def test_why_while_a_run_waits_for_somebody(both: Both) -> None:
    commit = await both.shop.push("main", {"a.txt": "1"})
    run = await both.shop.start_run("main", commit=commit)
    await run.pause()
    await both.execution(run, waiting_on="another deployment, or a manual step")

    assert "It waits: another deployment, or a manual step." in await why(both)


async def test_why_of_a_branch_that_nobody_deploys(both: Both) -> None:
    await both.shop.push("wild-idea", {"a.txt": "1"})
    await both.penstock.settled()

    assert "Verdict: ignored, because no environment deploys wild-idea." in await why(both, "acme/till", "wild-idea")


async def test_why_of_a_push_that_asked_to_be_skipped(both: Both) -> None:
    await both.shop.push("main", {"a.txt": "1"}, message="Tidy up [skip ci]")
    await both.penstock.settled()

    assert "[skip ci]" in await why(both, "acme/till", "main")


async def test_why_of_a_push_of_too_many_refs(both: Both) -> None:
    await both.shop.push_refs(Update("main", {"a.txt": "1"}), *(Create(f"hotfix/{number}") for number in range(5)))
    await both.penstock.settled()

    assert "Bitbucket starts no pipelines for a push of 6 refs" in await why(both, "acme/till", "main")


@pytest.mark.parametrize(
    ("spoil", "because"),
    [
        (lambda shop: setattr(shop, "pipelines_enabled", False), "Pipelines is switched off"),
        (lambda shop: None, "the commit has no bitbucket-pipelines.yml"),
    ],
    ids=["Pipelines is off", "no file"],
)
async def test_why_of_a_push_that_bitbucket_does_not_run(
    both: Both, spoil: Callable[[Any], Any], because: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "UNREMARKABLE", 0.0)
    spoil(both.shop)
    await both.shop.push("main", {"a.txt": "1", "bitbucket-pipelines.yml": None})
    await both.until(lambda: _waits(both))

    assert f"It waits: {because}" in await why(both)


async def test_why_of_a_run_whose_push_no_webhook_has_told_of(both: Both) -> None:
    both.bitbucket.delivery_faults.lose(1.0, seed=1)
    commit = await both.shop.push("main", {"a.txt": "1"})
    run = await both.shop.start_run("main", commit=commit)
    execution = await both.execution(run)

    told = await why(both, "acme/till", "main")

    assert "No webhook has told of a push to main" in told
    assert f"Execution {execution['id']} on production (run #1, attempt 1) is " in told


async def test_why_of_a_status_that_bitbucket_does_not_confirm(both: Both) -> None:
    commit = await both.shop.push("main", {"a.txt": "1"})
    run = await both.shop.start_run("main", commit=commit)
    await both.execution(run, confirmed=True)
    await both.shop.set_status(commit, "forged", "SUCCESSFUL", name="Pipeline", url=run.url, refname="main")
    await both.execution(run, reported_status="SUCCESS")

    assert "A webhook says SUCCESS; Bitbucket has not confirmed it." in await why(both)


async def test_why_as_json(both: Both) -> None:
    ended = await penstock(both, "why", "acme/moon", "main", "--json")

    assert ended.json["ref"] == "main"
    assert ended.json["because"][0].startswith("acme/moon is not connected")


# -- doctor ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def reachable(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Both]:
    """With a public address, and every repository connected with a credential."""
    async with both_running(bitbucket, tmp_path, PENSTOCK_PUBLIC_URL="https://penstock.example.com") as running:
        answer = await running.penstock.client.delete(f"/api/repositories/{running.penstock.hook.id}")
        assert answer.status_code == 204
        yield running


async def findings(both: Both) -> tuple[int, dict[str, tuple[bool | None, str]]]:
    ended = await penstock(both, "doctor", "--json")
    assert ended.err == ""
    return ended.status, {one["about"]: (one["well"], one["said"]) for one in ended.json}


async def test_the_doctor_finds_nothing_when_all_is_well(reachable: Both) -> None:
    await reachable.until(lambda: _learnt(reachable))

    status, found = await findings(reachable)

    assert {about for about, (well, _) in found.items() if well is False} == set()
    assert status == 0
    assert {"database", "inbox", "dead letters", "public URL", "clock", "webhook of acme/till"} <= set(found)
    ended = await penstock(reachable, "doctor")
    assert ended.status == 0
    assert {line.split()[0] for line in ended.out.splitlines()} <= {"ok", "note"}


async def test_the_doctor_names_a_webhook_that_is_not_as_it_should_be_and_has_it_mended(reachable: Both) -> None:
    await reachable.until(lambda: _learnt(reachable))
    hook = reachable.shop.hooks[0]
    hook.active, hook.events = False, ("repo:push",)

    status, found = await findings(reachable)

    well, said = found["webhook of acme/till"]
    assert (status, well) == (1, False)
    assert "inactive, without pipeline:span_created, repo:commit_status_created" in said
    await reachable.until(lambda: _is_active(reachable))
    assert (await findings(reachable))[0] == 0


async def test_the_doctor_names_a_webhook_that_is_gone(reachable: Both) -> None:
    await reachable.until(lambda: _learnt(reachable))
    reachable.shop.hooks.clear()

    status, found = await findings(reachable)

    assert status == 1
    assert "missing" in found["webhook of acme/till"][1]


async def test_the_doctor_names_a_scope_that_is_missing(reachable: Both) -> None:
    reachable.bitbucket.credentials.add_token(TOKEN, frozenset({"repository", "webhook"}))

    status, found = await findings(reachable)

    [(well, said)] = [told for about, told in found.items() if about.startswith("credential")]
    assert (status, well) == (1, False)
    assert "pipeline" in said


async def test_the_doctor_names_a_credential_that_was_revoked(reachable: Both) -> None:
    reachable.bitbucket.credentials.add_token("quite another token")

    status, found = await findings(reachable)

    assert status == 1
    assert [well for about, (well, _) in found.items() if about.startswith("credential")] == [False]
    assert TOKEN not in str(found)


async def test_the_doctor_says_that_nobody_outside_reaches_a_loopback_address(both: Both) -> None:
    ended = await penstock(both, "doctor", "--json", PENSTOCK_PUBLIC_URL=both.penstock.url)

    found = {one["about"]: one for one in ended.json}
    assert ended.status == 1
    assert found["public URL"]["said"] == f"{both.penstock.url} cannot be reached from Bitbucket"
    assert found["webhook of acme/shop"]["well"] is False


@pytest.mark.parametrize(("ahead", "well"), [(0, True), (3600, False), (-3600, False)])
async def test_the_doctor_compares_our_clock_with_bitbuckets(reachable: Both, ahead: float, well: bool) -> None:
    reachable.bitbucket.clock.advance(ahead)

    _, found = await findings(reachable)

    assert found["clock"][0] is well
    assert found["clock"][1].endswith(" s beside Bitbucket's")


async def test_the_doctor_says_when_bitbucket_cannot_be_asked(reachable: Both) -> None:
    ended = await penstock(reachable, "doctor", "--json", PENSTOCK_BITBUCKET_API_URL="http://127.0.0.1:9/2.0")

    assert ended.status == 1
    assert "cannot be asked" in {one["about"]: one["said"] for one in ended.json}["Bitbucket"]


# -- the API from a terminal -------------------------------------------------------------------------------------------


async def test_status_lists_every_pipeline(both: Both) -> None:
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING")

    ended = await penstock(both, "status", "--json")

    assert {one["repository"]: one["status"] for one in ended.json} == {"acme/shop": "PLANNED", "acme/till": "BUILDING"}
    assert "acme/till" in (await penstock(both, "status")).out


@pytest.mark.parametrize(("fails_at", "status", "says"), [(None, 0, "SUCCESS"), ("Test", 1, "FAILED")])
async def test_trigger_waits_and_exits_by_the_outcome(both: Both, fails_at: str | None, status: int, says: str) -> None:
    def play(run: Run) -> Plan:
        return uneventful(run, seconds=0.1, fails_at=fails_at)

    both.shop.plays = play
    ended = await penstock(both, "trigger", "acme/till", "--branch", "main", "--wait")

    assert ended.status == status
    assert f"is {says}" in ended.out
    assert len(both.shop.runs) == 1


async def test_trigger_without_waiting_says_what_was_planned(both: Both) -> None:
    ended = await penstock(both, "trigger", "acme/till", "--branch", "main", "--json")

    assert (ended.status, ended.json["status"]) == (0, "PLANNED")


async def test_trigger_of_what_is_not_there_is_one_line(both: Both) -> None:
    ended = await penstock(both, "trigger", "acme/moon", "--branch", "main")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        "penstock: acme/moon has no active pipeline that you may see; `penstock status` shows those there are\n"
    )


async def test_logs_are_told_whole_followed_and_searched(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.write("+ make\nbuilding…\n")
    execution = await both.execution(run)
    following = asyncio.create_task(penstock(both, "logs", str(execution["id"]), "-f"))
    await asyncio.sleep(0.5)
    await run.advance_to("Test")
    await run.write("one test ✓\nno end of line")
    await run.finish()

    followed = await following
    whole = await penstock(both, "logs", str(execution["id"]))
    some = await penstock(both, "logs", str(execution["id"]), "--grep", "^one|end")
    as_json = await penstock(both, "logs", str(execution["id"]), "-f", "--json")

    text = "+ make\nbuilding…\none test ✓\nno end of line"
    assert (followed.status, followed.out) == (0, text)
    assert whole.out == text
    assert some.out == "one test ✓\nno end of line"
    assert [json.loads(line) for line in as_json.out.splitlines()] == [
        {"step": "Build", "text": "+ make"},
        {"step": "Build", "text": "building…"},
        {"step": "Test", "text": "one test ✓"},
        {"step": "Test", "text": "no end of line"},
    ]


async def test_events_tell_the_log_from_its_begin(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.finish()
    await both.execution(run, status="SUCCESS", confirmed=True)

    told = [json.loads(line) for line in (await penstock(both, "events", "--json")).out.splitlines()]

    kinds = [one["event"] for one in told]
    assert kinds.count("execution.created") == 1
    assert [one["to"] for one in told if one["event"] == "execution.transitioned"][-1] == "SUCCESS"


@pytest.mark.parametrize("words", [("status",), ("logs", "1"), ("events",), ("trigger", "a/b", "--branch", "main")])
async def test_without_a_token_or_a_service_it_is_one_line(both: Both, words: tuple[str, ...]) -> None:
    without = await penstock(both, *words, PENSTOCK_TOKEN="")
    wrong = await penstock(both, *words, PENSTOCK_TOKEN="penstock_nobody")
    away = await penstock(both, *words, PENSTOCK_URL="http://127.0.0.1:9")

    for ended in (without, wrong, away):
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.startswith("penstock: ")
        assert ended.err.count("\n") == 1


async def _waits(both: Both) -> bool:
    return any(one["waiting_on"] for one in await both.executions())


async def _learnt(both: Both) -> bool:
    return bool((await both.penstock.get(f"/api/repositories/{both.repository_id}"))["uuid"])


async def _is_active(both: Both) -> bool:
    return both.shop.hooks[0].active
