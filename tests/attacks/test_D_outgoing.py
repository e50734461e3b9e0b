"""Row D: where a link that somebody gave may lead. Connections are counted at the socket, whoever begins them.

What Bitbucket's answers lead to, D11 and D12, is asked beside the client, in tests/client.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import fields
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from service.client.exchange import pool
from service.outbound import MOST_BYTES, BadTarget, Outbound, Unreachable
from service.settings import Settings
from service.store import outbox, routes
from service.web.api import OPERATIONS
from tests.client.peer import Peer, answers, drips, never_ends, playing
from tests.living import Living, living
from tests.test_outbound import Names, names  # noqa: F401 - a fixture
from tests.web.people import OPERATOR, OWNER, READER, STRANGER, VIEWER, People, people_of

pytestmark = pytest.mark.anyio

_LOOPBACK = """
    127.0.0.1 127.1 127.0.1 127.255.255.254 0177.0.0.1 0177.1 017700000001 0x7f.1 0x7f000001 0x7F.0x0.0x0.0x1 2130706433
    ①②⑦.⓪.⓪.① 127。0。0。1 0.0.0.0 0 localhost LOCALHOST
    [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1]
    [64:ff9b::127.0.0.1] [2002:7f00:1::]
"""
_PRIVATE = """
    10.0.0.1 10.255.255.255 012.0.0.1 167772161 172.16.0.1 172.31.255.255 192.168.0.1 3232235521 100.64.0.1 192.0.0.8
    192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    [fc00::1] [fe80::1] [fec0::1] [ff02::1] [2001::1] [2001:db8::1] [100::1] [3fff::1] [5f00::1] [::ffff:8.8.8.8]
    [64:ff9b:1::1] [64:ff9b::10.0.0.1]
"""
_METADATA = """
    169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.170.2 [::ffff:169.254.169.254]
    [::ffff:a9fe:a9fe] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::] [fd00:ec2::254]
