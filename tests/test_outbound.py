"""The one way out for links that people gave: what it refuses, what it asks, what it takes for an answer."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service import outbound
from service.addresses import is_public
from service.outbound import BadTarget, Outbound, Unreachable
from tests.client.conftest import unused_port  # noqa: F401 - a fixture
from tests.client.peer import Peer, Script, answers, drips, hangs_up, never_ends, playing, resets, says, stalls

pytestmark = pytest.mark.anyio

SECRET = "T000/B000/a-secret-in-a-link"


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with playing() as started:
        yield started


@pytest.fixture
async def guarded() -> AsyncIterator[Outbound]:
    way = Outbound(allow_private=False)
    yield way
    await way.close()


@pytest.fixture
async def open_way() -> AsyncIterator[Outbound]:
    way = Outbound(allow_private=True)
    yield way
    await way.close()


Names = Callable[..., None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """`names("hooks.example.com", ["8.8.8.8"], ["127.0.0.1"])`: what each look-up finds, the last one for ever."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host not in known:
            return real(host, port, *args, **kwargs)
        found = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return [entry for address in found for entry in real(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return lambda host, *found: known.__setitem__(host, list(found))


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("", "no host is no web link"),
        ("hooks.example.com/1", "no web link"),
        ("gopher://hooks.example.com/1", "no web link"),
        ("unix:/var/run/docker.sock", "no web link"),
        ("https://user:pass@8.8.8.8/", "a name or a password"),
        ("https://8.8.8.8\\@127.0.0.1/", "a name or a password"),
        ("https://[::1", "no link"),
        ("https://8.8.8.8:99:1/", "no link"),
        ("https://8.8.8.8\r\nHost: x/", "no link"),
        ("https://8.8.8.8/" + "x" * 2048, "more than 2048 characters"),
        ("http://8.8.8.8/", "without TLS"),
        ("HTTP://8.8.8.8/", "without TLS"),
        ("https://8.8.8.8:22/", "at port 22"),
        ("https://8.8.8.8:0/", "at port 0"),
        ("https://nowhere.invalid/", "nowhere.invalid is not found"),
        ("https://127.0.0.1/", "127.0.0.1 is a private address"),
    ],
)
async def test_a_link_that_nothing_may_be_sent_to_is_refused_with_the_reason(
    guarded: Outbound, link: str, why: str
) -> None:
    with pytest.raises(BadTarget, match=why):
        await guarded.check(link)


async def test_public_names_are_let_pass(guarded: Outbound, names: Names) -> None:
    names("hooks.example.com", ["8.8.8.8", "2606:4700::1111"])

    await guarded.check("https://hooks.example.com/services/T0/B0/x")
    await guarded.check("https://hooks.example.com:8443/")


async def test_one_private_address_among_public_ones_is_enough_to_refuse(guarded: Outbound, names: Names) -> None:
    names("hooks.example.com", ["8.8.8.8", "10.0.0.1"])

    with pytest.raises(BadTarget, match=r"hooks\.example\.com is a private address"):
        await guarded.check("https://hooks.example.com/")


async def test_a_name_that_turned_private_since_it_was_saved_is_not_connected_to(
    guarded: Outbound, names: Names, connects: list[Any]
) -> None:
    names("hooks.example.com", ["8.8.8.8"], ["127.0.0.1"])
    await guarded.check("https://hooks.example.com/")

    with pytest.raises(BadTarget, match="private address"):
        await guarded.send("POST", "https://hooks.example.com/", content=b"{}")
    assert connects == []


async def test_the_connection_goes_to_the_address_that_was_checked(
    open_way: Outbound, names: Names, peer: Peer
) -> None:
    names("hooks.example.com", ["127.0.0.1"], ["127.0.0.99"])
    peer.plays(answers(b"ok"))
    port = peer.origin.rpartition(":")[2]
    reply = await open_way.send("POST", f"http://hooks.example.com:{port}/a?b=%2F#c", content=b"{}")
    [asked] = peer.requests

    assert (reply.status, reply.body) == (200, b"ok")
    assert (asked.method, asked.target, asked.body) == ("POST", "/a?b=%2F", b"{}")
    assert asked.headers["host"] == f"hooks.example.com:{port}"


async def test_no_caller_can_say_which_host_is_meant(open_way: Outbound, peer: Peer) -> None:
    peer.plays(answers())
    await open_way.send("GET", peer.origin, headers={"host": "elsewhere.example.com", "X-A": "b"})
    [asked] = peer.requests

    assert (asked.headers["host"], asked.headers["x-a"]) == (peer.origin.removeprefix("http://"), "b")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(open_way: Outbound, peer: Peer, status: int) -> None:
    peer.plays(answers(b"", status, Location=f"{peer.origin}/again"))

    assert (await open_way.send("POST", peer.origin)).status == status
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (hangs_up(), "the connection broke"),
        (resets(b"abc"), "the connection broke"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "the connection broke"),
        (stalls(), "no whole answer within 0.3 seconds"),
        (drips(), "no whole answer within 0.3 seconds"),
    ],
    ids=["hangs up", "resets", "speaks no HTTP", "stalls", "drips"],
)
async def test_a_target_that_gives_no_answer_is_unreachable(
    open_way: Outbound, peer: Peer, script: Script, why: str
) -> None:
    peer.plays(script)

    with pytest.raises(Unreachable, match=why) as caught:
        await open_way.send("POST", f"{peer.origin}/{SECRET}", timeout=0.3)
    assert SECRET not in f"{caught.value} {caught.value!r}"
    assert not caught.value.unsent


