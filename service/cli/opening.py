"""What a command needs to work beside a running service: settings, the database, a record."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from service import bus
from service.cli.errors import CommandFailed
from service.recorder import Recorder
from service.settings import BadSetting, Settings, from_environ, read_env_file
from service.store import migrate
from service.store.database import Database
from service.vault import BadKey

Result = TypeVar("Result")

# Module → the extra that brings it.
EXTRAS = {"asyncpg": "postgres", "redis": "redis", "authlib": "sign-in"}


def settings() -> Settings:
    """From the environment, and below it from a `.env` in the working directory. Raises CommandFailed."""
    try:
        return from_environ({**read_env_file(Path(".env")), **os.environ})
    except (BadSetting, OSError, UnicodeDecodeError) as error:
        raise CommandFailed(str(error)) from None


@asynccontextmanager
async def recorder_beside(settings: Settings) -> AsyncIterator[Recorder]:
    """A recorder on the database, which is made if it is not there; a running service hears of what it records."""
    if settings.database.startswith("sqlite"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database, beside=True)
    if database.embedded:
        # what cannot be opened fails here: the driver's thread would still speak when its event loop has gone
        sqlite3.connect(database.path).close()
    try:
        await migrate.upgrade(database)
        doorbell = await bus.connect(settings.bus, settings.database)
        try:
            yield Recorder(database, doorbell)
        finally:
            await doorbell.close()
    finally:
        await database.close()


def run(work: Callable[[Recorder], Coroutine[None, None, Result]]) -> Result:
    """Does the work with a recorder. Raises CommandFailed for what the database or a setting refuses."""

    async def go() -> Result:
        async with recorder_beside(settings()) as recorder:
            return await work(recorder)

    with told_in_one_line():
        return asyncio.run(go())


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """What the database, its driver or a setting refuses becomes a CommandFailed."""
    try:
        yield
    except (migrate.SchemaTooNew, BadKey, bus.UnknownBus) as error:
        raise CommandFailed(str(error)) from None
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0], "postgres,redis")
        raise CommandFailed(f"{error.name} is not installed: pip install 'penstock[{extra}]'") from None
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise CommandFailed(f"the database cannot be used: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
