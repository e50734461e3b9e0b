"""E-mail: plain text, in one thread for all that is said of one execution.

Sender and receiver are filled in at sending. The message is built by the standard library, which refuses a line break
in a header; titles have none anyway.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from service.notifications.targets.form import Form, facts, links, tail
from service.notifications.wording import one_line
from service.notifications.words import DIGEST, Told, Wording

HOST = "penstock.invalid"
LOG = 8000


def _compose(told: Told, words: Wording) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = one_line(words.title)
    message["Message-ID"] = f"<{told.key}@{HOST}>"
    message["References"] = f"<{told.lane}@{HOST}>"
    message["Date"] = told.at
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(part for part in _parts(told, words) if part) + "\n")
    return message.as_bytes()


def _parts(told: Told, words: Wording) -> list[str]:
    shown = [] if told.event == DIGEST else facts(told)
    width = max((len(label) for label, _ in shown), default=0) + 1
    return [
        words.lead,
        "\n".join(f"{label + ':':<{width}} {text}" for label, text in shown),
        tail(told.log, LOG) if told.log else "",
        words.next_step,
        "\n".join(f"{label}: {url}" for label, url in links(told)),
    ]


FORM = Form(_compose, content_type="message/rfc822")
