"""The branch that is proposed from can always be merged, and what people do to it stays."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from service.proposals import BRANCH
from service.simulator.settings import PullRequest
from service.store.tables import work
from service.why import told
from tests.regeneration.conftest import FILE, Stage, open_requests, text_of
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express") | {".nvmrc": b"18\n"}


async def test_an_edit_right_beside_what_is_proposed_makes_the_branch_anew(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "20\n"})
    beside = text_of(shop).replace("image: node:18-bookworm\n", "image: node:18-bookworm\n# as the others do\n", 1)

    await stage.push(shop, {FILE: beside})
    await stage.merge(shop)

    assert text_of(shop).startswith("# Written by Penstock")
    assert "image: node:20-bookworm\n# as the others do\n" in text_of(shop)
    assert (await stage.newest(number))["delivered"] == "delivered"


async def test_an_edit_far_away_leaves_the_branch_and_its_pull_request_as_they_are(stage: Stage) -> None:
    shop, _ = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "20\n"})
    [before] = open_requests(shop)

    await stage.push(shop, {FILE: text_of(shop) + "    mine:\n      - step: {script: [make]}\n"})

    assert open_requests(shop) == [before]
    await stage.merge(shop)
    assert text_of(shop).endswith("    mine:\n      - step: {script: [make]}\n")
    assert "node:20-bookworm" in text_of(shop)


async def test_what_a_person_commits_to_the_branch_stays_when_it_is_brought_up_to_date(stage: Stage) -> None:
    shop, _ = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "20\n"})
    better = text_of(shop, ref="penstock/config").replace("max-time: 20\n", "max-time: 30  # reviewed\n", 1)
    await shop.push("penstock/config", {FILE: better})

    await stage.push(shop, {".nvmrc": "22\n"})

    assert len(open_requests(shop)) == 1
    proposed = text_of(shop, ref="penstock/config")
    assert "max-time: 30  # reviewed\n" in proposed
    assert "node:22-bookworm" in proposed
    await stage.merge(shop)
    assert text_of(shop) == proposed


async def test_a_conflict_is_told_in_the_pull_request_and_on_the_page(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    mine = "image: registry.example.com/`node`:18"
    await stage.push(shop, {FILE: text_of(shop).replace("image: node:18-bookworm", mine, 1)})

    await stage.push(shop, {".nvmrc": "20\n"})

    [one] = (await stage.newest(number))["conflicts"]
    assert (one["path"], one["where"], one["yours"], one["ours"]) == (FILE, "image", mine, "image: node:20-bookworm")
    description = open_requests(shop)[0].description
    page = await stage.penstock.client.get(f"/pipelines/{number}")
    assert mine in description
    assert "changed on both sides: yours stays" in description
    assert mine in page.text
    assert "image: node:20-bookworm" in page.text
    assert text_of(shop, ref="penstock/config").count(mine) == 1


async def test_a_branch_that_moves_while_a_commit_is_made_is_read_again(stage: Stage) -> None:
    shop, _ = await stage.generate("shop", NODE, config_delivery="commit")
    stage.bitbucket.route_faults.answer("POST", "/src", 409, times=1)

    await stage.push(shop, {".nvmrc": "20\n"})

    assert "node:20-bookworm" in text_of(shop)


async def test_a_credential_that_may_not_write_says_so_until_it_may(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    stage.bitbucket.route_faults.answer("POST", "/refs/branches", 403, times=1)

    await shop.push("main", {".nvmrc": "20\n"})

    async def told_so() -> bool:
        return (await stage.newest(number))["problem"] is not None

    await stage.until(told_so)
    assert "may not" in (await stage.newest(number))["problem"]
    async with stage.penstock.house.recorder.record() as record:  # somebody has mended it, and time has passed
        await record.connection.execute(update(work).where(work.c.kind == "deliver").values(due_at=record.now))
    await stage.until(lambda: bool(open_requests(shop)))
    await stage.quiet()
    assert (await stage.newest(number))["problem"] is None


async def test_what_nothing_can_be_generated_for_changes_nothing(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")
    before = text_of(shop)

    await stage.push(shop, {**dict.fromkeys(NODE), "notes.txt": "Sell the shop\n"})

    assert text_of(shop) == before
    assert (await stage.penstock.get(f"/api/pipelines/{number}"))["project_type"] == "express"
    [(word, reason)] = await stage.verdicts()
    assert (word, "stay as they are" in reason) == ("unchanged", True)


async def test_why_says_what_a_push_has_meant_for_the_configuration(stage: Stage) -> None:
    shop, _ = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "20\n"})

    lines = await told(stage.penstock.house.database, "team", "shop", "main")

    assert "Its configuration: regenerating, because .nvmrc changed: revision 2 follows." in lines


async def test_a_push_that_no_webhook_tells_of_is_found_when_drift_is_looked_for(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")
    stage.bitbucket.delivery_faults.drop(times=2)
    await shop.push("main", {".nvmrc": "20\n"})

    await stage.penstock.client.post(f"/api/pipelines/{number}/look-for-drift")
    await stage.quiet()

    assert "node:20-bookworm" in text_of(shop)


async def test_a_pull_request_of_a_fork_is_not_taken_for_ours_whatever_its_branch_is_called(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    now = stage.bitbucket.clock.now()
    theirs = PullRequest(2, "Trust me", "", BRANCH, "main", now, now, fork="{6f0c1a9e-0000-4000-8000-000000000000}")
    shop.pull_requests.append(theirs)

    await stage.push(shop, {".nvmrc": "20\n"})

    assert (theirs.title, theirs.state) == ("Trust me", "OPEN")
    assert [one.id for one in open_requests(shop)] == [2, 3]
    assert (await stage.newest(number))["pull_request_url"].endswith("/pull-requests/3")


async def test_commits_of_others_on_a_branch_of_that_name_are_not_taken_away(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")
    await stage.penstock.client.put(f"/api/pipelines/{number}", json={"config_delivery": "pull_request"})
    theirs = await shop.push("penstock/config", {"theirs.txt": "mine\n"})

    await stage.push(shop, {".nvmrc": "20\n"})

    newest = await stage.newest(number)
    assert (shop.head("penstock/config"), newest["delivered"]) == (theirs, "failed")
    assert "holds commits of others" in newest["problem"]

    await shop.delete_branch("penstock/config")
    await stage.penstock.client.post(f"/api/pipelines/{number}/regenerate")
    await stage.quiet()

    assert ((await stage.newest(number))["problem"], len(open_requests(shop))) == (None, 1)


async def test_what_others_have_committed_to_the_branch_outlives_its_pull_request(stage: Stage) -> None:
    shop, _ = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "20\n"})
    theirs = await shop.push("penstock/config", {"theirs.txt": "mine\n"})

    await stage.push(shop, {".nvmrc": "18\n"})

    assert open_requests(shop) == []
    assert shop.head("penstock/config") == theirs


async def test_a_revision_that_is_overtaken_while_it_is_brought_stays_overtaken(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    stage.bitbucket.route_faults.delay("GET", "/pullrequests", 0.4, times=2)

    await shop.push("main", {".nvmrc": "20\n"})
    await stage.until(lambda: _made(stage, number, 2))
    await shop.push("main", {".nvmrc": "22\n"})
    await stage.quiet()

    assert [one["delivered"] for one in await stage.revisions(number)] == ["delivered", "superseded", "waiting"]
    assert len(open_requests(shop)) == 1
    assert "node:22-bookworm" in text_of(shop, ref="penstock/config")


async def _made(stage: Stage, number: int, revision: int) -> bool:
    return bool((await stage.newest(number))["revision"] >= revision)
