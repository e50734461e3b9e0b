"""A new kind of project that is found with little confidence changes nothing until a person says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.simulator import Simulator
from tests.regeneration.conftest import FILE, open_requests, staged, text_of
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

EXPRESS, NEXT = files_of("express"), files_of("nextjs")
BECOMES_NEXT = {**dict.fromkeys(EXPRESS), **NEXT}


@pytest.mark.parametrize(("bound", "asks"), [("1", True), ("0.1", False)])
async def test_another_kind_of_project(bitbucket: Simulator, tmp_path: Path, bound: str, asks: bool) -> None:
    async with staged(bitbucket, tmp_path, PENSTOCK_CONFIRM_BELOW=bound) as stage:
        shop, number = await stage.generate("shop", EXPRESS, config_delivery="commit")
        before = text_of(shop)

        await stage.push(shop, BECOMES_NEXT)

        pipeline, newest = await stage.penstock.get(f"/api/pipelines/{number}"), await stage.newest(number)
        assert pipeline["project_type"] == ("express" if asks else "nextjs")
        assert (text_of(shop) == before) is asks
        assert newest["delivery"] == ("waiting_confirmation" if asks else "commit")
        assert newest["changes"][0].startswith("kind of project: express → nextjs, because ")


async def test_confirmed_it_is_brought(bitbucket: Simulator, tmp_path: Path) -> None:
    async with staged(bitbucket, tmp_path, PENSTOCK_CONFIRM_BELOW="1") as stage:
        shop, number = await stage.generate("shop", EXPRESS)
        await stage.merge(shop)
        await stage.push(shop, BECOMES_NEXT)
        [(word, reason)] = await stage.verdicts()
        assert (word, "waits for a person" in reason) == ("regenerating", True)
        assert open_requests(shop) == []

        answer = await stage.penstock.client.post(f"/api/pipelines/{number}/revisions/2/confirm")
        assert answer.status_code == 200, answer.text
        await stage.quiet()
        await stage.merge(shop)

        newest = await stage.newest(number)
        assert (await stage.penstock.get(f"/api/pipelines/{number}"))["project_type"] == "nextjs"
        assert text_of(shop) == newest["files"][FILE]
        assert (newest["revision"], newest["delivery"], newest["delivered"]) == (2, "pull_request", "delivered")
        again = await stage.penstock.client.post(f"/api/pipelines/{number}/revisions/2/confirm")
        assert again.status_code == 409


async def test_what_is_taken_back_is_proposed_no_more(bitbucket: Simulator, tmp_path: Path) -> None:
    async with staged(bitbucket, tmp_path, PENSTOCK_CONFIRM_BELOW="1") as stage:
        shop, number = await stage.generate("shop", EXPRESS, config_delivery="commit")
        await stage.push(shop, BECOMES_NEXT)
        await stage.push(shop, {**dict.fromkeys(NEXT), **EXPRESS})

        newest = await stage.newest(number)
        assert (newest["revision"], newest["delivered"]) == (2, "superseded")
        answer = await stage.penstock.client.post(f"/api/pipelines/{number}/revisions/2/confirm")
        assert answer.status_code == 409
        assert "out of date" in answer.json()["detail"]
