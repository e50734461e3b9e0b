"""Credentials: which are taken, how they are kept, whose they are, how each kind opens Bitbucket."""

from __future__ import annotations

import asyncio
import base64

import pytest

from service import clock
from service.bitbucket.answers import AccessToken
from service.client import Clients, Kind, NoCredential, NotAccepted, NotAllowed, Unreachable, check, opened
from service.client.authorization import Basic, OAuthConsumer, site_of
from service.simulator import Repository, Simulator
from service.store import accounts, credentials, repositories
from service.store.accounts import Viewer
from service.store.credentials import InUse
from service.store.database import Database
from service.vault import CannotOpen, Vault
from tests.client.conftest import PER_HOUR, SHOP, TOKEN, add_credential
from tests.client.peer import Peer, Script, answers

pytestmark = pytest.mark.anyio

MAYA = "maya@example.com"


@pytest.mark.parametrize(
    ("kind", "account"), [(Kind.ACCESS_TOKEN, None), (Kind.API_TOKEN, MAYA), (Kind.OAUTH_CLIENT, "client")]
)
def test_every_kind_of_credential_that_works_is_taken(kind: str, account: str | None) -> None:
    check(kind, account, TOKEN)


@pytest.mark.parametrize(
    ("kind", "account", "secret", "field", "why"),
    [
        ("app_password", "maya", "x" * 20, "kind", "removed app passwords on 2026-07-28"),
        ("access_token", None, "ATBBxxxxxxxx", "token", "removed app passwords on 2026-07-28"),
        ("api_token", MAYA, "ATBBxxxxxxxx", "token", "removed app passwords on 2026-07-28"),
        ("password", None, TOKEN, "kind", "access_token, api_token, oauth_client"),
        ("api_token", "maya", TOKEN, "email", "not its user name"),
        ("api_token", None, TOKEN, "email", "e-mail"),
        ("oauth_client", "", TOKEN, "client_id", "client id"),
        ("access_token", None, "", "token", "one word"),
        ("access_token", None, "two words", "token", "one word"),
        ("access_token", None, "line\nbreak", "token", "one word"),
        ("oauth_client", "client", "sécret", "client_secret", "one word"),
    ],
)
def test_a_credential_that_cannot_work_is_refused_with_the_reason(
    kind: str, account: str | None, secret: str, field: str, why: str
) -> None:
    with pytest.raises(NotAccepted, match=why) as caught:
        check(kind, account, secret)
    assert caught.value.field == field
    assert not secret or secret not in str(caught.value)


async def test_a_secret_is_sealed_for_its_row_alone(sqlite: Database, vault: Vault) -> None:
    one, other = await add_credential(sqlite, vault), await add_credential(sqlite, vault, secret="other-token")
    async with sqlite.write() as connection:
        statement = "UPDATE credentials SET secret = (SELECT secret FROM credentials WHERE id = ?) WHERE id = ?"
        await connection.exec_driver_sql(statement, (one.id, other.id))
        swapped = await credentials.by_id(connection, other.id)

    assert TOKEN.encode() not in one.secret
    assert opened(vault, one) == TOKEN
    assert swapped
    with pytest.raises(CannotOpen):
        opened(vault, swapped)


async def test_credentials_are_their_owners_and_admins(database: Database, vault: Vault) -> None:
    mine = await add_credential(database, vault)
    async with database.write() as connection:
        other = await accounts.add_user(connection, "otto", None, is_admin=False, now=clock.now())
        maya, otto, admin = (
            Viewer(mine.user_id, "maya", is_admin=False),
            Viewer(other, "otto", is_admin=False),
            Viewer(other, "otto", is_admin=True),
        )
        pages = [await credentials.page(connection, viewer, after=0, limit=10) for viewer in (maya, otto, admin)]
        seen = [await credentials.seen_by(connection, viewer, mine.id) for viewer in (maya, otto, admin)]

    assert pages == [[mine], [], [mine]]
    assert seen == [mine, None, mine]


async def test_a_credential_in_use_is_not_removed(database: Database, vault: Vault) -> None:
    credential = await add_credential(database, vault)
    async with database.write() as connection:
        shop = await repositories.connect(connection, workspace="acme", slug="shop", uuid=None, now=clock.now())
        table = repositories.repositories
        await connection.execute(table.update().values(credential_id=credential.id))
        with pytest.raises(InUse, match="'deploys' is used by acme/shop") as caught:
            await credentials.remove(connection, credential)
        await repositories.disconnect(connection, shop.id, clock.now())
        await credentials.remove(connection, credential)
        gone = await credentials.by_id(connection, credential.id)
        kept = await repositories.by_id(connection, shop.id)

    assert caught.value.repositories == ("acme/shop",)
    assert gone is None
    assert kept
    assert kept.credential_id is None


async def test_breaking_and_mending_are_news_once(database: Database, vault: Vault) -> None:
    credential = await add_credential(database, vault)
    async with database.write() as connection:
        broken = [await credentials.mark_broken(connection, credential.id, "revoked", clock.now()) for _ in range(2)]
        mended = [await credentials.mark_working(connection, credential.id) for _ in range(2)]

    assert (broken, mended) == ([True, False], [True, False])


