"""What the library may do in its process: reach checked addresses over TLS, and nothing else.

Before Python opens, connects or starts anything, it asks the audit hook, which nobody can take out again. So whatever
a plugin's URL asks for - a template from a file, a key from another host, a proxy - leads nowhere that a link of a
webhook would not. Redirects are answers, not followed.
"""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import requests

from service.addresses import ALLOWED, LOOKUP_SECONDS, is_allowed

WITHOUT_TLS = f"it is to be reached without TLS: {ALLOWED}"
UNVERIFIED = f"its certificate is not to be looked at: {ALLOWED}"
WRONG_PORT = f"it is to be reached at another port than that of https: {ALLOWED}"
PRIVATE = f"it leads to a private address: {ALLOWED}"
NOT_HTTP = "it would do more than send requests over https"

_STARTING = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"}
_NEVER = {*_STARTING, "pty.spawn", "ctypes.dlopen", "socket.bind", "socket.sendto", "socket.sendmsg"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class OnlyLooked(requests.ConnectionError):
    """The request would have gone out: it was only to be seen where to."""


class Guard:
    """`ports` are the only ones, of public addresses and over TLS; None allows all. `only_looks`: nothing goes out.

    `refusal` is why something was not done, None as long as nothing was refused.
    """

    def __init__(self, *, ports: Iterable[int] | None, only_looks: bool) -> None:
        self.refusal: str | None = None
        self._ports = None if ports is None else frozenset(ports)
        self._only_looks = only_looks
        self._checked: set[tuple[str, int]] = set()
        self._asking = threading.local()  # `is_allowed` asks for its route by a socket that sends nothing
        self._threads = ThreadPoolExecutor(thread_name_prefix="lookup")
        self._really = socket.getaddrinfo
        self._roots = tuple({f"{os.path.realpath(path)}{os.sep}" for path in _libraries()})

    def stand(self) -> None:
        """From here on, and for good."""
        adapter = requests.Session.get_adapter

        def watched(session: requests.Session, url: str | bytes) -> Any:
            self.before_request(url if isinstance(url, str) else url.decode())
            return adapter(session, url)  # type: ignore[arg-type, unused-ignore]

        for place, name, ours in (
            (socket, "getaddrinfo", self._look_up),
            (requests.Session, "get_adapter", watched),
            (requests.Session, "get_redirect_target", lambda session, response: None),
        ):
            setattr(place, name, ours)
        sys.addaudithook(self._see)

    def before_request(self, url: str) -> None:
        """Raises PermissionError, or OnlyLooked."""
        parts = urlsplit(url)
        if self._ports is not None and parts.scheme != "https":
            raise self._refused(WITHOUT_TLS)
        if self._only_looks:
            self._look_up(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
            raise OnlyLooked

    def _look_up(self, host: Any, port: Any, *more: Any, **named: Any) -> list[Any]:
        """The addresses, of which each may be reached."""
        found = self._found(host, port, *more, **named)
        places = {(str(entry[4][0]), int(entry[4][1])) for entry in found}
        if self._ports is not None:
            if any(number not in self._ports for _, number in places):
                raise self._refused(WRONG_PORT)
            self._asking.now = True
            try:
                public = all(is_allowed(address.partition("%")[0]) for address, _ in places)
            finally:
                self._asking.now = False
            if not public:
                raise self._refused(PRIVATE)
        if not self._only_looks:
            self._checked |= places
        return found

    def _found(self, *asked: Any, **named: Any) -> list[Any]:
        try:
            return self._threads.submit(self._really, *asked, **named).result(LOOKUP_SECONDS)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from None

    def _see(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            if not getattr(self._asking, "now", False) and not self._is_checked(args[1]):
                raise self._refused(NOT_HTTP)
        elif event in _NEVER:
            raise self._refused(NOT_HTTP)
        elif event == "open" and not self._may_open(args[0], args[2]):
            raise PermissionError("only the library's own files are read here")

    def _is_checked(self, place: Any) -> bool:
        return isinstance(place, tuple) and place[:2] in self._checked

    def _may_open(self, path: Any, flags: int) -> bool:
        if isinstance(path, int):
            return True
        return not flags & _WRITING and os.path.realpath(os.fsdecode(path)).startswith(self._roots)

    def _refused(self, why: str) -> PermissionError:
        self.refusal = self.refusal or why
        return PermissionError(why)


def _libraries() -> set[str]:
    """Where Python's modules lie, and those of the library: they are loaded when they are needed."""
    known = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    loaded = {sys.modules[name].__file__ for name in ("apprise", "requests", "certifi") if name in sys.modules}
    return known | {os.path.dirname(path) for path in loaded if path}
