"""Who may come in, and what each may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.store import accounts
from service.store.accounts import NameTaken, Viewer
from service.store.database import Database
from tests.store.making import NOW, grant, person, pipeline, repository

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


async def test_an_account_is_found_by_its_name(database: Database) -> None:
    async with database.write() as connection:
        number = await accounts.add_user(connection, "ada", "$argon2id$", is_admin=True, now=NOW)

    async with database.read() as connection:
        found = await accounts.user_named(connection, "ada")
        assert found == accounts.Account(number, "ada", True, NOW, "$argon2id$")
        assert "$argon2id$" not in repr(found)
        assert await accounts.user_named(connection, "bob") is None
        assert await accounts.list_users(connection) == [found]


async def test_a_name_is_given_once(database: Database) -> None:
    async with database.write() as connection:
        await person(connection, "ada")

    with pytest.raises(NameTaken, match="'ada'"):
        async with database.write() as connection:
            await person(connection, "ada")


async def test_a_token_shows_whose_it_is_until_it_ends(database: Database) -> None:
    async with database.write() as connection:
        ada = await person(connection, "ada")
        token = await accounts.add_token(connection, ada.user_id, "laptop", now=NOW, expires_at=NOW + HOUR)
        endless = await accounts.add_token(connection, ada.user_id, "robot", now=NOW, expires_at=None)

    async with database.read() as connection:
        viewer = await accounts.viewer_by_token(connection, token, NOW)
        robot = await accounts.viewer_by_token(connection, endless, NOW + 10**5 * HOUR)
        assert await accounts.viewer_by_token(connection, token, NOW + HOUR) is None
        assert await accounts.viewer_by_token(connection, token + "x", NOW) is None
        assert [known.name for known in await accounts.list_tokens(connection)] == ["laptop", "robot"]
    assert token.startswith("pst_")
    assert [(v.user_id, v.name, v.by_cookie, v.expires_at) for v in (viewer, robot) if v] == [
        (ada.user_id, "ada", False, NOW + HOUR),
        (ada.user_id, "ada", False, None),
    ]


async def test_a_revoked_token_shows_nobody(database: Database) -> None:
    async with database.write() as connection:
        ada = await person(connection, "ada")
        token = await accounts.add_token(connection, ada.user_id, "laptop", now=NOW, expires_at=None)
        number = (await accounts.list_tokens(connection))[0].id

        assert [await accounts.revoke_token(connection, number) for _ in range(2)] == [True, False]
        assert await accounts.viewer_by_token(connection, token, NOW) is None


async def test_a_session_lets_in_by_cookie_until_it_ends_or_is_ended(database: Database) -> None:
    async with database.write() as connection:
        ada = await person(connection, "ada")
        session = await accounts.add_session(connection, ada.user_id, now=NOW, expires_at=NOW + HOUR)
        viewer = await accounts.viewer_by_session(connection, session, NOW)
        late = await accounts.viewer_by_session(connection, session, NOW + HOUR)
        await accounts.end_session(connection, session)

        assert viewer == replace(ada, expires_at=NOW + HOUR, by_cookie=True)
        assert late is None
        assert await accounts.viewer_by_session(connection, session, NOW) is None


async def test_a_ticket_lets_its_account_in_once(database: Database) -> None:
    async with database.write() as connection:
        ada = await person(connection, "ada")
        ticket = await accounts.add_ticket(connection, user_id=ada.user_id, expires_at=NOW + HOUR)
        old = await accounts.add_ticket(connection, user_id=ada.user_id, expires_at=NOW)

        assert [await accounts.use_ticket(connection, ticket, NOW) for _ in range(2)] == [ada.user_id, None]
        assert await accounts.use_ticket(connection, old, NOW) is None
        assert await accounts.use_ticket(connection, "invented", NOW) is None


async def test_a_ticket_of_nobody_makes_the_first_account_and_only_that(database: Database) -> None:
    async with database.write() as connection:
        first, second = [await accounts.add_ticket(connection, user_id=None, expires_at=NOW + HOUR) for _ in range(2)]
        assert not await accounts.anybody(connection)

        number = await accounts.use_ticket(connection, first, NOW)

        assert [(user.id, user.is_admin) for user in await accounts.list_users(connection)] == [(number, True)]
        assert await accounts.use_ticket(connection, second, NOW) is None


async def test_what_somebody_may_see_is_what_he_was_granted_and_an_admin_sees_all(database: Database) -> None:
    async with database.write() as connection:
        ada, bob = await person(connection, "ada", is_admin=True), await person(connection, "bob")
        shop, till = await repository(connection, "shop"), await repository(connection, "till")
        pipelines = [await pipeline(connection, owner.id) for owner in (shop, till)]
        await grant(connection, shop.id, bob.user_id, "viewer")

        async def seen(viewer: Viewer) -> list[object]:
            return [
                await accounts.visible_repositories(connection, viewer),
                *[await accounts.role_on(connection, viewer, owner.id) for owner in (shop, till)],
                *[await accounts.may_see_pipeline(connection, viewer, number) for number in (*pipelines, 10**9)],
            ]

        assert await seen(bob) == [frozenset({shop.id}), "viewer", None, True, False, False]
        assert await seen(ada) == [None, "owner", "owner", True, True, False]


async def test_who_is_removed_is_gone_with_tokens_sessions_tickets_and_rights(database: Database) -> None:
    async with database.write() as connection:
        bob = await person(connection, "bob")
        shop = await repository(connection)
        await grant(connection, shop.id, bob.user_id, "owner")
        token = await accounts.add_token(connection, bob.user_id, "laptop", now=NOW, expires_at=None)
        session = await accounts.add_session(connection, bob.user_id, now=NOW, expires_at=NOW + HOUR)
        ticket = await accounts.add_ticket(connection, user_id=bob.user_id, expires_at=NOW + HOUR)

        assert [await accounts.remove_user(connection, "bob") for _ in range(2)] == [True, False]

        assert await accounts.viewer_by_token(connection, token, NOW) is None
        assert await accounts.viewer_by_session(connection, session, NOW) is None
        assert await accounts.use_ticket(connection, ticket, NOW) is None
        assert await accounts.role_on(connection, bob, shop.id) is None
        assert await accounts.list_tokens(connection) == []
