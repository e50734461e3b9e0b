"""Mail, handed to a real server on loopback: threaded, in both forms, over TLS, and never kept waiting for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.mail import NOT_SET, Mail, NotSent, read_server
from service.notifications.targets import FORMS
from service.notifications.wording import Wordings
from service.notifications.words import Kind, Told
from tests.notifications.office import Office

pytestmark = pytest.mark.anyio

SENDER = "Penstock <penstock@example.com>"
RECEIVER = "team@example.com"


@dataclass
class Postbox:
    """What a server does with what is handed in. `rcpt` and `data` are its answers."""

    rcpt: str = "250 fine"
    data: str = "250 taken"
    url: str = ""
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str | None, list[str], bool]] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if self.data.startswith("250"):
            found = message_from_bytes(envelope.content, policy=default)
            assert isinstance(found, EmailMessage)
            self.taken.append(found)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos, session.ssl is not None))
        return self.data


@asynccontextmanager
async def listening(box: Postbox, **options: Any) -> AsyncIterator[Postbox]:
    implicit = options.pop("implicit", None)
    made: list[SMTP] = []

    def factory() -> SMTP:
        made.append(SMTP(box, hostname="mail.example.com", loop=asyncio.get_running_loop(), **options))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=implicit)
    box.url = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield box
    finally:
        server.close()
        for one in made:
            if one.transport is not None:
                one.transport.abort()


@dataclass(frozen=True)
class Certificates:
    serving: ssl.SSLContext
    trusting: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A server's certificate for localhost, and who believes it."""
    place: Path = tmp_path_factory.mktemp("certificates")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (place / "both.pem").write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, form, plain))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(place / "both.pem")
    return Certificates(serving, ssl.create_default_context(cadata=pem.decode()))


def mail_to(box: Postbox, *, tls: ssl.SSLContext | None = None, scheme: str = "smtp", more: str = "") -> Mail:
    return Mail(read_server(f"{scheme}://{box.url}{more}"), SENDER, tls=tls)


def told(**more: Any) -> Told:
    known: dict[str, Any] = {"repository": "acme/shop", "branch": "main", "log": "scp: <permission> denied"}
    at, url = datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "https://penstock.example.com/pipelines/1"
    return Told(at=at, url=url, **{"key": "msg_1", "lane": "execution-81", "event": "failed", **known, **more})


def composed(**more: Any) -> bytes:
    one = told(**more)
    return FORMS[Kind.EMAIL].compose(one, Wordings().of(one))


async def test_a_mail_arrives_in_plain_text_and_html_from_and_to_whom_it_should() -> None:
    async with listening(Postbox()) as box:
        await mail_to(box, more="?starttls=never").send(RECEIVER, composed(branch="größer", reason="<b>no</b>"))
    [found] = box.taken
    plain, html = found.get_body(("plain",)), found.get_body(("html",))

    assert (found["From"], found["To"]) == (SENDER, RECEIVER)
    assert box.envelopes == [("penstock@example.com", [RECEIVER], False)]
    assert found["Subject"].startswith("acme/shop: größer failed")
    assert plain is not None
    assert html is not None
    assert "scp: <permission> denied" in plain.get_content()
    assert "scp: &lt;permission&gt; denied" in html.get_content()
    assert "&lt;b&gt;no&lt;/b&gt;" in html.get_content()


def test_the_same_message_has_the_same_bytes_and_a_deployment_is_one_thread() -> None:
    first, again, later, other = (
        composed(),
        composed(),
        composed(key="msg_2", event="succeeded"),
        composed(key="msg_3", lane="execution-82"),
    )
    heads = [message_from_bytes(one, policy=default) for one in (first, later, other)]

    assert first == again
    assert [one["Message-ID"] for one in heads] == [f"<msg_{number}@penstock.example.com>" for number in (1, 2, 3)]
    roots = [(one["References"], one["In-Reply-To"]) for one in heads]
    assert roots[0] == roots[1] == ("<execution-81@penstock.example.com>",) * 2
    assert roots[2] != roots[0]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server cannot tell that TLS was there from the first byte on
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_it_goes_over_tls_with_a_name_and_a_password(certificates: Certificates, scheme: str) -> None:
    asked: list[tuple[bytes, bytes]] = []

    def knows(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        asked.append((given.login, given.password))
        return AuthResult(success=True)

    upgraded: dict[str, Any] = {"tls_context": certificates.serving}
    tls = upgraded if scheme == "smtp" else {"implicit": certificates.serving, "auth_require_tls": False}
    async with listening(Postbox(), authenticator=knows, auth_required=True, **tls) as box:
        box.url = box.url.replace("127.0.0.1", "ada:pass%2Fword@localhost")
        await mail_to(box, tls=certificates.trusting, scheme=scheme).send(RECEIVER, composed())

    assert asked == [(b"ada", b"pass/word")]
    assert len(box.taken) == 1


async def test_a_server_without_starttls_gets_nothing() -> None:
    async with listening(Postbox()) as box:
        with pytest.raises(NotSent, match="is not to be reached: no STARTTLS"):
            await mail_to(box).send(RECEIVER, composed())
    assert box.taken == []


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(certificates: Certificates) -> None:
    async with listening(Postbox(), tls_context=certificates.serving) as box:
        with pytest.raises(NotSent, match="certificate"):
            await mail_to(box).send(RECEIVER, composed())
    assert box.taken == []


@pytest.mark.parametrize("receiver", ["team@example.com\r\nBcc: all@example.com", "team@example.com, b@x.y", "team"])
async def test_an_address_that_is_more_than_one_is_not_written_to(receiver: str) -> None:
    async with listening(Postbox()) as box:
        with pytest.raises(NotSent, match="no address"):
            await mail_to(box, more="?starttls=never").send(receiver, composed())
    assert box.taken == []


async def test_a_server_that_says_nothing_is_given_up() -> None:
    hung_up = asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        hung_up.set()

    silent = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    address = f"smtp://127.0.0.1:{silent.sockets[0].getsockname()[1]}?starttls=never"
    with pytest.raises(NotSent, match=r"did not take it within 0\.2 seconds"):
        await Mail(read_server(address), SENDER).send(RECEIVER, composed(), timeout=0.2)
    silent.close()
    async with asyncio.timeout(10):
        await hung_up.wait()


@pytest.mark.parametrize(
    ("answers", "statuses", "paused"),
    [
        ({"rcpt": "550 no such user"}, ["dead", "waiting"], True),
        ({"data": "554 no thanks"}, ["dead", "dead"], False),
        ({"rcpt": "451 later"}, ["waiting", "waiting"], False),
        ({"data": "452 no room"}, ["waiting", "waiting"], False),
        ({}, ["delivered", "delivered"], False),
    ],
)
async def test_what_a_server_refuses_for_good_is_not_tried_again(
    office: Office, answers: dict[str, str], statuses: list[str], paused: bool
) -> None:
    async with listening(Postbox(**answers)) as box:
        office.carrier._mail = mail_to(box, more="?starttls=never")
        route_id, _ = await office.route(None, target=RECEIVER, kind="email")
        await office.held(pipeline_id=1)
        await office.held(pipeline_id=2)
        await office.work()

    assert await office.statuses(route_id) == statuses
    assert (await office.known(route_id)).paused is paused


async def test_without_a_server_mail_waits_and_says_what_to_set(office: Office) -> None:
    route_id, _ = await office.route(None, target=RECEIVER, kind="email")
    await office.held()
    await office.work()

    assert (await office.known(route_id)).last_error == NOT_SET
    assert await office.statuses(route_id) == ["waiting"]
