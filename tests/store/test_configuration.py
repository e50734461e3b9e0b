"""What is configured: members, domains, environments, variables, revisions, and what is sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.store import (
    answers,
    counts,
    domains,
    environments,
    failed_tries,
    members,
    pipelines,
    repositories,
    revisions,
    sealed,
    variables,
)
from service.store.answers import Answer
from service.store.database import Database
from service.store.variables import Variable
from tests.store.making import ADMIN, NOW, person, pipeline, repository

pytestmark = pytest.mark.anyio


async def test_a_member_has_one_role_and_the_last_one_that_was_given(database: Database) -> None:
    async with database.write() as connection:
        shop, ada, bob = await repository(connection), await person(connection, "ada"), await person(connection, "bob")
        await members.set_role(connection, shop.id, ada.user_id, "viewer")
        await members.set_role(connection, shop.id, ada.user_id, "owner")
        await members.set_role(connection, shop.id, bob.user_id, "operator")

        found = await members.of_repository(connection, shop.id, after=0, limit=10)
        assert [(one.username, one.role) for one in found] == [("ada", "owner"), ("bob", "operator")]
        assert await members.owners(connection, shop.id) == 1
        await members.remove(connection, shop.id, ada.user_id)
        assert await members.named(connection, shop.id, "ada") is None


async def test_tries_are_counted_by_account_and_address_until_the_window_is_over(database: Database) -> None:
    async with database.write() as connection:
        tries = [await failed_tries.begin(connection, "ada", "10.0.0.1", NOW) for _ in range(failed_tries.MOST + 1)]
        elsewhere = await failed_tries.begin(connection, "ada", "10.0.0.2", NOW)
        somebody = await failed_tries.begin(connection, "bob", "10.0.0.1", NOW)
        later = await failed_tries.begin(connection, "ada", "10.0.0.1", NOW + failed_tries.WINDOW)

        assert tries == [None] * failed_tries.MOST + [NOW + failed_tries.WINDOW]
        assert (elsewhere, somebody, later) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "covering"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("shop.example.com", "shop.example.com"),
        ("x.shop.example.com", "shop.example.com"),
        ("notexample.com", None),
        ("com", None),
    ],
)
async def test_the_nearest_registered_domain_covers_a_name(database: Database, name: str, covering: str | None) -> None:
    async with database.write() as connection:
        ada = await person(connection, "ada")
        for known in ("example.com", "shop.example.com"):
            await domains.add(
                connection, name=known, user_id=ada.user_id, email=None, dns_provider=None, created_at=NOW
            )

        found = await domains.covering(connection, name)
        assert (found.name if found else None) == covering


async def test_a_domain_is_registered_once_and_the_transaction_goes_on(database: Database) -> None:
    async with database.write() as connection:
        ada = await person(connection, "ada")
        row = {"user_id": ada.user_id, "email": None, "dns_provider": None, "created_at": NOW}
        await domains.add(connection, name="example.com", **row)
        with pytest.raises(domains.DomainTaken):
            await domains.add(connection, name="example.com", **row)

        other = await domains.add(connection, name="a.example", **row)
        with pytest.raises(domains.DomainTaken):
            await domains.change(connection, other.id, name="example.com")
        assert await counts.domains_of(connection, ada.user_id) == 2


async def test_variables_of_a_pipeline_and_of_its_environments_are_replaced_apart(database: Database) -> None:
    async with database.write() as connection:
        number = await pipeline(connection, (await repository(connection)).id)
        [place] = await pipelines.environments_of(connection, number)
        one = Variable(key="A", secured=False, place="1", value=b"a")
        await variables.replace(connection, number, None, [one])
        await variables.replace(connection, number, place.id, [Variable(key="A", secured=True, place="2", value=b"b")])
        await variables.replace(connection, number, None, [Variable(key="B", secured=False, place="3", value=b"c")])

        found = await variables.of_pipeline(connection, number)
        assert [(v.key, v.secured, v.environment_id) for v in found] == [("A", True, place.id), ("B", False, None)]
        await environments.remove(connection, place.id)
        assert [v.key for v in await variables.of_pipeline(connection, number)] == ["B"]


async def test_revisions_are_numbered_by_pipeline_and_newest_first(database: Database) -> None:
    async with database.write() as connection:
        numbers = [await pipeline(connection, (await repository(connection, slug)).id) for slug in ("one", "two")]
        row = {"files": {"a": "b"}, "decisions": [], "diff": "", "delivery": "manual", "delivered": "none"}
        for number in (*numbers, numbers[0]):
            await revisions.add(connection, number, **row, created_at=NOW)

        found = [[one.number for one in await revisions.latest(connection, number, limit=9)] for number in numbers]
        assert found == [[2, 1], [1]]
        assert await revisions.numbered(connection, numbers[0], 2**62) is None


async def test_of_two_changes_of_one_version_the_second_is_told(database: Database) -> None:
    async with database.write() as connection:
        number = await pipeline(connection, (await repository(connection)).id)

        first = await pipelines.change(connection, number, version=1, now=NOW, port=8081)
        second = await pipelines.change(connection, number, version=1, now=NOW, port=8082)
        listed = await pipelines.seen_by(connection, ADMIN, number)
        assert (first, second) == (True, False)
        assert listed is not None
        assert (listed.pipeline.port, listed.pipeline.version) == (8081, 2)


async def test_every_sealed_value_is_sealed_anew_at_its_place(database: Database) -> None:
    asked: list[tuple[bytes, str, str, str]] = []

    def again(value: bytes, table: str, column: str, row: str) -> bytes | None:
        asked.append((value, table, column, row))
        return None if value == b"kept" else b"new " + value

    async with database.write() as connection:
        shop = await repository(connection)
        await repositories.add_hook(connection, "hook", shop.id, b"secret", NOW)
        ends = NOW + timedelta(hours=24)
        await repositories.replace_secret(connection, "hook", secret=b"kept", previous=b"secret", previous_until=ends)
        number = await pipeline(connection, shop.id)
        await variables.replace(connection, number, None, [Variable(key="A", secured=True, place="p", value=b"v")])
        await answers.begin(connection, user_id=7, key="k", digest="d", now=NOW)
        await answers.finish(connection, user_id=7, key="k", answer=Answer("d", 201, b"body", {}))

        changed = await sealed.reseal(connection, again)
        hook = await repositories.hook(connection, "hook")
        assert changed == 3
        assert hook is not None
        assert (hook.secret, hook.previous_secret) == (b"kept", b"new secret")
        assert sorted(asked) == [
            (b"body", "answers", "body", "7 k"),
            (b"kept", "hooks", "secret", "hook"),
            (b"secret", "hooks", "secret", "hook"),
            (b"v", "variables", "value", "p"),
        ]
