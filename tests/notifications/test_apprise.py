"""Messages by Apprise's library: what arrives, what is told of what does not, and where its process may not reach."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.apprise import guard as guarding
from service.apprise.guard import Guard, OnlyLooked
from service.apprise.way import Apprise, NotTaken
from service.notifications.targets import FORMS
from service.notifications.wording import Wordings
from service.notifications.words import Event, Kind
from tests.client.peer import Peer, answers, drips, playing
from tests.notifications.office import Office
from tests.notifications.samples import sample
from tests.test_outbound import Names, names  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
KEY = "planted-in-a-url"
TOLD = sample(Event.FAILED)
BODY = FORMS[Kind.APPRISE].compose(TOLD, Wordings().of(TOLD))


@pytest.fixture
async def trap() -> AsyncIterator[Peer]:
    """Where nothing may ever arrive."""
    async with playing() as started:
        started.plays(answers())
        yield started


def url_of(peer: Peer, path: str = "") -> str:
    return f"{peer.origin.replace('http', 'json', 1)}/{path}"


def children() -> list[str]:
    """The commands that this process has started and not ended."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.append(Path(f"/proc/{number}/cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended meanwhile
            continue
    return [one for one in found if "service.apprise" in one]


# What arrives


async def test_a_message_arrives_at_what_the_url_names(office: Office, peer: Peer) -> None:
    peer.plays(answers())
    office.carrier._apprise = Apprise(allow_private=True)
    route_id, _ = await office.route(None, target=url_of(peer, KEY), kind="apprise")
    await office.held()
    await office.work()
    [asked] = peer.requests
    said = json.loads(asked.body)

    assert await office.statuses(route_id) == ["delivered"]
    assert asked.target == f"/{KEY}"
    assert said["type"] == "warning"
    assert "production" in said["title"]
    assert "reason 0" in said["message"]


async def test_what_was_not_taken_is_told_without_the_url_and_arrives_later(office: Office, peer: Peer) -> None:
    peer.plays(answers({"error": "planted-answer"}, 404), answers())
    office.carrier._apprise = Apprise(allow_private=True)
    target = url_of(peer, KEY).replace("//", f"//ada:{KEY}@")
    route_id, _ = await office.route(None, target=target, kind="apprise")
    await office.held()
    await office.work()
    [waiting] = await office.messages(route_id)
    office.pass_time(hours=1)
    await office.work()

    assert waiting.status == "waiting"
    assert waiting.error is not None
    assert waiting.error.startswith("Apprise: Failed to send JSON")
    assert waiting.error.endswith("error=404.")
    assert "planted" not in waiting.error
    assert await office.statuses(route_id) == ["delivered"]
    assert [one.body for one in peer.requests] == [peer.requests[0].body] * 2


# What does not


async def test_this_machine_is_not_reached_unless_that_is_allowed(peer: Peer) -> None:
    peer.plays(answers())
    with pytest.raises(NotTaken, match="PENSTOCK_ALLOW_PRIVATE_TARGETS=true allows that"):
        await Apprise(allow_private=False).send(url_of(peer), BODY)

    assert peer.requests == []


async def test_an_answer_that_does_not_end_is_given_up_and_its_process_ended(peer: Peer) -> None:
    peer.plays(drips())
    with pytest.raises(NotTaken, match="not done within 3 seconds"):
        await Apprise(allow_private=True, seconds=3).send(url_of(peer), BODY)

    assert children() == []


async def test_who_no_longer_waits_leaves_no_process_behind(peer: Peer) -> None:
    peer.plays(drips())
    sending = asyncio.create_task(Apprise(allow_private=True).send(url_of(peer), BODY))
    command = ""
    for _ in range(1000):
        command = " ".join(children())
        if command:
            break
        await asyncio.sleep(0.05)
    sending.cancel()
    await asyncio.wait([sending])

    assert command
    assert "json://" not in command
    assert children() == []


async def test_a_redirect_is_an_answer_and_a_proxy_of_the_environment_is_not_asked(
    peer: Peer, trap: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, trap.origin)
        monkeypatch.setenv(name.upper(), trap.origin)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    peer.plays(answers(b"", 302, Location=f"{trap.origin}/"))
    with pytest.raises(NotTaken, match="error=302"):
        await Apprise(allow_private=True).send(url_of(peer, "?redirect=yes"), BODY)

    assert len(peer.requests) == 1
    assert trap.requests == []


