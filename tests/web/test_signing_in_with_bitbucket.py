"""Signing in by an account at Bitbucket: there and back by real HTTP, and everybody who does not come in that way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from service.settings import BadSetting, from_environ
from service.simulator import MAYA, Actor, Simulator
from service.store import accounts, identities
from service.web.pages.bitbucket import COOKIE, PATIENCE
from tests.living import Living, client_of, living

pytestmark = pytest.mark.anyio

ACCOUNT = "{0d1a7c3f-7c8e-4f1f-9a57-2f9b4c1d7e01}"
LISTED = Actor("Ilse Vogel", uuid=ACCOUNT)


@pytest.fixture
async def bitbucket() -> AsyncIterator[Simulator]:
    async with Simulator.running() as simulator:
        yield simulator


@pytest.fixture
async def penstock(bitbucket: Simulator, tmp_path: Path) -> AsyncIterator[Living]:
    """Lets in the members of acme, and one account more."""
    environ = {
        "PENSTOCK_DATA_DIR": str(tmp_path),
        "PENSTOCK_BITBUCKET_API_URL": bitbucket.url,
        "PENSTOCK_SIGN_IN_CLIENT_ID": "consumer",
        "PENSTOCK_SIGN_IN_CLIENT_SECRET": "its-secret-one",
        "PENSTOCK_SIGN_IN_WORKSPACE": "acme",
        "PENSTOCK_SIGN_IN_ACCOUNTS": ACCOUNT.strip("{}"),
    }
    async with living(environ) as started:
        bitbucket.people.add_consumer("consumer", "its-secret-one", f"{started.url}/sign-in/bitbucket/callback")
        bitbucket.people.join("acme", MAYA)
        yield started


@pytest.fixture
async def browser(penstock: Living) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(penstock.url, follow_redirects=True, trust_env=False) as client:
        yield client


async def users(penstock: Living) -> dict[str, bool]:
    async with penstock.house.database.read() as connection:
        return {one.name: one.is_admin for one in await accounts.list_users(connection)}


async def returned(browser: httpx.AsyncClient) -> str:
    """The address to which Bitbucket sends the browser back, not yet gone to."""
    begun = await browser.get("/sign-in/bitbucket", follow_redirects=False)
    answer = await browser.get(begun.headers["location"], follow_redirects=False)
    return str(answer.headers["location"])


async def test_a_member_of_the_workspace_comes_in_and_gets_an_account_without_rights(
    penstock: Living, browser: httpx.AsyncClient
) -> None:
    assert 'href="/sign-in/bitbucket"' in (await browser.get("/sign-in")).text

    page = await browser.get("/sign-in/bitbucket")

    assert (page.status_code, page.url.path) == (200, "/")
    assert "Maya-Lindqvist" in page.text
    assert await users(penstock) == {"ada": True, "Maya-Lindqvist": False}
    assert (await browser.get("/api/repositories")).json()["items"] == []
    assert (await browser.get("/api/audit")).status_code == 403
    assert COOKIE not in browser.cookies
    [line] = [one for one in (await penstock.get("/api/audit"))["items"] if one["action"] == "session.begun"]
    assert (line["actor"], line["details"]) == ("Maya-Lindqvist", {"by": "bitbucket"})


async def test_the_second_time_it_is_the_same_account_whatever_it_is_called_by_then(
    penstock: Living, bitbucket: Simulator, browser: httpx.AsyncClient
) -> None:
    await browser.get("/sign-in/bitbucket")
    browser.cookies.clear()
    bitbucket.people.signed_in = Actor("Maya Berg", uuid=MAYA.uuid)

    await browser.get("/sign-in/bitbucket")

    assert "Maya-Lindqvist" in (await browser.get("/")).text
    assert set(await users(penstock)) == {"ada", "Maya-Lindqvist"}


async def test_a_listed_account_comes_in_and_a_stranger_does_not(
    penstock: Living, bitbucket: Simulator, browser: httpx.AsyncClient
) -> None:
    bitbucket.people.signed_in = Actor("Eve")
    refused = await browser.get("/sign-in/bitbucket")
    bitbucket.people.signed_in = LISTED
    page = await browser.get("/sign-in/bitbucket")

    assert refused.status_code == 403
    assert "may not come in here" in refused.text
    assert page.url.path == "/"
    assert set(await users(penstock)) == {"ada", "Ilse-Vogel"}


@pytest.mark.parametrize("name", ["ada", "ADA", "ada\u200b", "ada <script>"])
async def test_H3_A15_the_name_of_an_account_here_opens_it_to_nobody_of_that_name_there(
    penstock: Living, bitbucket: Simulator, browser: httpx.AsyncClient, name: str
) -> None:
    impostor = Actor(name, email="ada@example.com")
    bitbucket.people.join("acme", impostor)
    bitbucket.people.signed_in = impostor

    await browser.get("/sign-in/bitbucket")

    found = await users(penstock)
    assert len(found) == 2
    assert [one for one, is_admin in found.items() if is_admin] == ["ada"]
    assert (await browser.get("/api/audit")).status_code == 403


async def test_whoever_is_linked_comes_in_as_the_account_that_is_there(
    penstock: Living, browser: httpx.AsyncClient
) -> None:
    async with penstock.house.recorder.record() as record:
        ada = await accounts.user_named(record.connection, "ada")
        assert ada is not None
        await identities.link(record.connection, ada.id, MAYA.uuid, nickname="", now=record.now)

    await browser.get("/sign-in/bitbucket")

    assert await users(penstock) == {"ada": True}
    assert (await browser.get("/api/audit")).status_code == 200


async def test_H9_a_removed_account_is_out_and_what_comes_again_has_none_of_its_rights(
    penstock: Living, browser: httpx.AsyncClient
) -> None:
    await browser.get("/sign-in/bitbucket")
    async with penstock.house.recorder.record() as record:
        assert await accounts.remove_user(record.connection, "Maya-Lindqvist")

    assert (await browser.get("/api/repositories")).status_code == 401


async def test_before_there_is_an_account_nobody_comes_in_this_way(
    penstock: Living, browser: httpx.AsyncClient
) -> None:
    async with penstock.house.recorder.record() as record:
        await accounts.remove_user(record.connection, "ada")

    refused = await browser.get("/sign-in/bitbucket")

    assert refused.status_code == 403
    assert "The first account is made by the link" in refused.text
    assert await users(penstock) == {}


async def test_who_says_no_at_bitbucket_is_told_so(
    penstock: Living, bitbucket: Simulator, browser: httpx.AsyncClient
) -> None:
    bitbucket.people.consents = False

    refused = await browser.get("/sign-in/bitbucket")

    assert refused.status_code == 403
    assert "was not allowed to say who you are" in refused.text


async def test_what_one_browser_began_no_other_finishes(penstock: Living, browser: httpx.AsyncClient) -> None:
    back = await returned(browser)

    async with client_of(penstock.url, follow_redirects=True) as victim:
        answer = await victim.get(back)
        assert answer.status_code == 403
        assert (await victim.get("/api/repositories")).status_code == 401


@pytest.mark.parametrize("change", [{"state": "another"}, {"state": ""}, {"code": "another"}, {"code": "é" * 3000}])
async def test_another_state_or_code_is_refused(
    penstock: Living, browser: httpx.AsyncClient, change: dict[str, str]
) -> None:
    parts = urlsplit(await returned(browser))
    asked: dict[str, Any] = {name: values[0] for name, values in parse_qs(parts.query).items()} | change

    answer = await browser.get(f"{parts.path}?{urlencode(asked)}")

    assert answer.status_code == 403
    assert (await browser.get("/api/repositories")).status_code == 401
    assert set(await users(penstock)) == {"ada"}


async def test_a_code_counts_once(penstock: Living, browser: httpx.AsyncClient) -> None:
    back = await returned(browser)
    cookies = httpx.Cookies(browser.cookies)
    assert (await browser.get(back)).url.path == "/"

    async with client_of(penstock.url, cookies=cookies) as again:
        assert (await again.get(back)).status_code == 403


async def test_who_takes_too_long_begins_again(
    penstock: Living, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = await returned(browser)
    later = penstock.house.recorder.now() + PATIENCE + timedelta(seconds=1)
    monkeypatch.setattr(penstock.house.recorder, "now", lambda: later)

    assert (await browser.get(back)).status_code == 403


async def test_the_proof_key_goes_along_and_the_secret_does_not(penstock: Living, browser: httpx.AsyncClient) -> None:
    begun = await browser.get("/sign-in/bitbucket", follow_redirects=False)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["location"]).query).items()}

    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == f"{penstock.url}/sign-in/bitbucket/callback"
    assert "its-secret-one" not in str(begun.headers)
    assert asked["state"] not in browser.cookies[COOKIE]
    assert "HttpOnly" in begun.headers["set-cookie"]
    assert "SameSite=lax" in begun.headers["set-cookie"]


async def test_a_bitbucket_that_does_not_answer_lets_nobody_in(tmp_path: Path) -> None:
    async with Simulator.running() as bitbucket:
        environ = {
            "PENSTOCK_DATA_DIR": str(tmp_path),
            "PENSTOCK_BITBUCKET_API_URL": bitbucket.url,
            "PENSTOCK_SIGN_IN_CLIENT_ID": "consumer",
            "PENSTOCK_SIGN_IN_CLIENT_SECRET": "another",
            "PENSTOCK_SIGN_IN_WORKSPACE": "acme",
        }
        async with living(environ) as penstock, client_of(penstock.url) as browser:
            bitbucket.people.add_consumer("consumer", "its-secret-one", penstock.url)
            back = await returned(browser)
            wrong_secret = await browser.get(back)
            await browser.get("/sign-in/bitbucket")
            gone = await returned(browser)
            await bitbucket.cloud.stop()
        assert wrong_secret.status_code == 403
        assert "unauthorized_client" in wrong_secret.text
        assert gone


async def test_without_a_consumer_there_is_no_such_way(tmp_path: Path) -> None:
    async with (
        living({"PENSTOCK_DATA_DIR": str(tmp_path)}) as penstock,
        client_of(penstock.url) as browser,
    ):
        assert (await browser.get("/sign-in/bitbucket")).status_code == 404
        assert "Bitbucket" not in (await browser.get("/sign-in")).text


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"CLIENT_ID": "consumer"}, "SIGN_IN_CLIENT_SECRET"),
        ({"CLIENT_ID": "consumer", "CLIENT_SECRET": "s"}, "SIGN_IN_WORKSPACE"),
    ],
)
def test_a_way_in_for_everybody_is_refused_at_the_start(given: dict[str, str], named: str) -> None:
    with pytest.raises(BadSetting, match=named):
        from_environ({f"PENSTOCK_SIGN_IN_{name}": value for name, value in given.items()})
