"""Who gets in to `GET /api/events` of the whole service: G1, G3, G4, G6 and G10 of the list of attacks on streams."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from service.store import accounts
from tests.living import Living, client_of

pytestmark = pytest.mark.anyio


async def stranger(penstock: Living) -> str:
    """The token of an account that may see no repository."""
    async with penstock.house.recorder.record() as record:
        number = await accounts.add_user(record.connection, "eve", None, is_admin=False, now=record.now)
        return await accounts.add_token(record.connection, number, "tests", now=record.now, expires_at=None)


async def session(penstock: Living) -> str:
    async with penstock.house.recorder.record() as record:
        ada = await accounts.user_named(record.connection, "ada")
        assert ada is not None
        until = record.now + timedelta(hours=1)
        return await accounts.add_session(record.connection, ada.id, now=record.now, expires_at=until)


async def opened(penstock: Living, path: str = "/api/events", **headers: str) -> int:
    """The status of a stream that is asked for with these headers and no others that say who asks."""
    async with client_of(penstock.url) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with client.stream("GET", path, headers=named) as answer:
            return answer.status_code


async def pipeline_id(penstock: Living) -> int:
    return int((await penstock.get("/api/pipelines"))["items"][0]["id"])


async def test_G1_a_stream_without_a_proof_of_who_asks_is_401(penstock: Living) -> None:
    assert await opened(penstock) == 401
    assert await opened(penstock, authorization="Bearer nonsense") == 401
    assert await opened(penstock, cookie="session=nonsense") == 401
    await penstock.assert_alive()


async def test_G1_a_stream_of_a_pipeline_of_others_is_404_as_one_that_is_not_there(penstock: Living) -> None:
    token = f"Bearer {await stranger(penstock)}"
    foreign = await pipeline_id(penstock)

    assert await opened(penstock, f"/api/events?pipeline_id={foreign}", authorization=token) == 404
    assert await opened(penstock, "/api/events?pipeline_id=999999", authorization=token) == 404
    assert await opened(penstock, authorization=token) == 200


async def test_G3_a_token_that_is_revoked_ends_its_streams(penstock: Living) -> None:
    async with penstock.client.stream("GET", "/api/events") as stream:
        lines = stream.aiter_lines()
        assert [await anext(lines) for _ in range(2)][1] == "event: ready"
        async with penstock.house.recorder.record() as record:
            [token] = await accounts.list_tokens(record.connection)
            await accounts.revoke_token(record.connection, token.id)
            record.rights_changed()

        async with asyncio.timeout(20):
            rest = [line async for line in lines]

    assert rest[-3:] == ["event: bye", 'data: {"reason":"revoked"}', ""]


@pytest.mark.parametrize("name", ["token", "access_token", "authorization"])
async def test_G4_a_token_in_the_query_lets_nobody_in(penstock: Living, name: str) -> None:
    assert await opened(penstock, f"/api/events?{name}={penstock.token}") == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_G6_a_page_of_another_site_cannot_listen_with_our_cookie(
    penstock: Living, headers: dict[str, str]
) -> None:
    cookie = f"session={await session(penstock)}"

    assert await opened(penstock, cookie=cookie, **headers) == 403
    assert await opened(penstock, cookie=cookie, sec_fetch_site="same-origin", origin=penstock.url) == 200


async def test_G6_a_stream_is_open_to_no_other_origin(penstock: Living) -> None:
    async with penstock.client.stream("GET", "/api/events", headers={"Origin": "https://evil.example"}) as answer:
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_G10_a_foreign_name_that_resolves_to_us_gets_no_stream(penstock: Living) -> None:
    token = f"Bearer {penstock.token}"

    assert await opened(penstock, authorization=token, host="rebound.evil.example") == 421
    await penstock.assert_alive()
