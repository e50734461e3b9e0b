"""The HTTP server underneath the doors: uvicorn, with our connections and our way to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from types import FrameType
from typing import Self

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from service.web.protocol import Protocol

logger = logging.getLogger(__name__)

# What is written and not taken for so long ends the connection, however little it is.
UNREAD_SECONDS = 30


class Server(uvicorn.Server):
    """One listening address; made by `make_server`.

    `run()` serves until SIGTERM or SIGINT on the fastest event loop there is, `await serve()` in a loop that runs. The
    first signal stops it: no new connection, streams say goodbye, what is in progress has the grace period to end. Then
    uvicorn raises the signal again, so that the process ends by it; what must happen before, happens in the lifespan.
    The second signal ends the process at once. Nothing acknowledged is lost by that: it is in the database.
    """

    def __init__(self, config: uvicorn.Config, on_stopping: Sequence[Callable[[], None]] = ()) -> None:
        super().__init__(config)
        self.port = config.port  # the bound one, once it listens
        self._on_stopping = on_stopping
        self._listening = asyncio.Event()
        self._stopped_by_signal = False

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            super().run(sockets)

    async def started_listening(self) -> None:
        """Returns when connections are accepted. Raises RuntimeError when the application's lifespan failed."""
        await self._listening.wait()
        if not self.started:
            raise RuntimeError("the application did not start; the log says why")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serves for as long as the block lasts, beside it in the same event loop."""
        serving = asyncio.create_task(self.serve())
        try:
            await self.started_listening()
            yield self
        finally:
            self.should_exit = True
            await serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in self.servers if self.started else []:
            for sock in listener.sockets:
                # Accepted sockets inherit it. Else a client that takes nothing holds its answer's buffer for ever.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
            self.port = listener.sockets[0].getsockname()[1]
        self._listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for stop in self._on_stopping:
            try:
                stop()
            except Exception:
                logger.exception("a stream would not stop; its connection is closed after the grace period")
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._stopped_by_signal:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._stopped_by_signal = True
        # sse-starlette, when imported, has put its own `handle_exit` into uvicorn.Server, which ends its streams and
        # calls the original. It is reached from here, and finds this server as the owner of the signal handler.
        super().handle_exit(sig, frame)


def make_server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    on_stopping: Sequence[Callable[[], None]] = (),
    trusted_proxies: str = "",
    log_level: str = "warning",
) -> Server:
    """A server for `app`; port 0 takes a free one, see `Server.port`.

    `on_stopping` is called first when it stops: it makes endless responses end. `trusted_proxies` are addresses or
    networks, separated by commas, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; nobody's by default.
    """
    config = uvicorn.Config(
        without_tracebacks(app),
        host=host,
        port=port,
        http=Protocol,
        ws="none",
        lifespan="on",
        backlog=1024,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
        server_header=False,
        access_log=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        log_config=None,
        log_level=log_level,
    )
    return Server(config, on_stopping)


def without_tracebacks(app: ASGIApp) -> ASGIApp:
    """`app`, where a request that nobody waits for any more is no error."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except ClientDisconnect:
            pass  # the client left in the middle of its body
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            # Only a shutdown out of patience cancels a request. uvicorn would log it as the application's exception,
            # unless the connection is gone, which takes a turn of the loop.
            scope["extensions"]["penstock.transport"].abort()
            await asyncio.sleep(0)

    return serve
