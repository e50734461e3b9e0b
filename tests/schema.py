"""An SQLite database at this version's schema, made once and then copied: migrations have tests of their own."""

from __future__ import annotations

import asyncio
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy.engine import make_url

from service.store import migrate
from service.store.database import Database


async def lay(url: str) -> None:
    """Where the URL names an SQLite file that is not there yet, it is there now."""
    named = make_url(url)
    if named.get_backend_name() == "sqlite" and named.database:
        await asyncio.to_thread(_copy, Path(named.database))


def _copy(file: Path) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_made())


@cache
def _made() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "penstock.db"
        asyncio.run(_make(f"sqlite+aiosqlite:///{file}"))
        return file.read_bytes()


async def _make(url: str) -> None:
    database = Database(url)
    await migrate.upgrade(database)
    await database.close()
