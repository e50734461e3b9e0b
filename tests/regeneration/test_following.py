"""What is pushed is looked into, what follows from it is brought, and nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from service import changes, why
from service.simulator import Simulator
from service.workers import reconciling, surveying
from tests.regeneration.conftest import FILE, Stage, open_requests, staged, text_of
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express") | {".nvmrc": b"18\n"}


async def test_the_first_revision_is_proposed_and_arrives_when_it_is_merged(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    [one] = open_requests(shop)
    first = await stage.newest(number)
    assert (first["delivered"], first["pull_request_url"]) == ("waiting", f"{shop.html}/pull-requests/{one.id}")
    assert shop.head("penstock/config").files[FILE].decode() == first["files"][FILE]

    await stage.merge(shop)

    assert text_of(shop) == first["files"][FILE]
    assert (await stage.newest(number))["delivered"] == "delivered"
    assert len(await stage.revisions(number)) == 1


async def test_another_runtime_version_is_proposed_with_the_reason(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "22\n"})

    second = await stage.newest(number)
    commit = shop.head().hash[:12]
    assert second["changes"] == [f"Node 18 → 22, because `.nvmrc` changed in {commit}"]
    [one] = open_requests(shop)
    assert f"- Node 18 → 22, because `.nvmrc` changed in {commit}" in one.description
    assert "node:22-bookworm" in text_of(shop, ref="penstock/config")
    assert await stage.verdicts() == [("regenerating", ".nvmrc changed: revision 2 follows")]


async def test_a_push_that_touches_nothing_of_interest_costs_one_call(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    before = len(stage.bitbucket.requests)

    await stage.push(shop, {"lib/prices.js": "module.exports = 12;\n", "README.md": "# Shop\n"})

    asked = [one.path for one in list(stage.bitbucket.requests)[before:] if "/pipelines" not in one.path]
    assert len(asked) == 1, asked
    assert "/diffstat/" in asked[0]
    assert await stage.verdicts() == [
        ("unchanged", "2 files changed, none that the kind of project or its configuration is read from")
    ]
    assert len(await stage.revisions(number)) == 1


async def test_many_pushes_at_once_are_one_look(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    before = len(stage.bitbucket.requests)

    for turn in range(12):
        await shop.push("main", {"lib/prices.js": f"module.exports = {turn};\n"})
    await stage.quiet()

    looks = [one.path for one in list(stage.bitbucket.requests)[before:] if "/diffstat/" in one.path]
    assert 1 <= len(looks) <= 6
    assert {word for word, _ in await stage.verdicts()} == {"unchanged"}
    assert len(await stage.revisions(number)) == 1


async def test_a_force_push_is_looked_at_whole(stage: Stage) -> None:
    shop, _ = await stage.generate("shop", NODE)
    await stage.merge(shop)
    before = len(stage.bitbucket.requests)

    await shop.force_push("main")
    await stage.quiet()

    paths = [one.path for one in list(stage.bitbucket.requests)[before:]]
    assert not any("/diffstat/" in path for path in paths)
    assert any(path.endswith("/package.json") for path in paths)
    [(word, reason)] = await stage.verdicts()
    assert (word, "cannot be told file by file" in reason) == ("unchanged", True)


async def test_a_branch_that_is_forced_back_has_the_files_of_back_then(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")
    then, first = shop.head(), text_of(shop)
    await stage.push(shop, {".nvmrc": "22\n"})
    assert text_of(shop) != first

    await shop.force_push("main", then)
    await stage.quiet()

    newest = await stage.newest(number)
    assert (newest["revision"], newest["delivered"], newest["files"][FILE]) == (3, "delivered", first)
    assert shop.head() == then


async def test_where_bitbucket_does_not_tell_what_changed_everything_may_have(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    stage.bitbucket.route_faults.answer("GET", "/diffstat/", 404, times=None)

    await stage.push(shop, {".nvmrc": "20\n"})

    assert "node:20-bookworm" in (await stage.newest(number))["files"][FILE]


async def test_only_the_branch_that_is_deployed_is_looked_into(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)

    await shop.push("wild-idea", {".nvmrc": "20\n"})
    await stage.quiet()

    assert await stage.verdicts("wild-idea") == []
    assert len(await stage.revisions(number)) == 1


async def test_pushes_that_come_the_wrong_way_round_are_looked_into_up_to_the_newest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    monkeypatch.setattr(changes, "SETTLING", 1.0)  # so that both are one look
    stage.bitbucket.delivery_faults.hold_back()

    await shop.push("main", {"README.md": "# Shop\n"})
    await shop.push("main", {"lib/prices.js": "module.exports = 12;\n"})
    await shop.push("main", {".nvmrc": "22\n"})
    await stage.bitbucket.release(newest_first=True)
    await stage.quiet()

    assert await stage.verdicts() == [("regenerating", ".nvmrc changed: revision 2 follows")]
    assert "node:22-bookworm" in (await stage.newest(number))["files"][FILE]


STAGING = {"name": "staging", "kind": "staging", "branch_pattern": "{develop,release/*}"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({".nvmrc": "20\n"}, ".nvmrc changed on develop; the configuration follows main, and what is merged there"),
        (
            {"lib/prices.js": "module.exports = 12;\n"},
            "1 file changed on develop, none that the kind of project or its configuration is read from",
        ),
        (
            {FILE: "# ours\n"},
            f"what Penstock wrote was edited on develop ({FILE}); the configuration follows main, and what is merged"
            " there, edits with it",
        ),
    ],
)
async def test_a_push_to_another_branch_that_is_deployed_is_told_what_it_means(
    stage: Stage, files: dict[str, str], reason: str
) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    made = await stage.penstock.client.post(f"/api/pipelines/{number}/environments", json=STAGING)
    assert made.status_code == 201, made.text
    await stage.quiet()
    written = len(await stage.revisions(number))
    await shop.push("develop", {"README.md": "# Shop\n"})
    await stage.quiet()
    before = len(stage.bitbucket.requests)

    await shop.push("develop", files)
    await stage.quiet()

    asked = [one.path for one in list(stage.bitbucket.requests)[before:]]
    assert len([path for path in asked if "/diffstat/" in path or "/src/" in path]) == 1, asked
    assert await stage.verdicts("develop") == [("unchanged", reason)]
    assert len(await stage.revisions(number)) == written
    told = await why.told(stage.penstock.house.database, "team", "shop", "develop")
    assert f"Its configuration: unchanged, because {reason}." in told


async def test_pushes_to_another_branch_that_come_the_wrong_way_round_are_told_from_the_first_to_the_last(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.penstock.client.post(f"/api/pipelines/{number}/environments", json=STAGING)
    await shop.push("develop", {"README.md": "# Shop\n"})
    await stage.quiet()
    monkeypatch.setattr(changes, "SETTLING", 1.0)  # so that both are one look
    stage.bitbucket.delivery_faults.hold_back()

    await shop.push("develop", {".nvmrc": "20\n"})
    await shop.push("develop", {"lib/prices.js": "module.exports = 12;\n"})
    await stage.bitbucket.release(newest_first=True)
    await stage.quiet()

    [(word, reason)] = await stage.verdicts("develop")
    assert (word, ".nvmrc changed on develop" in reason) == ("unchanged", True)


async def test_a_new_branch_that_is_deployed_costs_no_call(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.penstock.client.post(f"/api/pipelines/{number}/environments", json=STAGING)
    await stage.quiet()
    before = len(stage.bitbucket.requests)

    await shop.push("release/7", {".nvmrc": "20\n"})
    await stage.quiet()

    assert not [one.path for one in list(stage.bitbucket.requests)[before:] if "/diffstat/" in one.path]
    [(word, reason)] = await stage.verdicts("release/7")
    assert (word, "cannot be told file by file" in reason) == ("unchanged", True)


async def test_two_pushes_before_anybody_merges_are_one_pull_request_brought_up_to_date(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)

    await stage.push(shop, {".nvmrc": "20\n"})
    await stage.push(shop, {".nvmrc": "22\n"})

    [one] = open_requests(shop)
    assert len(shop.pull_requests) == 2
    assert "revision 3" in one.title
    assert "node:22-bookworm" in text_of(shop, ref="penstock/config")
    assert [revision["delivered"] for revision in await stage.revisions(number)] == [
        "delivered",
        "superseded",
        "waiting",
    ]


async def test_what_is_taken_back_before_it_is_merged_closes_the_pull_request(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)

    await stage.push(shop, {".nvmrc": "20\n"})
    await stage.push(shop, {".nvmrc": "18\n"})

    assert open_requests(shop) == []
    assert shop.pull_requests[-1].state == "DECLINED"
    assert "penstock/config" not in shop.refs.branches
    assert (await stage.newest(number))["delivered"] == "delivered"


async def test_a_declined_pull_request_is_not_opened_again_until_something_changes(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "20\n"})

    await shop.decline(open_requests(shop)[0])
    await stage.push(shop, {"package.json": NODE["package.json"] + b"\n"})

    assert open_requests(shop) == []
    assert (await stage.newest(number))["delivered"] == "declined"

    await stage.push(shop, {".nvmrc": "22\n"})

    assert ["node:22-bookworm" in text_of(shop, ref="penstock/config"), len(open_requests(shop))] == [True, 1]


async def test_a_commit_goes_straight_onto_the_branch_and_starts_nothing_here(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")

    first = await stage.newest(number)
    assert text_of(shop) == first["files"][FILE]
    assert (first["delivered"], shop.pull_requests) == ("delivered", [])
    assert "[skip ci]" not in shop.head().message

    await stage.push(shop, {".nvmrc": "22\n"})

    assert "node:22-bookworm" in text_of(shop)
    assert await stage.verdicts() == [("unchanged", "the commit is Penstock's own: it brings revision 2")]
    assert len(await stage.revisions(number)) == 2


async def test_no_run_is_asked_for_only_where_the_pipeline_says_so(stage: Stage) -> None:
    shop, _ = await stage.generate("shop", NODE, config_delivery="commit", config_skip_ci=True)

    assert "[skip ci]" in shop.head().message


async def test_by_hand_nothing_is_brought_and_what_a_person_brings_is_seen(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="manual")
    first = await stage.newest(number)
    assert (first["delivered"], shop.pull_requests, FILE in shop.head().files) == ("none", [], False)

    await stage.push(shop, first["files"])

    assert (await stage.newest(number))["delivered"] == "delivered"


async def test_a_setting_that_changes_the_files_is_brought_by_the_same_policy(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)

    answer = await stage.penstock.client.put(f"/api/pipelines/{number}", json={"subdomain": "new", "port": 8081})
    assert answer.status_code == 200, answer.text
    await stage.quiet()
    await stage.merge(shop)

    second = await stage.newest(number)
    assert second["delivered"] == "delivered"
    assert text_of(shop, "nginx/new.shop.example.com.conf") == second["files"]["nginx/new.shop.example.com.conf"]
    assert "nginx/shop.example.com.conf" not in shop.head().files
    assert "new.shop.example.com" in text_of(shop, "certbot.sh")
    assert second["changes"] == [
        "domain: shop.example.com → new.shop.example.com, because as asked",
        "deploy path: /srv/shop-example-com → /srv/new-shop-example-com,"
        " because releases/, current and shared/ live there",
        "port of production: 3000 → 8081, as set",
    ]


async def test_a_push_whose_webhook_was_lost_is_found_and_looked_into_all_the_same(
    bitbucket: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (surveying, reconciling):  # the webhook is not waited for
        monkeypatch.setattr(module, "ARRIVING", 0.2)
    async with staged(bitbucket, tmp_path, PENSTOCK_RECONCILE_SECONDS="0.4") as stage:
        shop, number = await stage.generate("shop", NODE)
        await stage.merge(shop)
        before = await stage.verdicts()
        bitbucket.delivery_faults.lose(1.0, seed=1)
        commit = await shop.push(None, {".nvmrc": "22\n"})

        async def found() -> bool:
            return len(await stage.revisions(number)) == 2

        await stage.until(found)
        await stage.until(lambda: open_requests(shop))

        second = await stage.newest(number)
        assert second["changes"] == [f"Node 18 → 22, because `.nvmrc` changed in {commit.hash[:12]}"]
        assert "node:22-bookworm" in text_of(shop, ref="penstock/config")
        assert await stage.verdicts() == before  # no delivery tells of it
