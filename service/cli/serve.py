"""Runs the service."""

from __future__ import annotations

import argparse
import asyncio
import socket
from datetime import timedelta

from service import logs
from service.app import Application, Role, sign_in_of, vault_of
from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.saying import say
from service.recorder import Recorder
from service.settings import Settings
from service.store import accounts
from service.web.server import make_server

# For how long the sign-in link on the console is good.
LINK = timedelta(hours=1)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("serve", help="run the service", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--role", choices=[*Role], default=Role.ALL, help="all, only the doors, or only the work")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = opening.settings()
    logs.configure(settings.log_level)
    listener = listen(args.host, args.port)
    url = settings.public_url.rstrip("/") or url_of(args.host, listener)
    link = prepared(settings, url)
    application = Application(settings, role=Role(args.role), public_url=lambda: url)
    server = make_server(
        application,
        host=args.host,
        port=args.port,
        on_stopping=[application.say_goodbye],
        trusted_proxies=settings.trusted_proxies,
        log_level=settings.log_level,
    )
    say(f"Penstock is at {url}", flush=True)
    if link:
        say(f"There is no account yet. Sign in once, within the hour, by {link}", flush=True)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: whoever connects from now on is served once the service is up. Raises CommandFailed."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        raise CommandFailed(f"cannot listen on {host} port {port}: {error}; choose another with --port") from None


def url_of(host: str, listener: socket.socket) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{listener.getsockname()[1]}"


def prepared(settings: Settings, url: str) -> str | None:
    """Upgrades the database, so that what is wrong with it is said in one line; the link where nobody can sign in."""

    async def prepare() -> str | None:
        async with opening.recorder_beside(settings) as recorder:
            return await _first_link(recorder, url)

    with opening.told_in_one_line():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        vault_of(settings)
        sign_in_of(settings, url)
        return asyncio.run(prepare())


async def _first_link(recorder: Recorder, url: str) -> str | None:
    async with recorder.record() as record:
        if await accounts.anybody(record.connection):
            return None
        ticket = await accounts.add_ticket(record.connection, user_id=None, expires_at=record.now + LINK)
    return f"{url}/sign-in?ticket={ticket}"
