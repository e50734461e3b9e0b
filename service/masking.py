"""Keeps secrets out of logs: bytes in, in chunks of any size; bytes out, in which no form of a secret is left.

What is masked is the union of all places where a form of a secret stands; each run of such places becomes `****`. That
does not depend on where the chunks were cut: the end of a chunk that may yet become a secret is held back, and no more
than that. Beside the secret as it is, the forms in which shells, JSON, URLs and base64 show it are looked for, and
each line of a secret of several lines. It is a net, not a wall: a secret printed backwards gets through, and the README
says so.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = b"****"

# A shorter text would mask half of every log: `PORT=8080` is no secret. The API refuses shorter secrets by this number.
SHORTEST = 8


def forms_of(secret: str) -> frozenset[bytes]:
    """Every byte string by which `secret` is recognised; none for one that is too short."""
    forms: set[bytes] = set()
    for text in {secret, secret.strip(), *secret.splitlines(), *map(str.strip, secret.splitlines())}:
        if len(text) >= SHORTEST:
            forms |= _spellings(text)
    return frozenset(form for form in forms if len(form) >= SHORTEST)


def _spellings(text: str) -> set[bytes]:
    raw = text.encode("utf-8", "surrogatepass")
    as_json = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    in_url = {quote(raw, safe=safe) for safe in ("", "/", "~")} | {quote_plus(raw)}
    in_shell = {shlex.quote(text)[1:-1] if shlex.quote(text) != text else text, text.replace('"', '\\"')}
    written = {*as_json, *(word.replace("/", "\\/") for word in as_json), *in_url, *in_shell}
    lower = {word.replace("%2F", "%2f").replace("%3D", "%3d").replace("%2B", "%2b") for word in in_url}
    return {raw, *(word.encode("utf-8", "surrogatepass") for word in written | lower), *_in_base64(raw)}


def _in_base64(raw: bytes) -> set[bytes]:
    """The part of any base64 text that holds `raw` and does not depend on its neighbours, at each of three offsets."""
    found = set()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw)
        begin = -(-before * 8 // 6)  # the first character that holds no bit of what stands before
        end = (before + len(raw)) * 8 // 6
        found |= {text[begin:end], text[begin:end].replace(b"+", b"-").replace(b"/", b"_")}
    return found


class Masker:
    """Masks one stream. `feed` takes the next bytes and answers what is decided; `flush` ends the stream.

    `held` is the number of bytes taken and not yet answered for. To go on after a restart: feed a new masker, made with
    `state`, from that many bytes before.
    """

    def __init__(self, forms: Iterable[bytes], state: int = -1) -> None:
        # a form that holds another one masks no more than it, but for what it adds
        self._forms = sorted(set(forms), key=len)
        self._carry = b""
        # Bytes of the carry that belong to a run whose mask is out already; -1: no run is open at its beginning.
        self._covered = state

    @property
    def held(self) -> int:
        return len(self._carry)

    @property
    def state(self) -> int:
        return self._covered

    def feed(self, chunk: bytes) -> bytes:
        buffer = self._carry + chunk if self._carry else chunk
        return self._decide(buffer, self._live_from(buffer))

    def flush(self) -> bytes:
        """What was held back: nothing can make a secret of it any more."""
        return self._decide(self._carry, len(self._carry))

    def _decide(self, buffer: bytes, cut: int) -> bytes:
        out = []
        at = 0
        open_run = self._covered >= 0
        for begin, end in _joined(self._places(buffer)):
            if begin >= cut and not (open_run and begin <= at):
                break
            if not (open_run and begin <= at):
                out += [buffer[at:begin], MASK]
            at, open_run = max(at, end), True
            if at >= cut:
                break
            if buffer[at : at + 1]:
                open_run = False
        out.append(buffer[at:cut])
        self._carry = buffer[cut:]
        self._covered = at - cut if open_run and at >= cut else -1
        return b"".join(out)

    def _places(self, buffer: bytes) -> list[tuple[int, int]]:
        """Where a form stands, and what of the buffer's beginning is covered already; in order."""
        places = [(0, self._covered)] if self._covered > 0 else []
        for form in self._forms:
            at = buffer.find(form)
            while at >= 0:
                places.append((at, at + len(form)))
                at = buffer.find(form, at + 1)
        return sorted(places)

    def _live_from(self, buffer: bytes) -> int:
        """Where the end begins that may yet become a form: the longest suffix that some form begins with."""
        live = len(buffer)
        for form in self._forms:
            tail = max(0, len(buffer) - len(form) + 1)
            at = buffer.find(form[:1], tail)
            while 0 <= at < live:
                if form.startswith(buffer[at:]):
                    live = at
                at = buffer.find(form[:1], at + 1)
        return live


def _joined(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping and touching places as one."""
    joined: list[tuple[int, int]] = []
    for begin, end in places:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
