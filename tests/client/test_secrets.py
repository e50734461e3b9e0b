"""What is secret is in no message, no repr, no log, and goes to no other host."""

from __future__ import annotations

import base64
import logging
import traceback
from typing import Any

import pytest

from service.bitbucket import requests
from service.bitbucket.answers import AccessToken
from service.client import Assignment, BitbucketError, Clients
from service.client.authorization import Basic, Bearer
from service.simulator import Repository, Simulator
from service.store.database import Database
from service.vault import Vault
from tests.client.conftest import SHOP, TOKEN, Asking, add_credential
from tests.client.peer import Peer, Script, answers, hangs_up, says, stalls

pytestmark = pytest.mark.anyio

VALUE = "correct-horse-battery-staple"
SECRETS = (TOKEN, VALUE, base64.b64encode(f"maya@example.com:{TOKEN}".encode()).decode())

YAML = "pipelines: {default: [{step: {script: [a]}}]}"

ECHO = {"error": {"message": f"No: Bearer {TOKEN}", "detail": f"value {VALUE}", "fields": {"secret": VALUE}}}

CALLS = {
    "a run": lambda client: client.start_run(SHOP, branch="main", variables=[Assignment("K", VALUE, secured=True)]),
    "an on-demand run": lambda client: client.start_run(
        SHOP, branch="main", variables=[Assignment("K", VALUE, secured=True)], yaml="pipelines: {}"
    ),
    "a variable": lambda client: client.create_variable(SHOP, Assignment("K", VALUE, secured=True)),
    "a webhook": lambda client: client.create_hook(
        SHOP, url="https://p.example.com", events=["repo:push"], secret=VALUE, description=""
    ),
}

FAILURES: dict[str, Script] = {
    "echoed": answers(ECHO, 400),
    "echoed, unauthorized": answers(ECHO, 401),
    "echoed, forbidden": answers(ECHO, 403),
    "echoed, missing": answers(ECHO, 404),
    "echoed, taken": answers(ECHO, 409),
    "echoed as text": answers(f"{TOKEN} {VALUE}".encode(), 400, Content_Type="text/plain"),
    "echoed in a header": answers(b"", 302, Location=f"https://evil.example.com/{TOKEN}"),
    "echoed outside HTTP": says(TOKEN.encode() + b"\r\n"),
    "hung up": hangs_up(),
    "stalled": stalls(),
}


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_F3_a_failure_says_nothing_secret_however_it_is_shown(
    asking: Asking, peer: Peer, call: Any, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    peer.plays(script)
    with pytest.raises(BitbucketError) as caught:
        await call(asking.client)
    logging.getLogger("test").error("it failed", exc_info=caught.value)
    error = caught.value
    shown = "\n".join([str(error), repr(error), str(vars(error)), *traceback.format_exception(error), caplog.text])

    assert [secret for secret in SECRETS if secret in shown] == []


async def test_F2_nothing_secret_is_logged_when_all_goes_well(
    clients: Clients,
    sqlite: Database,
    vault: Vault,
    shop: Repository,
    bitbucket: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    client = await clients.of((await add_credential(sqlite, vault)).id)
    run = await shop.start_run("main")
    await run.advance_to("Build")
    await run.write("+ make\n")
    await run.finish("SUCCESSFUL")
    await client.start_run(
        SHOP,
        branch="main",
        variables=[Assignment("K", VALUE, secured=True)],
        yaml="pipelines: {default: [{step: {script: [a]}}]}",
    )
    await client.log(SHOP, run.uuid, run.step("Build").uuid, offset=0, limit=100)

    # what the simulator's server writes is not ours
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn"))
    assert [secret for secret in (*SECRETS, "X-Amz-Signature") if secret in ours] == []


async def test_a_cookie_that_one_credential_got_is_not_sent_with_another(asking: Asking, peer: Peer) -> None:
    peer.plays(answers({"values": []}, Set_Cookie="session=of-the-first; Path=/"))
    for _ in range(2):
        await asking.client.runs(SHOP)

    assert ["cookie" in request.headers for request in peer.requests] == [False, False]


@pytest.mark.parametrize(
    "value",
    [
        Assignment("K", VALUE, secured=True),
        requests.create_variable(SHOP, Assignment("K", VALUE, secured=True), None),
        requests.start_on_demand(
            SHOP, "", branch="main", commit=None, custom=None, variables=[Assignment("K", VALUE, secured=True)]
        ),
        requests.create_hook(SHOP, url="", events=(), secret=VALUE, description=""),
        Bearer(TOKEN),
        Basic("maya@example.com", TOKEN),
        AccessToken(access_token=TOKEN),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_a_secret_does_not_show_it(value: object) -> None:
    assert [secret for secret in SECRETS if secret in f"{value!r} {value}"] == []


async def test_a_credential_of_the_store_shows_not_even_its_sealed_secret(sqlite: Database, vault: Vault) -> None:
    credential = await add_credential(sqlite, vault)

    assert str(credential.secret) not in repr(credential)
    assert "secret" not in repr(credential)
