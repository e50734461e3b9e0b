"""What pushes cost that touch nothing of interest: a call each where they come apart, and fewer where they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service import changes
from service.simulator import Repository, Simulator
from service.store import looks
from tests.regeneration.conftest import Stage, staged
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express") | {"lib/prices.js": b"module.exports = 0;\n"}

THOUSAND = pytest.mark.parametrize(
    "count", [60, pytest.param(1000, marks=[pytest.mark.endurance, pytest.mark.timeout(3600)])]
)


# A thousand pushes in a minute are more than the hour's budget has calls; it would make them wait.
CALLS = 10_000


@pytest.fixture
async def stage(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Stage]:
    bitbucket.rate_limit.limit = CALLS
    async with staged(bitbucket, tmp_path, PENSTOCK_RATE_BUDGET_PER_HOUR=str(CALLS)) as running:
        yield running


def irrelevant(turn: int) -> dict[str, str | bytes | None]:
    """What people change all day: code, words, pictures; what was new the last time goes again."""
    files: list[dict[str, str | bytes | None]] = [
        {"lib/prices.js": f"module.exports = {turn};\n"},
        {"README.md": f"# Shop, edition {turn}\n", "docs/how.md": f"How, {turn}\n"},
        {f"public/{turn}.png": f"picture {turn}"},
        {f"public/{turn - 1}.png": None, "lib/taxes.js": f"module.exports = {turn};\n"},
    ]
    return files[turn % len(files)]


def cost_of(stage: Stage, before: int) -> list[str]:
    """The calls since then, except those that look for the run of a push: they are no part of following the files."""
    return [one.path for one in list(stage.bitbucket.requests)[before:] if "/pipelines" not in one.path]


async def looked_into(stage: Stage, number: int, shop: Repository) -> bool:
    async with stage.penstock.house.database.read() as connection:
        look = await looks.of_pipeline(connection, number)
    return look is not None and look.commit == shop.head().hash


@THOUSAND
async def test_pushes_that_come_apart_cost_one_call_each(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    monkeypatch.setattr(changes, "SETTLING", 0.0)
    before = len(stage.bitbucket.requests)

    for turn in range(count):
        await shop.push("main", irrelevant(turn))
        await stage.until(lambda: looked_into(stage, number, shop))
    await stage.quiet()

    asked = cost_of(stage, before)
    assert len(asked) == count
    assert all("/diffstat/" in path for path in asked)
    assert len(await stage.revisions(number)) == 1


@THOUSAND
async def test_pushes_that_come_together_cost_less_than_one_call_each(stage: Stage, count: int) -> None:
    shop, number = await stage.generate("shop", NODE)
    await stage.merge(shop)
    before = len(stage.bitbucket.requests)

    for turn in range(count):
        await shop.push("main", irrelevant(turn))
    await stage.penstock.settled()
    await stage.quiet()

    asked = cost_of(stage, before)
    assert await looked_into(stage, number, shop)
    assert 1 <= len(asked) < count // 2
    assert all("/diffstat/" in path for path in asked)
    assert {word for word, _ in await stage.verdicts()} == {"unchanged"}
    assert len(await stage.revisions(number)) == 1
