"""The repository itself changes: its pipeline follows by uuid, and ends only when Bitbucket says so too."""

from __future__ import annotations

import pytest

from service.workers import vanishing
from tests.regeneration.conftest import FILE, Stage, text_of
from tests.regeneration.generated import files_of

pytestmark = pytest.mark.anyio

NODE = files_of("express")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vanishing, "ONCE_MORE", 0.1)


async def verdict(stage: Stage, event_key: str) -> tuple[str, str]:
    found = await stage.penstock.get("/api/deliveries", event_key=event_key, limit=1)
    [one] = (await stage.penstock.get(f"/api/deliveries/{found['items'][0]['id']}"))["verdicts"]
    return one["verdict"], one["reason"]


async def test_after_a_rename_and_a_transfer_everything_goes_on(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")

    await shop.rename("store")
    await shop.transfer("retail")
    await stage.push(shop, {".nvmrc": "22\n"})

    pipeline = await stage.penstock.get(f"/api/pipelines/{number}")
    assert pipeline["repository"]["full_name"] == "retail/store"
    assert "node:22-bookworm" in text_of(shop)
    assert (await stage.newest(number))["files"][FILE] == text_of(shop)


async def test_what_bitbucket_does_not_have_any_more_ends(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")

    await shop.delete()
    await stage.quiet()

    assert await verdict(stage, "repo:deleted") == ("deactivated", vanishing.GONE)
    pipeline = await stage.penstock.get(f"/api/pipelines/{number}")
    assert (pipeline["is_active"], len(pipeline["config_revisions"])) == (False, 1)


async def test_what_bitbucket_still_has_goes_on_whatever_a_webhook_says(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")

    await shop.delete()
    shop.deleted = False
    await stage.quiet()

    assert await verdict(stage, "repo:deleted") == ("refused", vanishing.THERE)
    assert (await stage.penstock.get(f"/api/pipelines/{number}"))["is_active"] is True


async def test_a_credential_that_is_refused_proves_nothing(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")
    stage.bitbucket.route_faults.answer("GET", "", 401, times=None)

    await shop.delete()
    await stage.penstock.settled()

    assert (await verdict(stage, "repo:deleted"))[0] == "reported"
    assert (await stage.penstock.get(f"/api/pipelines/{number}"))["is_active"] is True
