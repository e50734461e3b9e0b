"""Runs: listed, started, stopped, their steps and logs read."""

from __future__ import annotations

import pytest

from service.client import AlreadyEnded, Assignment, Client, LogPart, LogStatus, NotFound, Refused
from service.simulator import Repository, Simulator
from tests.client.conftest import SHOP

pytestmark = pytest.mark.anyio

OTHER_FILE = "pipelines: {custom: {rollback: [{step: {name: Relink, script: [relink]}}]}}"


async def test_runs_come_newest_first_and_no_more_than_asked_for(client: Client, shop: Repository) -> None:
    for _ in range(120):
        shop.queue_run()

    assert [run.build_number for run in await client.runs(SHOP, limit=110)] == list(range(120, 10, -1))


async def test_runs_of_a_commit_are_only_its_runs_even_where_the_filter_is_ignored(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    first = shop.queue_run()
    await shop.push("main", {"src/app.js": "stop()\n"})
    shop.queue_run()

    assert [run.build_number for run in await client.runs(SHOP, commit=first.target.commit.hash)] == [1]


async def test_a_run_is_found_by_uuid_and_by_build_number(client: Client, shop: Repository) -> None:
    queued = shop.queue_run()

    assert await client.run(SHOP, queued.uuid) == await client.run(SHOP, 1) == (await client.runs(SHOP))[0]


async def test_a_run_is_found_in_the_list_where_its_number_is_not_understood(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    for _ in range(3):
        shop.queue_run()
    bitbucket.route_faults.answer("GET", "/pipelines/2$", 404, times=None)

    assert (await client.run(SHOP, 2)).build_number == 2


async def test_a_run_that_is_not_there_is_not_found(client: Client, shop: Repository) -> None:
    shop.queue_run()

    with pytest.raises(NotFound, match="no run #7 of acme/shop"):
        await client.run(SHOP, 7)


async def test_a_run_carries_its_state_with_stage_and_result(client: Client, shop: Repository) -> None:
    run = await shop.start_run("main")
    await run.advance_to("Build")
    going = (await client.run(SHOP, run.uuid)).state
    await run.finish("FAILED")
    ended = await client.run(SHOP, run.uuid)

    assert (going.name, going.stage and going.stage.name, going.result) == ("IN_PROGRESS", "RUNNING", None)
    assert (ended.state.name, ended.state.result and ended.state.result.name) == ("COMPLETED", "FAILED")
    assert ended.completed_on
    assert ended.completed_on.tzinfo


async def test_steps_come_in_order_with_their_own_states(client: Client, shop: Repository) -> None:
    run = await shop.start_run("main")
    await run.advance_to("Deploy")

    assert [(step.name, step.state.name) for step in await client.steps(SHOP, run.uuid)] == [
        ("Build", "COMPLETED"),
        ("Deploy", "IN_PROGRESS"),
    ]


async def test_a_run_starts_on_a_branch(client: Client, shop: Repository) -> None:
    run = await client.start_run(SHOP, branch="main")

    assert (run.build_number, run.target.ref_name, run.trigger.name) == (1, "main", "MANUAL")


async def test_a_run_starts_at_a_commit_with_a_section_and_variables(client: Client, shop: Repository) -> None:
    head = shop.head().hash
    await client.start_run(SHOP, branch="main", commit=head, custom="rollback", variables=[Assignment("TO", "41")])
    started = shop.runs[-1]

    assert (started.target.commit.hash, started.target.pattern) == (head, "rollback")
    assert [(one.key, one.value) for one in started.variables] == [("TO", "41")]


async def test_a_run_starts_at_a_bare_commit(client: Client, shop: Repository) -> None:
    run = await client.start_run(SHOP, commit=shop.head().hash, custom="rollback")

    assert (run.target.ref_name, run.target.commit and run.target.commit.hash) == (None, shop.head().hash)


async def test_a_run_starts_from_yaml_of_ours_in_place_of_the_file(client: Client, shop: Repository) -> None:
    run = await client.start_run(
        SHOP,
        branch="main",
        commit=shop.head().hash,
        custom="rollback",
        variables=[Assignment("RELEASE", "41"), Assignment("KEY", "a&b=c", secured=True)],
        yaml=OTHER_FILE,
    )

    await shop.runs[-1].begin()

    assert [step.name for step in await client.steps(SHOP, run.uuid)] == ["Relink"]
    assert [(one.key, one.value, one.secured) for one in shop.runs[-1].variables] == [
        ("RELEASE", "41", False),
        ("KEY", "a&b=c", True),
    ]


async def test_a_run_without_a_place_to_start_from_is_not_asked_for(client: Client, shop: Repository) -> None:
    with pytest.raises(ValueError, match="a branch or a commit"):
        await client.start_run(SHOP, custom="rollback")


async def test_a_run_that_bitbucket_refuses_says_why(client: Client, shop: Repository) -> None:
    shop.pipelines_enabled = False

    with pytest.raises(Refused, match="Pipelines is not enabled"):
        await client.start_run(SHOP, branch="main")


async def test_a_run_is_stopped_once(client: Client, shop: Repository) -> None:
    run = await shop.start_run("main")
    await client.stop_run(SHOP, run.uuid)

    assert run.result == "STOPPED"
    with pytest.raises(AlreadyEnded, match="already completed"):
        await client.stop_run(SHOP, run.uuid)


async def test_a_log_is_read_part_by_part_until_nothing_follows(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    run = await shop.start_run("main")
    await run.advance_to("Build")
    step = run.step("Build")

    async def part(offset: int, limit: int = 100) -> LogPart:
        return await client.log(SHOP, run.uuid, step.uuid, offset=offset, limit=limit)

    none = await part(0)
    await run.write("+ make\nüber\n")
    size = len("+ make\nüber\n".encode())
    begin = await part(0, 8)
    rest = await part(8)
    nothing = await part(size)
    await run.finish("SUCCESSFUL")
    stored = await part(0)

    assert none == LogPart(b"", 0, LogStatus.NOT_YET)
    assert begin == LogPart("+ make\nü".encode()[:8], 0, LogStatus.MORE, size)
    assert rest == LogPart("+ make\nüber\n".encode()[8:], 8, LogStatus.MORE, size)
    assert nothing == LogPart(b"", size, LogStatus.NOTHING_NEW, size)
    assert (stored.data[:size], stored.stored, stored.complete) == ("+ make\nüber\n".encode(), True, True)
    assert [one.complete for one in (none, begin, rest, nothing)] == [False] * 4
    assert bitbucket.storage.authorizations == []


async def test_a_finished_log_is_read_in_parts_from_the_storage(client: Client, shop: Repository) -> None:
    run = await shop.start_run("main")
    await run.advance_to("Build")
    await run.write("0123456789")
    await run.finish("SUCCESSFUL")
    step = run.step("Build")
    whole = bytes(step.log)
    parts = [await client.log(SHOP, run.uuid, step.uuid, offset=at, limit=4) for at in range(0, len(whole), 4)]
    behind = await client.log(SHOP, run.uuid, step.uuid, offset=len(whole), limit=4)

    assert b"".join(part.data for part in parts) == whole
    assert [part.complete for part in parts] == [False] * (len(parts) - 1) + [True]
    assert (behind.status, behind.complete) == (LogStatus.NOTHING_NEW, True)


async def test_a_part_is_cut_from_the_whole_log_where_ranges_are_ignored(client: Client, shop: Repository) -> None:
    shop.logs_honour_range = False
    run = await shop.start_run("main")
    await run.advance_to("Build")
    await run.write("0123456789")
    step = run.step("Build")
    part = await client.log(SHOP, run.uuid, step.uuid, offset=3, limit=4)
    behind = await client.log(SHOP, run.uuid, step.uuid, offset=10, limit=4)
    far_behind = await client.log(SHOP, run.uuid, step.uuid, offset=11, limit=4)

    assert part == LogPart(b"3456", 3, LogStatus.MORE, 10)
    assert (behind.status, behind.shrunk, far_behind.shrunk) == (LogStatus.NOTHING_NEW, False, True)
