"""The service with a Bitbucket of its own, talking real HTTP to each other on this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx

from service import logs
from service.app import Application
from service.cli import opening
from service.cli.output import GREEN, RED, coloured, show_table
from service.cli.saying import say
from service.cli.serve import listen, url_of
from service.cli.story import CHAPTERS, Stage, Told
from service.recorder import Recorder
from service.settings import Settings
from service.simulator import Simulator
from service.store import accounts
from service.web.server import Server, make_server

# A step of a run: long enough to watch, or as short as it can be where nobody does.
SECONDS, SECONDS_ONCE = 3.0, 0.4

# The Bitbucket to play with is next door and has all the time in the world: it is asked often.
LOOK, CALLS = 0.25, 1_000_000


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("demo", help="the service with a Bitbucket to play with", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--once", action="store_true", help="play the story, print what happened, and end")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """In a directory of its own that is gone afterwards; the settings count, but for where things are kept."""
    settings = opening.settings()
    logs.configure("warning" if args.once else settings.log_level)
    with _leaving_nothing(), tempfile.TemporaryDirectory(prefix="penstock-demo-") as directory:
        kept = replace(
            settings,
            data_dir=Path(directory),
            database_url="",
            bus_url="",
            public_url="",
            secret_keys="",
            poll_seconds=LOOK,
            reconcile_seconds=LOOK,
            rate_budget_per_hour=CALLS,
            allow_private_targets=True,
        )
        return asyncio.run(_play(kept, listen("127.0.0.1", args.port), once=args.once))


@contextlib.contextmanager
def _leaving_nothing() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the block through whatever it has to put away, and not the process at once; also where
    whoever started the process has it ignore Ctrl-C, as shells do with what they start in the background."""
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


async def _play(settings: Settings, listener: socket.socket, *, once: bool) -> int:
    url = url_of("127.0.0.1", listener)
    async with Simulator.running() as bitbucket:
        bitbucket.rate_limit.limit = CALLS
        application = Application(replace(settings, bitbucket_api_url=bitbucket.url), public_url=lambda: url)
        server = make_server(application, host="127.0.0.1", port=0, on_stopping=[application.say_goodbye])
        serving = asyncio.create_task(_serve(server, listener))
        await server.started_listening()
        token, ticket = await _let_in(application.house.recorder)
        say(f"Penstock is at {url}, a Bitbucket to play with at {bitbucket.url}")
        if not once:
            say(f"Sign in by {url}/sign-in?ticket={ticket} and watch; Ctrl-C ends it", flush=True)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as penstock:
            stage = Stage(bitbucket, penstock, SECONDS_ONCE if once else SECONDS)
            telling = asyncio.create_task(_tell(stage, once=once))
            await asyncio.wait([telling, serving], return_when=asyncio.FIRST_COMPLETED)
            stopped = server.should_exit  # by a signal: then the story is broken off, however that shows
            telling.cancel()
            told = await _ending(telling, broken_off=stopped)
        server.should_exit = True
        ended_by_signal = await serving
    return ended_by_signal or (0 if told and all(chapter.right for chapter in told) else 1)


async def _serve(server: Server, listener: socket.socket) -> int:
    """The exit code of the signal that ended it, which uvicorn raises once more when everything has been put away."""
    try:
        await server.serve(sockets=[listener])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


async def _ending(telling: asyncio.Task[list[Told]], *, broken_off: bool) -> list[Told]:
    """What was told; nothing where it was broken off. Raises what the telling raised."""
    await asyncio.wait([telling])
    if telling.cancelled() or (broken_off and telling.exception()):
        return []
    return telling.result()


async def _let_in(recorder: Recorder) -> tuple[str, str]:
    """(an API token, a one-time ticket) of the demo's account."""
    async with recorder.record() as record:
        user = await accounts.add_user(record.connection, "demo", None, is_admin=True, now=record.now)
        ends = record.now + timedelta(hours=1)
        ticket = await accounts.add_ticket(record.connection, user_id=user, expires_at=ends)
        return await accounts.add_token(record.connection, user, "demo", now=record.now, expires_at=None), ticket


async def _tell(stage: Stage, *, once: bool) -> list[Told]:
    told = []
    for chapter in CHAPTERS:
        line = await chapter(stage)
        told.append(line)
        if not once:
            mark = coloured("as told", GREEN) if line.right else coloured("NOT as told", RED)
            say(f"  {line.happened}: {line.recorded} ({mark})", flush=True)
    if once:
        rows = [[line.happened, line.recorded, "as told" if line.right else "NOT as told"] for line in told]
        show_table(["WHAT HAPPENED", "WHAT PENSTOCK RECORDED", ""], rows)
    else:
        await _carry_on(stage)
    return told


async def _carry_on(stage: Stage) -> None:
    """Life goes on until somebody ends it: pushes and runs, one of five failing."""
    chance = random.Random(0)  # noqa: S311
    number = 0
    while True:
        number += 1
        repository = chance.choice(list(stage.repositories.values()))
        await repository.push("main", {"CHANGES.md": f"Change {number}\n"}, message=f"Make change {number}")
        await stage.run(repository, fails_at=chance.choice([None, None, None, None, "Test"]))
        await asyncio.sleep(stage.seconds)