async def test_a_repository_without_a_credential_has_no_client(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository
) -> None:
    credential = await add_credential(sqlite, vault)
    bare = repositories.Repository(1, None, "acme", "shop", clock.now())
    given = repositories.Repository(1, None, "acme", "shop", clock.now(), credential_id=credential.id)
    client = await clients.for_repository(given)

    assert await clients.for_repository(bare) is None
    assert client
    assert (await client.repository(SHOP)).uuid == shop.uuid
    with pytest.raises(NoCredential, match="no credential 99"):
        await clients.of(99)


async def test_an_api_token_goes_with_its_e_mail(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository, bitbucket: Simulator
) -> None:
    bitbucket.credentials.add_api_token(MAYA, "ATATT-token")
    credential = await add_credential(sqlite, vault, kind="api_token", account=MAYA, secret="ATATT-token")

    assert await (await clients.of(credential.id)).runs(SHOP) == []


async def test_an_oauth_consumer_gets_one_token_for_many_calls(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository, bitbucket: Simulator
) -> None:
    bitbucket.credentials.add_client("key", "consumer-secret")
    credential = await add_credential(sqlite, vault, kind="oauth_client", account="key", secret="consumer-secret")
    for _ in range(3):
        await (await clients.of(credential.id)).runs(SHOP)

    paths = [request.path for request in bitbucket.requests]
    assert paths == ["/site/oauth2/access_token"] + ["/repositories/acme/shop/pipelines"] * 3


async def test_B15_of_many_calls_at_once_with_one_credential_one_gets_the_token_and_all_are_answered(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository, bitbucket: Simulator
) -> None:
    bitbucket.credentials.add_client("key", "consumer-secret")
    credential = await add_credential(sqlite, vault, kind="oauth_client", account="key", secret="consumer-secret")

    async def ask() -> list[object]:
        return list(await (await clients.of(credential.id)).runs(SHOP))

    found = await asyncio.gather(*(ask() for _ in range(30)))

    paths = [request.path for request in bitbucket.requests]
    assert found == [[]] * 30
    assert paths.count("/site/oauth2/access_token") == 1
    assert paths.count("/repositories/acme/shop/pipelines") == 30


async def test_an_oauth_consumer_with_a_wrong_secret_is_not_allowed(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository
) -> None:
    credential = await add_credential(sqlite, vault, kind="oauth_client", account="key", secret="wrong-secret")

    with pytest.raises(NotAllowed, match="refuses the credential 'deploys'") as caught:
        await (await clients.of(credential.id)).runs(SHOP)
    assert "wrong-secret" not in str(caught.value)


def token(value: str) -> Script:
    return answers({"access_token": value, "expires_in": 7200, "token_type": "bearer"})


@pytest.fixture
async def consumer(peer: Peer, sqlite: Database, vault: Vault) -> Clients:
    await add_credential(sqlite, vault, kind="oauth_client", account="key", secret="consumer-secret")
    return Clients(sqlite, vault, base_url=peer.url, per_hour=PER_HOUR)


async def test_a_revoked_token_of_a_consumer_is_replaced_once(consumer: Clients, peer: Peer) -> None:
    refused = answers({"error": {"message": "Token expired"}}, 401)
    peer.plays(token("first"), refused, token("second"), answers({"values": []}))
    found = await (await consumer.of(1)).runs(SHOP)
    await consumer.close()

    pair = base64.b64encode(b"key:consumer-secret").decode()
    assert found == []
    assert [(request.target.partition("?")[0], request.headers["authorization"]) for request in peer.requests] == [
        ("/site/oauth2/access_token", f"Basic {pair}"),
        ("/2.0/repositories/acme/shop/pipelines", "Bearer first"),
        ("/site/oauth2/access_token", f"Basic {pair}"),
        ("/2.0/repositories/acme/shop/pipelines", "Bearer second"),
    ]


@pytest.mark.parametrize("value", ["line\nbreak", "tökén"])
async def test_a_token_that_fits_no_header_is_no_token(consumer: Clients, peer: Peer, value: str) -> None:
    peer.plays(token(value))
    client = await consumer.of(1)
    with pytest.raises(Unreachable, match="access_token"):
        await client.runs(SHOP)
    await consumer.close()


async def test_a_consumer_whose_new_token_is_refused_too_is_not_allowed(consumer: Clients, peer: Peer) -> None:
    peer.plays(token("first"), answers(b"", 401), token("second"), answers(b"", 401))

    with pytest.raises(NotAllowed):
        await (await consumer.of(1)).runs(SHOP)
    await consumer.close()
    assert len(peer.requests) == 4


async def test_a_token_is_replaced_shortly_before_it_ends() -> None:
    times = iter((0.0, 7100.0, 7150.0, 7150.0, 7200.0))  # asked when it is looked at, and when it was fetched
    tokens = (AccessToken(access_token=f"token-{number}", expires_in=7200) for number in (1, 2))

    async def fetch() -> AccessToken:
        return next(tokens)

    consumer = OAuthConsumer(Basic("key", "secret"), fetch, now=lambda: next(times))
    headers = [await consumer.header() for _ in range(4)]

    assert headers == ["Bearer token-1", "Bearer token-1", "Bearer token-2", "Bearer token-2"]


@pytest.mark.parametrize(
    ("base_url", "site"),
    [
        ("https://api.bitbucket.org/2.0", "https://bitbucket.org"),
        ("http://127.0.0.1:8001/2.0", "http://127.0.0.1:8001"),
        ("https://proxy.example.com/bitbucket/2.0", "https://proxy.example.com"),
    ],
)
def test_tokens_come_from_the_site_of_the_api(base_url: str, site: str) -> None:
    assert site_of(base_url) == site
