"""A database at this version's schema: migrated once, then copied. Migrations have tests of their own."""

from __future__ import annotations

import asyncio
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url

from service.store import migrate
from service.store.database import Database

_SAID: dict[str, str] = {}  # what migrating a PostgreSQL database said, by its name


async def lay(url: str) -> None:
    """Where the URL names an SQLite file that is not there yet, or an empty PostgreSQL database, it is as migrated."""
    named = make_url(url)
    if named.get_backend_name() == "sqlite" and named.database:
        await asyncio.to_thread(_copy, Path(named.database))
    elif named.get_backend_name() == "postgresql":
        await _repeat(url)


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


async def _repeat(url: str) -> None:
    """Says again in one go what the first migration said: most of a migration is finding the words."""
    import asyncpg  # not there without the extra `postgres`

    if url not in _SAID:
        await _listen(url)
        return
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            await connection.execute(_SAID[url])
    finally:
        await connection.close()


async def _listen(url: str) -> None:
    said: list[str] = []

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if connection.engine.url.database != make_url(url).database:
            return  # of another test's service that has not ended yet
        if not parameters and not statement.lstrip().upper().startswith("SELECT"):
            said.append(statement)

    database = Database(url)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        is_first = await migrate.upgrade(database)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        await database.close()
    if is_first:
        _SAID[url] = ";\n".join(said)
