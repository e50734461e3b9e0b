"""Reality and what Penstock last left are compared, in four places; each change is told once, and ends when undone."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from service.simulator import Plan, PlannedStep, Repository
from service.store import log
from tests.regeneration.conftest import FILE, Stage
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express")


async def delivered(stage: Stage, **wanted: Any) -> tuple[Repository, int]:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit", **wanted)
    await look(stage, number)
    return shop, number


async def look(stage: Stage, number: int) -> None:
    answer = await stage.penstock.client.post(f"/api/pipelines/{number}/look-for-drift")
    assert answer.status_code == 202, answer.text
    await stage.quiet()


async def found(stage: Stage, **filters: Any) -> list[tuple[str, str, str]]:
    items = (await stage.penstock.get("/api/drift", **filters))["items"]
    return [(one["kind"], one["subject"], one["change"]) for one in items]


async def told(stage: Stage) -> list[tuple[str, str, str]]:
    """What was said of it as an event, in order."""
    async with stage.penstock.house.database.read() as connection:
        lines = [line for line in await log.read_after(connection, 0) if line.kind == "config.drifted"]
    payloads = [msgspec.json.decode(line.payload) for line in lines]
    return [(one["kind"], one["subject"], one["change"]) for one in payloads]


async def test_what_is_as_it_was_left_has_not_drifted(stage: Stage) -> None:
    _, number = await delivered(stage)

    assert (await found(stage, pipeline_id=number), await told(stage)) == ([], [])


async def test_a_generated_file_that_somebody_edits_is_found_at_once_and_told_once(stage: Stage) -> None:
    shop, number = await delivered(stage)
    generated = shop.head().files[FILE].decode()

    await stage.push(shop, {FILE: generated.replace("max-time: 20", "max-time: 45")})

    edited = ("file", FILE, "changed")
    [item] = (await stage.penstock.get("/api/drift"))["items"]
    assert (item["kind"], item["subject"], item["change"], item["pipeline_id"]) == (*edited, number)
    assert item["repository"] == "team/shop"
    assert "-  max-time: 20\n+  max-time: 45" in item["detail"]
    [(word, reason)] = await stage.verdicts()
    assert (word, FILE in reason) == ("unchanged", True)
    assert b"max-time: 45" in shop.head().files[FILE]

    await look(stage, number)
    await look(stage, number)
    assert await told(stage) == [edited]

    await stage.push(shop, {FILE: generated.replace("max-time: 20", "max-time: 60")})
    assert await told(stage) == [edited, edited]

    await stage.push(shop, {FILE: generated})
    assert (await found(stage), await told(stage)) == ([], [edited, edited])


async def test_an_edit_is_found_at_once_beside_another_change_and_after_a_forced_push(stage: Stage) -> None:
    shop, _ = await delivered(stage)
    generated = shop.head().files[FILE].decode()
    edited = ("file", FILE, "changed")

    await stage.push(
        shop, {FILE: generated.replace("max-time: 20", "max-time: 45"), "package.json": NODE["package.json"] + b"\n"}
    )
    assert (await found(stage), await told(stage)) == ([edited], [edited])

    elsewhere = await shop.push("wild-idea", {FILE: generated.replace("max-time: 20", "max-time: 60")})
    await shop.force_push("main", elsewhere)
    await stage.quiet()
    assert (await found(stage), await told(stage)) == ([edited], [edited, edited])


async def test_a_generated_file_that_somebody_removes_is_not_brought_back_but_found(stage: Stage) -> None:
    shop, _ = await delivered(stage)

    await stage.push(shop, {"certbot.sh": None})

    assert await found(stage, kind="file") == [("file", "certbot.sh", "missing")]
    assert "certbot.sh" not in shop.head().files


async def test_variables_at_bitbucket_are_compared_with_what_was_sent(stage: Stage) -> None:
    variables = [
        {"key": "MODE", "value": "shop"},
        {"key": "SIZE", "value": "12"},
        {"key": "TOKEN", "value": "a-secret-of-the-shop", "secured": True},
        {"key": "OTHER_TOKEN", "value": "another-secret-of-it", "secured": True},
    ]
    shop, number = await delivered(stage, environment_variables=variables)
    await stage.penstock.client.post(f"/api/pipelines/{number}/sync-env", json={})
    await look(stage, number)
    assert await found(stage, kind="variable") == []

    for one in list(shop.variables):
        if one.key == "MODE":
            one.value = "warehouse"
        elif one.key == "TOKEN":
            shop.variables.remove(one.uuid)
        elif one.key == "OTHER_TOKEN":
            one.secured = False
    shop.variables.add("THEIRS", "1")
    shop.variables.add("SSH_PRIVATE_KEY", "a key that people set by hand", secured=True)
    await look(stage, number)

    assert sorted(await found(stage, kind="variable")) == [
        ("variable", "MODE", "changed"),
        ("variable", "OTHER_TOKEN", "changed"),
        ("variable", "THEIRS", "unmanaged"),
        ("variable", "TOKEN", "missing"),
    ]
    text = str(await stage.penstock.get("/api/drift")) + str(await told(stage))
    assert not any(secret in text for secret in ("a-secret-of-the-shop", "another-secret-of-it", "warehouse"))


async def test_our_webhook_is_found_missing_and_made_anew(stage: Stage) -> None:
    shop, number = await delivered(stage)
    shop.hooks.clear()

    await look(stage, number)

    assert [(kind, change) for kind, _, change in await told(stage)] == [("webhook", "missing")]
    await stage.until(lambda: bool(shop.hooks))
    await look(stage, number)
    assert await found(stage) == []


HOST = "shop.example.com"
BY_HAND = hashlib.sha256(b"by hand").hexdigest()


async def test_nginx_is_compared_by_the_digest_that_the_deployment_prints(stage: Stage) -> None:
    shop, number = await delivered(stage)
    right = hashlib.sha256(shop.head().files[f"nginx/{HOST}.conf"]).hexdigest()

    await deployed(stage, shop, f"nginx {HOST} sha256 {BY_HAND} installed")
    await look(stage, number)
    assert await found(stage) == [("nginx", HOST, "changed")]

    for state in ("installed", "unchanged"):
        await deployed(stage, shop, f"nginx {HOST} sha256 {right} {state}")
        await look(stage, number)
        assert await found(stage) == []


@pytest.mark.parametrize(
    ("digest", "state", "change", "words"),
    [
        (BY_HAND, "installed", "changed", "the next deployment with that revision installs it"),
        (BY_HAND, "unchanged", "changed", "the next deployment with that revision installs it"),
        (BY_HAND, "edited", "changed", "the edit stays"),
        (BY_HAND, "unmanaged", "unmanaged", "the live release has brought none"),
        ("none", "unmanaged", "missing", "the live release has brought none"),
    ],
)
async def test_it_is_told_what_becomes_of_another_configuration_of_nginx(
    stage: Stage, digest: str, state: str, change: str, words: str
) -> None:
    shop, number = await delivered(stage)

    await deployed(stage, shop, f"nginx {HOST} sha256 {digest} {state}")
    await look(stage, number)

    [item] = (await stage.penstock.get("/api/drift"))["items"]
    assert (item["kind"], item["subject"], item["change"]) == ("nginx", HOST, change)
    assert words in item["detail"]
    page = await stage.penstock.client.get("/drift", headers={"Accept": "text/html"})
    assert words in page.text


async def test_a_configuration_of_nginx_that_was_refused_is_told_until_a_deployment_succeeds(stage: Stage) -> None:
    shop, number = await delivered(stage)
    right = hashlib.sha256(shop.head().files[f"nginx/{HOST}.conf"]).hexdigest()
    await deployed(stage, shop, f"nginx {HOST} sha256 {BY_HAND} installed")

    # the release before comes back, with the file that it had
    refused = (f"nginx {HOST} sha256 {BY_HAND} refused", f"nginx {HOST} sha256 {BY_HAND} unchanged")
    await deployed(stage, shop, *refused, status="FAILED")
    await look(stage, number)

    [item] = (await stage.penstock.get("/api/drift"))["items"]
    assert item["change"] == "changed"
    assert "the newest deployment has brought one that was refused" in item["detail"]

    # fails before nginx is asked: nothing is known anew
    await deployed(stage, shop, "release 4 did not answer in time", status="FAILED")
    await deployed(stage, shop, f"nginx {HOST} sha256 {right} installed")
    await look(stage, number)
    assert await found(stage) == []


async def test_a_failure_that_says_nothing_of_nginx_leaves_what_the_success_before_it_said(stage: Stage) -> None:
    shop, number = await delivered(stage)
    await deployed(stage, shop, f"nginx {HOST} sha256 {BY_HAND} edited")

    await deployed(stage, shop, "release 2 did not answer in time", status="FAILED")
    await look(stage, number)

    [item] = (await stage.penstock.get("/api/drift"))["items"]
    assert "the edit stays" in item["detail"]


async def test_other_lines_about_nginx_are_no_report_of_it(stage: Stage) -> None:
    shop, number = await delivered(stage)

    await deployed(
        stage, shop, f"pulled nginx from {HOST} sha256 {BY_HAND}", f"+ nginx {HOST} sha256 {BY_HAND} installed x"
    )
    await look(stage, number)

    assert await found(stage) == []


async def deployed(stage: Stage, shop: Repository, *lines: str, status: str = "SUCCESSFUL") -> None:
    steps = (PlannedStep("Deploy to production", 0.1, "production", status, lines),)
    run = await shop.start_run("main", plan=Plan(steps))
    await stage.bitbucket.settled()
    ended = "SUCCESS" if status == "SUCCESSFUL" else "FAILED"

    async def whole() -> bool:
        for one in (await stage.penstock.get("/api/pipelines"))["items"]:
            for listed in (await stage.penstock.get(f"/api/pipelines/{one['id']}/executions"))["items"]:
                if listed["bitbucket_build_number"] == run.build_number and listed["status"] == ended:
                    path = f"/api/pipelines/{one['id']}/logs"
                    answer = await stage.penstock.client.get(
                        path, params={"execution_id": listed["id"]}, headers={"Accept": "text/plain"}
                    )
                    return lines[-1] in answer.text
        return False

    await stage.until(whole)


async def test_nobody_sees_the_drift_of_others(stage: Stage) -> None:
    shop, _ = await delivered(stage)
    await stage.push(shop, {"certbot.sh": None})
    made = await stage.penstock.client.get("/api/drift", params={"kind": "nonsense"})
    assert made.status_code == 422
    page = await stage.penstock.client.get("/api/drift", params={"limit": 1})
    assert page.json()["next_cursor"] is None
