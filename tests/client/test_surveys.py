"""What is newest in a repository, for few calls: however many branches and deployments there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.client import Client
from service.simulator import Repository, Simulator
from service.simulator.pushing import Create
from tests.client.conftest import SHOP

pytestmark = pytest.mark.anyio

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def many_branches(shop: Repository, bitbucket: Simulator, number: int) -> datetime:
    """That many at old commits, and after them a time; then `newer` with a commit of its own."""
    await shop.push_refs(*[Create(f"old-{place:04}") for place in range(number)])
    bitbucket.clock.advance(3600)
    between = bitbucket.clock.now()
    bitbucket.clock.advance(3600)
    await shop.push("newer", {"a.txt": "1"})
    return between


async def test_one_call_tells_the_newest_heads_of_a_repository_with_many_branches(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    between = await many_branches(shop, bitbucket, 250)
    before = len(bitbucket.requests)

    found = await client.newest_heads(SHOP, since=between)

    assert (found.branches[0].name, found.branches[0].target.hash) == ("newer", shop.head("newer").hash)
    assert (found.whole, found.calls, len(bitbucket.requests) - before) == (False, 1, 1)


async def test_further_pages_are_read_while_their_heads_are_newer_than_the_last_look(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    await many_branches(shop, bitbucket, 250)

    found = await client.newest_heads(SHOP, since=LONG_AGO)

    assert (len(found.branches), found.whole, found.calls) == (252, True, 3)


async def test_a_page_that_is_not_full_is_the_last_one(client: Client, shop: Repository, bitbucket: Simulator) -> None:
    between = await many_branches(shop, bitbucket, 3)

    found = await client.newest_heads(SHOP, since=between)

    assert (len(found.branches), found.whole) == (5, True)


async def test_where_the_order_is_refused_all_branches_are_read(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    between = await many_branches(shop, bitbucket, 250)
    bitbucket.route_faults.answer("GET", "/refs/branches", 400, body='{"error": {"message": "Invalid sort field"}}')

    found = await client.newest_heads(SHOP, since=between)

    assert (len(found.branches), found.whole) == (252, True)


async def deployed(shop: Repository, times: int) -> None:
    for _ in range(times):
        run = await shop.start_run("main")
        await run.finish("SUCCESSFUL")


async def test_the_newest_deployment_comes_first(client: Client, shop: Repository) -> None:
    await deployed(shop, 3)

    found = await client.newest_deployments(SHOP)

    assert [one.release.build_number for one in found.deployments] == [3, 2, 1]
    assert found.deployments[0].environment is not None
    assert found.deployments[0].environment.name == "Production"
    assert found.deployments[0].state.ended is not None
    assert found.deployments[0].state.ended - shop.runs[-1].created_on < timedelta(minutes=1)
    assert found.calls == 1


async def test_where_the_order_is_refused_the_last_page_tells_the_newest_deployments(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    await deployed(shop, 105)
    bitbucket.route_faults.answer("GET", "/deployments", 400, body='{"error": {"message": "Invalid sort field"}}')

    found = await client.newest_deployments(SHOP)

    assert found.deployments[0].release.build_number == 105
    assert found.calls == 3
