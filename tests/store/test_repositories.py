"""Connected repositories and their hooks; what a repository was before it was disconnected stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.store import pipelines, repositories
from service.store.database import Database
from service.store.repositories import AlreadyConnected, Hook
from tests.store.making import ADMIN, NOW, grant, person, pipeline, repository

pytestmark = pytest.mark.anyio

UUID = "{6a9d0c3e-5f5b-4c55-9d0f-2f8f0c4b7a10}"


@pytest.mark.parametrize(("slug", "uuid"), [("shop", None), ("renamed", UUID)], ids=["by-name", "by-uuid"])
async def test_a_repository_is_connected_once_and_the_transaction_goes_on(
    database: Database, slug: str, uuid: str | None
) -> None:
    async with database.write() as connection:
        shop = await repository(connection, "shop", UUID)

        with pytest.raises(AlreadyConnected) as refused:
            await repository(connection, slug, uuid)

        assert refused.value.repository_id == (shop.id if slug == "shop" else None)
        assert await repositories.page(connection, ADMIN, after=0, limit=9) == [shop]


async def test_a_disconnected_repository_may_be_connected_again_as_another_row(database: Database) -> None:
    async with database.write() as connection:
        before = await repository(connection, "shop", UUID)
        await repositories.add_hook(connection, "hook", before.id, b"sealed", NOW)
        await repositories.disconnect(connection, before.id, NOW)

        after = await repository(connection, "shop", UUID)

        assert after.id != before.id
        assert await repositories.hook(connection, "hook") is None
        assert await repositories.seen_by(connection, ADMIN, before.id) is None
        assert await repositories.by_id(connection, before.id, lock=True) is not None


async def test_lists_are_in_order_from_a_place_on_and_hold_what_the_viewer_may_see(database: Database) -> None:
    async with database.write() as connection:
        bob = await person(connection, "bob")
        made = [await repository(connection, f"r{n}") for n in range(5)]
        for owned in made[1:4]:
            await grant(connection, owned.id, bob.user_id, "viewer")

        assert await repositories.page(connection, bob, after=made[1].id, limit=9) == made[2:4]
        assert await repositories.page(connection, bob, after=0, limit=2) == made[1:3]
        assert await repositories.page(connection, ADMIN, after=0, limit=9) == made
        assert await repositories.seen_by(connection, bob, made[0].id) is None
        assert await repositories.seen_by(connection, bob, made[1].id) == made[1]


async def test_a_rename_is_refused_while_another_has_the_name(database: Database) -> None:
    async with database.write() as connection:
        shop, till = await repository(connection, "shop"), await repository(connection, "till")

        assert not await repositories.rename(connection, till.id, "acme", "shop")
        assert await repositories.rename(connection, shop.id, "acme", "store")
        assert await repositories.rename(connection, till.id, "acme", "shop")

        assert (await repositories.named(connection, "acme", "shop"), till.id) != (None, shop.id)
        assert [r.slug for r in await repositories.page(connection, ADMIN, after=0, limit=9)] == ["store", "shop"]


async def test_a_hook_is_found_with_its_repository_and_keeps_the_secret_before(database: Database) -> None:
    until = NOW + timedelta(hours=24)
    async with database.write() as connection:
        shop = await repository(connection, "shop", UUID)
        await repositories.add_hook(connection, "hook", shop.id, b"first", NOW)
        await repositories.replace_secret(connection, "hook", secret=b"second", previous=b"first", previous_until=until)

        found = await repositories.hook(connection, "hook")

        assert found == Hook("hook", shop.id, UUID, "acme/shop", b"second", b"first", until)
        assert await repositories.hook_of(connection, shop.id) == found
        assert await repositories.hooks_of(connection, [shop.id, 10**9]) == {shop.id: "hook"}


async def test_a_repository_has_one_active_pipeline_and_keeps_those_before(database: Database) -> None:
    async with database.write() as connection:
        shop = await repository(connection)
        first = await pipeline(connection, shop.id)

        assert await pipelines.deactivate(connection, shop.id, NOW) == first
        assert await pipelines.deactivate(connection, shop.id, NOW) is None
        assert await pipelines.active_of(connection, shop.id) is None

        second = await pipeline(connection, shop.id)
        active = await pipelines.active_of(connection, shop.id)
        assert active is not None
        assert active.id == second
        listed = await pipelines.page(connection, ADMIN, after=0, limit=9)
        assert [(one.pipeline.id, one.pipeline.is_active) for one in listed] == [(first, False), (second, True)]


async def test_an_adopted_pipeline_deploys_its_branches_to_production(database: Database) -> None:
    async with database.write() as connection:
        number = await pipeline(connection, (await repository(connection)).id)

        environments = await pipelines.environments_of(connection, number)

    assert [(e.pipeline_id, e.name, e.kind, e.branch_pattern) for e in environments] == [
        (number, "production", "production", "main")
    ]