@pytest.mark.parametrize(
    ("url", "found", "refusal"),
    [
        ("https://hooks.example.com/x", ["8.8.8.8"], None),
        ("https://hooks.example.com:8443/x", ["8.8.8.8", "2001:4860:4860::8888"], None),
        ("https://hooks.example.com/x", ["127.0.0.1"], guarding.PRIVATE),
        ("https://hooks.example.com/x", ["8.8.8.8", "10.0.0.1"], guarding.PRIVATE),
        ("https://hooks.example.com/x", ["169.254.169.254"], guarding.PRIVATE),
        ("https://hooks.example.com/x", ["::ffff:127.0.0.1"], guarding.PRIVATE),
        ("https://hooks.example.com:22/x", ["8.8.8.8"], guarding.WRONG_PORT),
        ("http://hooks.example.com/x", ["8.8.8.8"], guarding.WITHOUT_TLS),
        ("http://hooks.example.com:443/x", ["8.8.8.8"], guarding.WITHOUT_TLS),
    ],
)
def test_every_address_that_a_name_leads_to_is_looked_at(
    names: Names,  # noqa: F811
    url: str,
    found: list[str],
    refusal: str | None,
) -> None:
    names("hooks.example.com", found)
    guard = Guard(ports=[443, 8443], only_looks=True)
    with pytest.raises(PermissionError if refusal else OnlyLooked):
        guard.before_request(url)

    assert guard.refusal == refusal


async def test_behind_the_guard_nothing_is_opened_started_or_reached_that_was_not_checked(
    tmp_path: Path, trap: Peer
) -> None:
    host, port = trap.origin.removeprefix("http://").split(":")
    tries = {
        "read": f"open({str(tmp_path / 'a')!r})",
        "write": f"open({str(tmp_path / 'b')!r}, 'w')",
        "write into the libraries": "open(os.__file__, 'a')",
        "passwords": "open('/etc/passwd')",
        "by a link": f"open({str(tmp_path / 'link')!r})",
        "start": "subprocess.run(['true'])",
        "shell": "os.system('true')",
        "fork": "os.fork()",
        "connect unchecked": f"socket.socket().connect(({host!r}, {port}))",
        "local socket": "socket.socket(socket.AF_UNIX).connect('/dev/log')",
        "datagram": f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ({host!r}, {port}))",
        "listen": "socket.socket().bind(('127.0.0.1', 0))",
        "connect checked": f"socket.create_connection(({host!r}, {port})).close()",
        "load": "__import__('wave')",
    }
    (tmp_path / "a").write_text("secret")
    (tmp_path / "link").symlink_to("/etc/passwd")
    script = f"""
import os, socket, subprocess
from service.apprise.guard import Guard
Guard(ports=None, only_looks=False).stand()
for name, what in {tries!r}.items():
    try:
        exec(what)
    except PermissionError:
        print(name)
"""
    pipes: dict[str, Any] = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    ran = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=ROOT, **pipes)
    said, complaints = await ran.communicate()

    assert complaints == b""
    assert said.decode().splitlines() == [name for name in tries if name not in ("connect checked", "load")]


# What is used of the library


@pytest.fixture(scope="module")
def plugins() -> dict[str, Any]:
    """Each of the library's schemes with what serves it, here and now."""
    with warnings.catch_warnings(action="ignore"):
        apprise = pytest.importorskip("apprise")
        listed = apprise.manager_plugins.NotificationManager()
        return {scheme: listed[scheme] for scheme in listed.schemas()}


LOCAL = "syslog rsyslog mailto mailtos dbus qt kde glib gnome macosx windows growl irc mqtt xmpp amqp aprs smpp"
WEB = "json jsons ntfy ntfys matrixs tgram slack gotifys pover opsgenie jira zulip"


@pytest.mark.parametrize(
    ("scheme", "used"), [*((one, False) for one in LOCAL.split()), *((one, True) for one in WEB.split())]
)
def test_only_what_goes_over_http_is_used(plugins: dict[str, Any], scheme: str, used: bool) -> None:
    from service.apprise.child import over_http

    assert over_http(plugins[scheme]) is used


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Failed to send to hooks.example.com.", "Failed to send to ****."),
        ("invalid token tok/en%1 of ada", "invalid token **** of ****"),
        ("invalid token tok%2Fen%251", "invalid token ****"),
        ("topic alerts-of-acme, error=403", "topic ****, error=403"),
        ("see json://ada:tok%2Fen%251@hooks.example.com/alerts-of-acme?x=word or so", "see **** or so"),
        ("Failed to post to /alerts-of-acme?word", "Failed to post to /****?****"),
    ],
)
def test_no_part_of_a_url_is_in_what_the_library_says(line: str, shown: str) -> None:
    pytest.importorskip("apprise")
    from service.apprise.child import masked

    url = "json://ada:tok%2Fen%251@hooks.example.com/alerts-of-acme?x=word"
    assert masked(line, url) == shown