"""
HOSTS = f"{_LOOPBACK} {_PRIVATE} {_METADATA}".split()

ODD = [
    "http://8.8.8.8/",
    "HTTP://8.8.8.8/",
    "gopher://8.8.8.8/",
    "ftp://8.8.8.8/",
    "file:///etc/passwd",
    "unix:/var/run/docker.sock",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "//8.8.8.8/",
    "https:8.8.8.8",
    "https:///8.8.8.8/",
    "https://user:pass@8.8.8.8/",
    "https://user@8.8.8.8/",
    "https://8.8.8.8@127.0.0.1/",
    "https://8.8.8.8:443@127.0.0.1/",
    "https://8.8.8.8\\@127.0.0.1/",
    "https://127.0.0.1#@8.8.8.8/",
    "https://127.0.0.1?@8.8.8.8/",
    "https://127.0.0.1/@8.8.8.8/",
    "https://127.0.0.1;@8.8.8.8/",
    "https://8.8.8.8:22/",
    "https://8.8.8.8:25/",
    "https://8.8.8.8:80/",
    "https://8.8.8.8:6379/",
    "https://8.8.8.8:0/",
    "https://8.8.8.8:65536/",
    "https://[::1",
]
REFUSED = [*(f"https://{host}/in" for host in HOSTS), *ODD]
PERHAPS = [
    "https://localhost./in",
    "https://127.0.0.1./in",
    "https://metadata.google.internal/",
]  # as the resolver likes

_watching: list[list[tuple[str, int]]] = []


def _see(event: str, args: tuple[Any, ...]) -> None:
    """Counts every connection that this process begins, and lets none leave the machine."""
    if event == "socket.connect" and _watching and args[0].type == socket.SOCK_STREAM and isinstance(args[1], tuple):
        _watching[-1].append(args[1][:2])
        if args[1][0] != "127.0.0.1":
            raise ConnectionRefusedError("no test leaves this machine")


sys.addaudithook(_see)


@pytest.fixture
def connects() -> Iterator[list[tuple[str, int]]]:
    """Where connections were begun, but those of the tests to the service itself."""
    _watching.append([])
    yield _watching[-1]
    _watching.pop()


def elsewhere(connects: list[tuple[str, int]], *known: str) -> list[tuple[str, int]]:
    """Without those to the URLs that are known."""
    return [place for place in connects if not any(url.endswith(f":{place[1]}") for url in known)]


def fields_of(answer: httpx.Response) -> list[str]:
    return [error["field"] for error in answer.json().get("errors", ())]


@pytest.fixture(scope="module")
async def people(penstock: Living) -> People:
    return await people_of(penstock)


@pytest.fixture(scope="module")
async def near(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Living]:
    """A service that may send to this machine."""
    environ = {"PENSTOCK_DATA_DIR": str(tmp_path_factory.mktemp("near")), "PENSTOCK_ALLOW_PRIVATE_TARGETS": "true"}
    async with living(environ) as started:
        yield started


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with playing() as started:
        started.plays(answers())
        yield started


@pytest.fixture
async def trap() -> AsyncIterator[Peer]:
    """Where nothing may ever arrive."""
    async with playing() as started:
        started.plays(answers(b"the trap"))
        yield started


async def added(penstock: Living, url: str, kind: str = "webhook", **more: Any) -> dict[str, Any]:
    wanted = {"name": "ops", "target": {"kind": kind, "url": url, **more}}
    answer = await penstock.client.post("/api/notifications", json=wanted)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def led_to(penstock: Living, number: int, url: str) -> None:
    """As if the link had been saved by a version that let it pass."""
    house, place = penstock.house, secrets.token_hex(16)
    target = house.vault.seal(url.encode(), table="routes", column="target", row=place)
    async with house.recorder.record() as record:
        await routes.change(record.connection, number, target=target, place=place, secret=None)


async def tried(penstock: Living, number: int) -> outbox.Message:
    """Sends a test; the message once it has been tried."""
    answer = await penstock.client.post(f"/api/notifications/{number}/test")
    assert answer.status_code == 202, answer.text
    for _ in range(2000):
        async with penstock.house.database.read() as connection:
            [message] = await outbox.page(connection, number, before=None, limit=1)
        if message.error or message.status != outbox.WAITING:
            return message
        await asyncio.sleep(0.01)
    raise AssertionError("the test was not tried in twenty seconds")


async def test_D1_D2_D3_D7_a_link_that_leads_inside_or_is_odd_is_422_at_saving(
    people: People, connects: list[tuple[str, int]]
) -> None:
    path, public = "/api/notifications", {"kind": "slack", "url": "https://8.8.8.8/"}
    known = await people.made(OPERATOR, path, {"name": "a", "target": public})

    async def saved(link: str) -> list[tuple[int, list[str]]]:
        wanted = {"target": {"kind": "slack", "url": link}}
        making = await people.ask(OPERATOR, "POST", path, {"name": "a", **wanted})
        changing = await people.ask(OPERATOR, "PUT", f"{path}/{known['id']}", wanted)
        return [(one.status_code, fields_of(one)) for one in (making, changing)]

    found = {link: await saved(link) for link in REFUSED}

    assert {link: one for link, one in found.items() if one != [(422, ["target.url"])] * 2} == {}
    assert elsewhere(connects, people.penstock.url) == []


@pytest.mark.parametrize(
    "link",
    [
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://[::ffff:169.254.169.254]/",
        "http://8.8.8.8/",
        "file:///etc/passwd",
    ],
)
async def test_D1_D2_D3_D7_no_such_link_is_connected_to_either_once_it_is_stored(
    penstock: Living, connects: list[tuple[str, int]], link: str
) -> None:
    number = (await added(penstock, "https://8.8.8.8/"))["id"]
    await led_to(penstock, number, link)
    message = await tried(penstock, number)

    assert (message.status, message.answer) == ("waiting", None)
    assert message.error
    assert elsewhere(connects, penstock.url) == []


async def test_D1_D2_D3_D7_the_one_way_out_connects_to_none_of_them(connects: list[tuple[str, int]]) -> None:
    way = Outbound(allow_private=False)
    links = [*REFUSED, *PERHAPS]
    found = await asyncio.gather(*(way.send("POST", link) for link in links), return_exceptions=True)
    await way.close()

    assert {type(one) for one in found} <= {BadTarget, Unreachable}
    assert connects == []


async def test_D1_D2_D3_a_health_check_leads_nowhere_else_than_a_message(people: People) -> None:
    pipeline = await people.pipeline_of(await people.repository())
    path = f"/api/pipelines/{pipeline}/environments/production"

    async def saved(link: str) -> tuple[int, list[str]]:
        answer = await people.ask(OWNER, "PUT", path, {"health_check": {"url": link}})
        return answer.status_code, fields_of(answer)

    found = {link: await saved(link) for link in [f"https://{host}/in" for host in HOSTS]}

    assert {link: one for link, one in found.items() if one != (422, ["health_check.url"])} == {}


async def test_D4_a_name_that_turns_private_after_it_was_saved_is_not_connected_to(
    penstock: Living,
    names: Names,  # noqa: F811
    connects: list[tuple[str, int]],
) -> None:
    names("rebound.example.com", ["8.8.8.8"], ["127.0.0.1"])
    route = await added(penstock, "https://rebound.example.com/")
    message = await tried(penstock, route["id"])

    assert message.error == "rebound.example.com is a private address: PENSTOCK_ALLOW_PRIVATE_TARGETS=true allows that"
    assert elsewhere(connects, penstock.url) == []


async def test_D4_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(
    penstock: Living,
    names: Names,  # noqa: F811
    connects: list[tuple[str, int]],
) -> None:
    names("turning.example.com", ["8.8.8.8"], ["8.8.4.4"], ["127.0.0.1"])
    route = await added(penstock, "https://turning.example.com/")
    await tried(penstock, route["id"])

    assert elsewhere(connects, penstock.url) == [("8.8.4.4", 443)]


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "64:ff9b::a9fe:a9fe"])
async def test_D5_one_private_address_among_public_ones_is_enough(
    penstock: Living,
    names: Names,  # noqa: F811
    connects: list[tuple[str, int]],
    inside: str,
) -> None:
    names("many.example.com", ["8.8.8.8", inside])
    wanted = {"name": "ops", "target": {"kind": "slack", "url": "https://many.example.com/"}}
    saving = await penstock.client.post("/api/notifications", json=wanted)
    names("many.example.com", ["8.8.8.8"], ["8.8.8.8", inside])
    message = await tried(penstock, (await added(penstock, "https://many.example.com/"))["id"])

    assert saving.status_code == 422
    assert "many.example.com is a private address" in (message.error or "")
    assert elsewhere(connects, penstock.url) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_D6_a_redirect_is_a_failed_try_and_leads_nowhere(
    near: Living, peer: Peer, trap: Peer, connects: list[tuple[str, int]], status: int
) -> None:
    peer.plays(answers(b"", status, Location=trap.origin))
    message = await tried(near, (await added(near, peer.origin))["id"])

    assert (message.status, message.answer, message.error) == ("waiting", status, f"it answered {status}")
    assert trap.requests == []
    assert elsewhere(connects, near.url, peer.origin) == []


async def test_D6_no_answer_can_lead_to_any_of_the_forms(peer: Peer, connects: list[tuple[str, int]]) -> None:
    peer.plays(*(answers(b"", 302, Location=link.encode("ascii", "ignore").decode()) for link in REFUSED))
    way = Outbound(allow_private=True)
    for _ in REFUSED:
        with suppress(Unreachable):  # where the answer's Location is no link at all
            assert (await way.send("POST", peer.origin)).status == 302
    await way.close()

    assert len(peer.requests) == len(REFUSED)
    assert elsewhere(connects, peer.origin) == []


async def test_D8_a_test_says_what_became_of_it_and_nothing_of_what_came_back(
    near: Living,
    peer: Peer,
    names: Names,  # noqa: F811
) -> None:
    names("inside.example.com", ["127.0.0.1"])
    peer.plays(answers(b"root:x:0:0:planted-answer", 500, Server="planted-server", Set_Cookie="planted=1"))
    route = await added(near, f"http://inside.example.com:{peer.origin.rpartition(':')[2]}/")
    await tried(near, route["id"])
    shown = [(await near.client.get(f"/api/notifications/{route['id']}{more}")).text for more in ("", "/messages")]
    page = (await near.client.get("/notifications")).text

    assert "it answered 500" in shown[1]
    assert [text for text in shown if "127.0.0.1" in text] == []
    assert [text for text in [*shown, page] if "planted" in text] == []


def test_D9_only_who_starts_the_service_lets_it_speak_to_private_addresses() -> None:
    taken = {name for one in OPERATIONS if one.body for name in getattr(one.body, "__struct_fields__", ())}

    assert "allow_private_targets" in {one.name for one in fields(Settings)}
    assert Settings().allow_private_targets is False
    assert [name for name in taken if "private" in name or "proxy" in name or "redirect" in name] == []


@pytest.mark.parametrize("where", ["", "target", "filter"])
async def test_D9_no_field_of_a_route_lets_it(people: People, where: str) -> None:
    target = {"kind": "slack", "url": "https://127.0.0.1/"}
    wanted: dict[str, Any] = {"name": "a", "target": target, "filter": {}}
    (wanted[where] if where else wanted)["allow_private"] = True
    answer = await people.ask(OPERATOR, "POST", "/api/notifications", wanted)

    assert answer.status_code == 422


async def test_D10_the_secret_of_one_server_signs_nothing_for_another(near: Living, peer: Peer, trap: Peer) -> None:
    given = (await added(near, peer.origin))["target"]["secret"]
    route = await added(near, peer.origin, secret=given)
    moved = await near.client.put(
        f"/api/notifications/{route['id']}", json={"target": {"kind": "webhook", "url": trap.origin}}
    )
    await tried(near, route["id"])
    [asked] = trap.requests

    with pytest.raises(WebhookVerificationError):
        Webhook(given).verify(asked.body, asked.headers)
    assert Webhook(moved.json()["target"]["secret"]).verify(asked.body, asked.headers)


@pytest.mark.parametrize("role", [STRANGER, VIEWER, OPERATOR, READER])
async def test_D10_nobody_else_leads_a_route_elsewhere(people: People, role: str) -> None:
    wanted = {"name": "ops", "target": {"kind": "webhook", "url": "https://8.8.8.8/"}}
    route = await people.made(OWNER, "/api/notifications", wanted)
    target = {"target": {"kind": "webhook", "url": "https://8.8.4.4/"}}
    answer = await people.ask(role, "PUT", f"/api/notifications/{route['id']}", target)

    assert answer.status_code == (403 if role == READER else 404)
    shown = (await people.ask(OWNER, "GET", f"/api/notifications/{route['id']}")).json()["target"]["shown"]
    assert shown == "https://8.8.8.8/…"


async def test_D13_an_answer_without_end_is_read_no_further_than_is_needed_and_not_kept(
    near: Living, peer: Peer
) -> None:
    peer.plays(never_ends())
    way = Outbound(allow_private=True)
    reply = await way.send("POST", peer.origin)
    await way.close()
    message = await tried(near, (await added(near, peer.origin, "discord"))["id"])

    assert len(reply.body) == MOST_BYTES == 16 * 1024
    assert (message.status, message.answer, message.reference) == ("delivered", 200, None)


async def test_D13_an_answer_in_drops_is_given_up(peer: Peer) -> None:
    peer.plays(drips())
    way = Outbound(allow_private=True)

    with pytest.raises(Unreachable, match="no whole answer within"):
        await way.send("POST", peer.origin, timeout=0.3)
    await way.close()


@pytest.mark.parametrize(
    "name", ["../../channels/1", "1/../../x", "1?wait=true", "<script>", "１２", "1" * 40, 7, None]
)
async def test_D13_what_an_answer_calls_a_message_goes_into_no_path_unless_it_is_a_number(
    near: Living, peer: Peer, name: Any
) -> None:
    peer.plays(answers({"id": name}))
    route = await added(near, f"{peer.origin}/api/webhooks/1/x", "discord")
    message = await tried(near, route["id"])
    await tried(near, route["id"])

    assert message.reference is None
    assert {(one.method, one.target) for one in peer.requests} == {("POST", "/api/webhooks/1/x?wait=true")}


async def test_D14_no_proxy_of_the_environment_sees_what_is_sent(
    peer: Peer, trap: Peer, monkeypatch: pytest.MonkeyPatch, connects: list[tuple[str, int]]
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, trap.origin)
        monkeypatch.setenv(name.upper(), trap.origin)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    way = Outbound(allow_private=True)
    reply = await way.send("POST", peer.origin)
    await way.close()
    async with pool() as http:
        await http.get(f"{peer.origin}/2.0/user")

    assert reply.status == 200
    assert [one.target for one in peer.requests] == ["/", "/2.0/user"]
    assert trap.requests == []
    assert elsewhere(connects, peer.origin) == []
