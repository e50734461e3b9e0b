"""Mail, handed to the one server that the operator has set.

Who is written to comes from people, where it is handed in does not: so the address is checked and the server is not.
Mail goes out over TLS, with a certificate that holds, unless the operator turns that off; a password never does
without it.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from service.notifications.targets.email import addressed
from service.settings import Settings

SECONDS = 30.0  # for all of one mail, the wait for a connection included
AT_ONCE = 4  # connections

NOT_SET = "no mail is sent from here: set PENSTOCK_SMTP_URL and PENSTOCK_MAIL_FROM"


class NotSent(Exception):
    """The mail was not taken. `status` is the server's answer, None where there was none.

    `refused` is what a permanent answer was about: "receiver" or "message".
    """

    def __init__(self, why: str, status: int | None = None, refused: str | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.refused = refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where mail is handed in. `implicit` is TLS from the first byte on, `upgraded` is TLS by STARTTLS."""

    host: str
    port: int
    implicit: bool
    upgraded: bool
    username: str | None
    password: str | None = field(repr=False)


def read_server(url: str) -> Server:
    """Of a URL that the settings have checked."""
    parts = urlsplit(url)
    implicit = parts.scheme == "smtps"
    upgraded = not implicit and parse_qs(parts.query).get("starttls") != ["never"]
    usual = 465 if implicit else 587 if upgraded else 25
    return Server(
        host=parts.hostname or "",
        port=parts.port or usual,
        implicit=implicit,
        upgraded=upgraded,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or "") if parts.username else None,
    )


class Mail:
    """The way out for mail. `tls` says whose certificates count, the system's without it."""

    def __init__(self, server: Server, sender: str, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._sender = sender
        self._tls = tls or ssl.create_default_context()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def send(self, receiver: str, body: bytes, *, timeout: float = SECONDS) -> None:
        """Hands in a composed message. Raises NotSent, whose words name the server and no more than its answer."""
        try:
            whole = addressed(body, sender=self._sender, receiver=receiver)
        except (ValueError, IndexError):
            raise NotSent("that is no address to write to", refused="receiver") from None
        host = self._server.host
        try:
            async with asyncio.timeout(timeout), self._room:
                await self._hand_in(receiver, whole)
        except TimeoutError:
            raise NotSent(f"{host} did not take it within {timeout:g} seconds") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            raise NotSent(f"{host} answered {code}", code, "receiver" if code >= 500 else None) from None
        except aiosmtplib.SMTPDataError as error:
            refused = "message" if error.code >= 500 else None
            raise NotSent(f"{host} answered {error.code}", error.code, refused) from None
        except aiosmtplib.SMTPAuthenticationError as error:
            raise NotSent(f"{host} refused the name and password of PENSTOCK_SMTP_URL", error.code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise NotSent(f"{host} answered {error.code}", error.code) from None
        except ssl.SSLError:
            raise NotSent(f"{host} has no certificate that holds") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotSent(f"{host} is not to be reached: {_why(error)}") from None

    async def _hand_in(self, receiver: str, whole: bytes) -> None:
        server = self._server
        own = parseaddr(self._sender)[1]
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.implicit,
            start_tls=server.upgraded,
            tls_context=self._tls if server.implicit or server.upgraded else None,
            local_hostname=own.partition("@")[2],
            timeout=SECONDS,
        )
        try:
            await client.connect()
            if server.username is not None:
                await client.login(server.username, server.password or "")
            await client.sendmail(own, [receiver], whole)
            with suppress(aiosmtplib.SMTPException, OSError):  # it has been taken, whatever is said now
                await client.quit(timeout=2)
        finally:
            client.close()


def mail_of(settings: Settings, *, tls: ssl.SSLContext | None = None) -> Mail | None:
    """None where no server is set."""
    return Mail(read_server(settings.smtp_url), settings.mail_from, tls=tls) if settings.smtp_url else None


def _why(error: Exception) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return "its certificate does not hold"
    if isinstance(error, aiosmtplib.SMTPConnectTimeoutError):
        return "no connection in time"
    lacking = next((word for word in ("STARTTLS", "AUTH") if word in str(error)), None)
    return f"no {lacking}" if lacking else "no connection"
