"""What the pages show of revisions and drift, and what they let a person do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.simulator import Simulator
from tests.regeneration.conftest import FILE, Stage, staged, text_of
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express") | {".nvmrc": b"18\n"}


async def page(stage: Stage, path: str) -> str:
    answer = await stage.penstock.client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def test_without_anything_to_compare_the_page_of_drift_says_what_to_do(stage: Stage) -> None:
    shown = await page(stage, "/drift")

    assert "Nothing has drifted." in shown
    assert 'href="/connect">Connect a repository</a>' in shown


async def test_drift_is_shown_with_its_difference_and_a_button_to_look_again(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE, config_delivery="commit")
    assert "compares 1 pipeline with Bitbucket" in await page(stage, "/drift")
    edited = text_of(shop).replace("max-time: 20", "max-time: 45  # <b>slow</b>", 1)

    await stage.push(shop, {FILE: edited, "certbot.sh": None})

    shown = await page(stage, "/drift")
    assert f'data-post="/api/pipelines/{number}/look-for-drift"' in shown
    assert "max-time: 45 # &lt;b&gt;slow&lt;/b&gt;" in shown
    assert "certbot.sh is no longer in the repository" in shown
    assert "certbot.sh" in await page(stage, f"/drift?kind=file&pipeline_id={number}")
    assert "Nothing has drifted." in await page(stage, "/drift?kind=nginx")
    assert "2 places have drifted" in await page(stage, f"/pipelines/{number}")


async def test_a_revision_says_why_and_leads_to_its_pull_request(stage: Stage) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    await stage.push(shop, {".nvmrc": "22\n"})

    shown = await page(stage, f"/pipelines/{number}")

    assert "Node 18 → 22, because `.nvmrc` changed in" in shown
    assert f'href="{shop.html}/pull-requests/2"' in shown
    assert "in a pull request" in shown


async def test_by_hand_the_page_has_the_text_to_copy(stage: Stage) -> None:
    _, number = await stage.generate("shop", NODE, config_delivery="manual")

    shown = await page(stage, f"/pipelines/{number}")

    assert 'data-copy-text="file-1"' in shown
    assert "# Written by Penstock." in shown


async def test_a_proposal_waits_for_a_person_to_press_the_button(bitbucket: Simulator, tmp_path: Path) -> None:
    async with staged(bitbucket, tmp_path, PENSTOCK_CONFIRM_BELOW="1") as stage:
        shop, number = await stage.generate("shop", NODE)
        await stage.merge(shop)
        await stage.push(shop, {**dict.fromkeys(NODE), **files_of("nextjs")})

        shown = await page(stage, f"/pipelines/{number}")

        assert f'data-post="/api/pipelines/{number}/revisions/2/confirm"' in shown
        assert "waits for you" in shown
