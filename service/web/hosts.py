"""Under which names the pages and the API answer: a page elsewhere must not reach them by renaming itself.

DNS rebinding needs a name, so an address is always right, and so are localhost and the public URL's name. Webhooks
carry their own proof and come by whatever name a tunnel gives them.
"""

from __future__ import annotations

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

from service.web.problems import Problem

OPEN_TO_ALL = ("/healthz", "/readyz")


class KnownHosts:
    """Answers 421 for any other name."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_TO_ALL or self._knows(scope):
            await self._app(scope, receive, send)
            return
        detail = (
            "Penstock does not answer under this name: set PENSTOCK_PUBLIC_URL, or add it to PENSTOCK_ALLOWED_HOSTS"
        )
        await Problem(421, detail).response()(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return name in self._names or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
