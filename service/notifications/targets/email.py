"""E-mail: plain text and the same in HTML, in one thread for all that is said of one execution.

Sender and receiver are filled in at sending. The message is built by the standard library, which refuses a line break
in a header; titles have none anyway. What separates its parts comes from the message's own name, so that the same
message has the same bytes.
"""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from urllib.parse import urlsplit

from service.notifications.targets.form import Form, facts, links, tail
from service.notifications.wording import one_line
from service.notifications.words import DIGEST, MOODS, Mood, Told, Wording

NOWHERE = "penstock.invalid"
LOG = 8000

COLOURS = {Mood.GOOD: "#2e9e5b", Mood.BAD: "#d13b3b", Mood.WARNING: "#d9a21b", Mood.PLAIN: "#6b7280"}

# No server on the way need know 8-bit text, nor change a byte of it.
POLICY = SMTP.clone(cte_type="7bit")


def _compose(told: Told, words: Wording) -> bytes:
    host = _host(told.url)
    message = EmailMessage(policy=POLICY)
    message["Subject"] = one_line(words.title)
    message["Message-ID"] = f"<{told.key}@{host}>"
    # The thread's root is never sent: readers put together what names the same one.
    message["In-Reply-To"] = message["References"] = f"<{told.lane.replace(' ', '-')}@{host}>"
    message["Date"] = told.at
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(part for part in _plain(told, words) if part) + "\n")
    message.add_alternative(_html(told, words), subtype="html")
    message.set_boundary(f"=_{told.key}")
    return message.as_bytes()


def addressed(body: bytes, *, sender: str, receiver: str) -> bytes:
    """The composed message with its first two lines. Raises ValueError for an address that would add another."""
    head = EmailMessage(policy=POLICY)
    head["From"] = sender
    head["To"] = Address(addr_spec=receiver)
    return head.as_bytes().rstrip(b"\r\n") + b"\r\n" + body


def _host(url: str) -> str:
    """The right side of names: our own host, where it has a name."""
    host = urlsplit(url).hostname or ""
    return host if any(sign.isalpha() for sign in host) and ":" not in host else NOWHERE


def _plain(told: Told, words: Wording) -> list[str]:
    shown = _facts(told)
    width = max((len(label) for label, _ in shown), default=0) + 1
    return [
        words.lead,
        "\n".join(f"{label + ':':<{width}} {text}" for label, text in shown),
        tail(told.log, LOG) if told.log else "",
        words.next_step,
        "\n".join(f"{label}: {url}" for label, url in links(told)),
    ]


def _html(told: Told, words: Wording) -> str:
    colour = COLOURS[MOODS.get(told.event, Mood.PLAIN)]
    rows = "\n".join(f"<tr><td><b>{_text(label)}</b></td><td>{_text(text)}</td></tr>" for label, text in _facts(told))
    parts = [
        f'<h2 style="border-left:4px solid {colour};padding-left:8px">{_text(words.title)}</h2>',
        f"<p>{_text(words.lead)}</p>" if words.lead else "",
        f'<table cellpadding="4">\n{rows}\n</table>' if rows else "",
        f'<pre style="white-space:pre-wrap">{escape(tail(told.log, LOG))}</pre>' if told.log else "",
        f"<p>{_text(words.next_step)}</p>" if words.next_step else "",
        "<p>" + " · ".join(f'<a href="{escape(url)}">{_text(label)}</a>' for label, url in links(told)) + "</p>",
    ]
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html><body style="font-family:sans-serif">\n{body}\n</body></html>\n'


def _text(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _facts(told: Told) -> list[tuple[str, str]]:
    return [] if told.event == DIGEST else facts(told)


FORM = Form(_compose, content_type="message/rfc822")
