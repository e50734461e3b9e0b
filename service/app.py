"""Puts the service together: the parts, the doors, and the order in which they open and close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import Receive, Scope, Send

from service import bus, clock
from service.apprise.way import Apprise
from service.bus import Topic
from service.client import Clients
from service.client.signing_in import SigningIn
from service.feed import Feed
from service.history import Patience
from service.notifications.wording import Wordings
from service.outbound import Outbound
from service.recorder import Recorder
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from service.store.inbox import Inbox
from service.vault import Vault, keys_of, read_keys
from service.web import health, metrics, pages, reference
from service.web.endless import Endless
from service.web.hooks import Hooks
from service.web.hosts import KnownHosts
from service.web.house import House
from service.web.intake import PATH, Intake
from service.web.problems import Problem, answer_crash, answer_http_error, answer_problem
from service.web.streams import EventStream
from service.web.streams.logs import LogStreams
from service.workforce import workers_of


class Role(StrEnum):
    """What a process does: everything, only the doors, or only the work behind them."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


def vault_of(settings: Settings) -> Vault:
    """Raises BadKey. Without PENSTOCK_SECRET_KEYS the key lies in the data directory, made at the first start."""
    if settings.secret_keys:
        return Vault(read_keys(settings.secret_keys))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = key_file(settings)
    return Vault(keys_of(path), reread=lambda: keys_of(path))


def sign_in_of(settings: Settings, public_url: str) -> SigningIn | None:
    """How people sign in with their accounts at Bitbucket, if they do. Raises ModuleNotFoundError without the extra."""
    if not settings.sign_in_client_id:
        return None
    import_module("authlib")
    accounts = (uuid.strip().strip("{}") for uuid in settings.sign_in_accounts.split(","))
    return SigningIn(
        api_url=settings.bitbucket_api_url.rstrip("/"),
        client_id=settings.sign_in_client_id,
        client_secret=settings.sign_in_client_secret,
        callback_url=f"{public_url.rstrip('/')}/sign-in/bitbucket/callback",
        workspace=settings.sign_in_workspace,
        accounts=frozenset(f"{{{uuid}}}" for uuid in accounts if uuid),
    )


def key_file(settings: Settings) -> Path:
    """Where the keys lie that no setting names."""
    return settings.data_dir / "secret.keys"


@asynccontextmanager
async def opened(settings: Settings, *, role: Role, public_url: str) -> AsyncIterator[House]:
    """The running parts. What came in is written before they close; a worker's open transaction is undone."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        database = Database(settings.database)
        stack.push_async_callback(database.close)
        await migrate.upgrade(database)
        doorbell = await bus.connect(settings.bus, settings.database)
        stack.push_async_callback(doorbell.close)
        recorder = Recorder(database, doorbell)
        inbox = Inbox(database, lambda: doorbell.ring(Topic.INBOX))
        inbox.start()
        stack.push_async_callback(inbox.stop)
        feed = Feed(database, doorbell)
        await feed.start()
        stack.push_async_callback(feed.stop)
        vault = vault_of(settings)
        clients = Clients(
            database,
            vault,
            base_url=settings.bitbucket_api_url,
            per_hour=settings.rate_budget_per_hour,
            allow_private_targets=settings.allow_private_targets,
        )
        stack.push_async_callback(clients.close)
        outbound = Outbound(allow_private=settings.allow_private_targets)
        stack.push_async_callback(outbound.close)
        running: list[asyncio.Task[None]] = []
        stack.push_async_callback(_cancel, running)
        streams = EventStream(
            feed, max_streams=settings.max_streams, max_streams_per_user=settings.max_streams_per_user
        )
        house = House(
            settings=settings,
            sign_in=sign_in_of(settings, public_url),
            public_url=public_url.rstrip("/"),
            database=database,
            recorder=recorder,
            inbox=inbox,
            vault=vault,
            clients=clients,
            outbound=outbound,
            apprise=Apprise(allow_private=settings.allow_private_targets),
            wordings=Wordings(Path(settings.templates) if settings.templates else None),
            hooks=Hooks(database, vault, time.monotonic),
            streams=streams,
            log_streams=LogStreams(recorder, streams.streams, lambda: feed.rights),
            patience=Patience(expect=settings.expect_seconds, run=settings.run_seconds, wait=settings.wait_seconds),
            workers_alive=lambda: not any(task.done() for task in running),
        )
        if role is not Role.WEB:
            running += [asyncio.create_task(work, name=name) for name, work in workers_of(house)]
        yield house


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:  # once more if need be: a driver may take the first time for its own
            task.cancel()
        await asyncio.wait(pending, timeout=2)
    await asyncio.gather(*tasks, return_exceptions=True)


class Application:
    """The ASGI application. Deliveries and streams go past the router and its middleware, straight to their doors."""

    def __init__(self, settings: Settings, *, role: Role = Role.ALL, public_url: Callable[[], str]) -> None:
        self._settings = settings
        self._role = role
        self._public_url = public_url
        self._intake: Intake | None = None
        names = self._names()
        self._doors = self._build(names)
        self._endless = Endless(self._doors)
        self._streams = KnownHosts(self._endless, names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._intake is not None and scope["path"].startswith(PATH):
            await self._intake(scope, receive, send)
        elif self._intake is not None and self._endless.takes(scope):
            await self._streams(scope, receive, send)
        else:
            await self._doors(scope, receive, send)

    def say_goodbye(self) -> None:
        """Ends the open streams with `bye`: to be called when the server begins to stop."""
        if self._intake is not None:
            self.house.streams.close()
            self.house.log_streams.close()

    @property
    def house(self) -> House:
        """The running parts, from the lifespan's begin to its end."""
        house: House = self._doors.state.house
        return house

    def _names(self) -> frozenset[str]:
        own = urlsplit(self._settings.public_url).hostname or "localhost"
        further = (name.strip().lower() for name in self._settings.allowed_hosts.split(",") if name.strip())
        return frozenset({"localhost", own, *further})

    def _build(self, names: frozenset[str]) -> Starlette:
        doors = [] if self._role is Role.WORKER else [reference, pages]
        return Starlette(
            routes=[route for door in (health, metrics, *doors) for route in door.routes],
            middleware=[Middleware(KnownHosts, names=names)],
            exception_handlers={Problem: answer_problem, HTTPException: answer_http_error, Exception: answer_crash},
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with opened(self._settings, role=self._role, public_url=self._public_url()) as house:
            app.state.house = house
            if self._role is not Role.WORKER:
                self._intake = Intake(house.hooks, house.inbox, limit=self._settings.max_webhook_bytes, now=clock.now)
            yield
            self._intake = None