@pytest.mark.parametrize(
    "script", [never_ends(), answers(b"x" * 100_000, Content_Encoding="gzip")], ids=["endless", "compressed"]
)
async def test_no_more_of_an_answer_is_read_than_was_asked_for(open_way: Outbound, peer: Peer, script: Script) -> None:
    peer.plays(script)
    reply = await open_way.send("POST", peer.origin, most_bytes=1000)

    assert (reply.status, len(reply.body)) == (200, 1000)


async def test_where_nobody_listens_nothing_was_sent(open_way: Outbound, unused_port: int) -> None:  # noqa: F811
    with pytest.raises(Unreachable, match="no connection") as caught:
        await open_way.send("POST", f"http://127.0.0.1:{unused_port}/")
    assert caught.value.unsent


async def test_a_name_that_is_not_found_at_sending_may_be_found_later(guarded: Outbound) -> None:
    with pytest.raises(Unreachable, match="is not found") as caught:
        await guarded.send("POST", "https://nowhere.invalid/")
    assert caught.value.unsent


async def test_the_next_address_of_a_name_is_tried_where_the_first_takes_no_connection(
    open_way: Outbound, names: Names, peer: Peer
) -> None:
    names("hooks.example.com", ["127.0.0.77", "127.0.0.1"])
    peer.plays(answers(b"ok"))

    reply = await open_way.send("POST", f"http://hooks.example.com:{peer.origin.rpartition(':')[2]}/")
    assert reply.body == b"ok"


async def test_names_that_are_not_answered_hold_up_no_others(
    open_way: Outbound, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked, let_go = socket.getaddrinfo, [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def look_up(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "silent.example.com":
            asked.append(host)
            asyncio.run_coroutine_threadsafe(let_go.wait(), loop).result(timeout=20)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    peer.plays(answers(b"ok"))
    silent = [asyncio.create_task(open_way.send("GET", "http://silent.example.com/")) for _ in range(50)]
    reply = await open_way.send("GET", peer.origin, timeout=5)

    assert (reply.body, len(asked)) == (b"ok", 1)
    let_go.set()
    await asyncio.gather(*silent, return_exceptions=True)


async def test_the_certificate_must_be_the_names_and_not_the_addresss(names: Names, tmp_path: Path) -> None:
    names("hooks.example.com", ["127.0.0.1"])
    names("other.example.com", ["127.0.0.1"])
    async with tls_server("hooks.example.com", tmp_path) as (port, trusting):
        way = Outbound(allow_private=True, tls=trusting)
        right = await way.send("POST", f"https://hooks.example.com:{port}/")

        # with a connection to the same address open: it is the other name's
        with pytest.raises(Unreachable, match="no connection"):
            await way.send("POST", f"https://other.example.com:{port}/")
        await way.close()
    assert right.body == b"hooks.example.com"


async def test_connections_of_many_hosts_are_let_go_again(
    open_way: Outbound, names: Names, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "MOST_HOSTS", 3)
    peer.plays(answers(b"ok"))
    port = peer.origin.rpartition(":")[2]
    for number in range(10):
        names(f"{number}.example.com", ["127.0.0.1"])
    await asyncio.gather(*(open_way.send("GET", f"http://{number}.example.com:{port}/") for number in range(10)))

    assert (len(peer.requests), len(open_way._hosts)) == (10, 3)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("172.31.255.255", False),
        ("172.32.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("fd00::1", False),
        ("fe80::1", False),
    ],
)
def test_an_address_is_public_or_not_however_it_is_written(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where a connection was begun: at the socket, whoever begins it."""
    begun: list[Any] = []

    class Counting(socket.socket):
        def connect(self, address: Any) -> None:
            if self.type == socket.SOCK_STREAM:
                begun.append(address)
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Counting)
    return begun


@asynccontextmanager
async def tls_server(name: str, folder: Path) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """A server that answers with the name it was asked for; its port, and who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    chain = certificate.public_bytes(pem)
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + chain)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "server.pem")
    asked_for: list[str] = []
    serving.sni_callback = lambda _socket, server_name, _context: asked_for.append(server_name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = asked_for[-1].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
    try:
        yield server.sockets[0].getsockname()[1], ssl.create_default_context(cadata=chain.decode())
    finally:
        server.close()
