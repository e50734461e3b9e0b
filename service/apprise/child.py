"""One message through Apprise's library, in a process of its own.

    python -m service.apprise.child

reads an order from its standard input, writes an answer to its standard output, and ends in time whatever happens.
"""

from __future__ import annotations

import logging
import os
import re
import resource
import signal
import sys
from contextlib import redirect_stdout, suppress
from typing import Any
from urllib.parse import unquote, unquote_plus

import apprise
import msgspec

from service.apprise.guard import UNVERIFIED, Guard
from service.apprise.order import Answer, Message, Order
from service.masking import Masker, forms_of

NO_URL = "that is no URL of a service that Apprise knows: https://appriseit.com/services/ lists them"
NO_WEB = "is not used from here: of Apprise's services, only those that are reached over https"

MOST_MEMORY = 768 * 1024 * 1024
LONGEST = 300  # characters of what the library says
SHORTEST = 3  # characters of a part of a URL that is masked

LOOKING = Message(title="", body="-", type="info")  # never sent

# By what a plugin of the library sends. What is not known to go over HTTP alone is not used.
HTTP, OTHERS = "requests", ("socket", "smtplib", "subprocess", "ssl", "asyncio", "ctypes")


class Lines(logging.Handler):
    """Keeps the library's last complaint."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def carry_out(order: Order) -> Answer:
    lines = Lines(logging.WARNING)
    logging.getLogger("apprise").addHandler(lines)
    guard = Guard(ports=order.ports, only_looks=order.message is None)
    guard.stand()
    plugin = apprise.Apprise.instantiate(order.url, asset=_asset())
    if plugin is None:
        return Answer(guard.refusal or NO_URL)
    if not over_http(type(plugin)):
        return Answer(f"{order.url.partition(':')[0]}:// {NO_WEB}")
    if order.ports is not None and not plugin.verify_certificate:
        return Answer(UNVERIFIED)
    if "overflow=" not in order.url.lower():  # else a service refuses what is too long for it
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    delivered = _notify(plugin, order.message or LOOKING)
    if order.message is None:
        return Answer(guard.refusal)
    return Answer(None if delivered else guard.refusal or _said(lines.last, order.url))


def over_http(plugin: type) -> bool:
    """Whether the plugin's modules send by the library for HTTP, and by nothing else."""
    own = [sys.modules[one.__module__] for one in plugin.__mro__ if one.__module__.startswith("apprise.plugins.")]
    own = [module for module in own if module.__name__ != "apprise.plugins.base"]
    return any(hasattr(one, HTTP) for one in own) and not any(hasattr(one, name) for one in own for name in OTHERS)


def _notify(plugin: Any, message: Message) -> bool:
    through = apprise.Apprise(asset=plugin.asset)
    through.add(plugin)
    form = apprise.NotifyFormat.TEXT
    return bool(
        through.notify(body=message.body, title=message.title, notify_type=message.type, body_format=form)  # type: ignore[arg-type, unused-ignore]
    )


def _asset() -> Any:
    """Nothing is kept, nothing is looked for on disk, and the one message goes from this thread."""
    asset = apprise.AppriseAsset(storage_mode="memory")
    asset.async_mode = False
    asset.app_id, asset.app_desc = "Penstock", "Penstock"
    return asset


def _said(line: str, url: str) -> str:
    if not line:
        return "Apprise did not deliver it, and does not say why"
    return f"Apprise: {masked(' '.join(line.split()), url)[:LONGEST]}"


def masked(text: str, url: str) -> str:
    """The text without any part of the URL but its scheme: which part is secret is for each service to say."""
    parts = set(re.split(r"[/:@?&=#,;+]+", url.partition("://")[2]))
    parts |= {way(part) for part in parts for way in (unquote, unquote_plus)}
    forms = {part.encode() for part in parts if len(part) >= SHORTEST}
    masker = Masker(forms.union(*(forms_of(part) for part in {*parts, url})))
    return (masker.feed(text.encode()) + masker.flush()).decode(errors="replace")


def _bounded(seconds: float) -> None:
    """Ends this process at the limit, also where the one that waits for it is gone."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, MOST_MEMORY)):
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    _bounded(order.seconds)
    with redirect_stdout(sys.stderr):
        answer = carry_out(order)
    os.write(1, msgspec.json.encode(answer))
    os._exit(0)  # a look-up may hang still


if __name__ == "__main__":
    main()
