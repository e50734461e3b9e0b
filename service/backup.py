"""A backup: the whole database in one file that either kind of database can be restored from.

The file is gzip around lines of JSON: a head (`penstock_backup`, schema, time), then for each table its layout and its
rows, last a line with how many rows there were and the SHA-256 of everything before it. What ends without that line
was cut off. Secrets are in it as they are in the database, sealed; the keys only if they are asked for, and then under
a passphrase.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

import msgspec

from service import __version__
from service.store import copying, migrate
from service.store.copying import Layout
from service.store.database import Database

FORMAT = 1

Told = Callable[[str, int], None]


class BadBackup(ValueError):
    """The file is no backup, is not whole, or was made by a newer version. The text says which."""


class NotEmpty(RuntimeError):
    """There is something in the database that a restore would replace."""


class InUse(RuntimeError):
    """A process of Penstock has the database open."""


class Head(msgspec.Struct, frozen=True):
    """The first line. `keys` are those that secrets are sealed with, wrapped by a passphrase."""

    penstock_backup: int
    version: str
    schema: str
    made_at: datetime
    keys: str | None = None


class _Table(msgspec.Struct, frozen=True):
    table: str
    columns: tuple[tuple[str, str], ...]


class _End(msgspec.Struct, frozen=True):
    rows: int
    sha256: str


@dataclass(slots=True)
class Contents:
    """What a backup holds: table → how many rows."""

    head: Head
    tables: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(self.tables.values())


async def write(database: Database, file: IO[bytes], *, made_at: datetime, keys: str | None, told: Told) -> Contents:
    """Writes the database as it is at one moment, whatever is written to it meanwhile. `told` hears (table, rows)."""
    head = Head(FORMAT, __version__, migrate.NEWEST, made_at, keys)
    contents, digest, rows = Contents(head), hashlib.sha256(), 0
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=3, mtime=0, filename="") as packed:

        def put(line: Any) -> None:
            raw = msgspec.json.encode(line) + b"\n"
            digest.update(raw)
            packed.write(raw)

        put(head)
        async with database.snapshot() as connection:
            for layout in copying.layouts():
                put(_Table(layout.table, layout.columns))
                contents.tables[layout.table] = 0
                async for part in copying.rows(connection, layout):
                    for row in part:
                        put(tuple(row))
                    rows += len(part)
                    contents.tables[layout.table] += len(part)
                    told(layout.table, rows)
        packed.write(msgspec.json.encode(_End(rows, digest.hexdigest())) + b"\n")
    return contents


def read(file: IO[bytes]) -> Contents:
    """Looks through the whole file. Raises BadBackup."""
    lines = _lines(file)
    contents = Contents(next(lines))
    for layout, rows in lines:
        contents.tables[layout.table] = contents.tables.get(layout.table, 0) + len(rows)
    return contents


async def restore(database: Database, file: IO[bytes], *, force: bool, told: Told) -> Contents:
    """Puts a backup's rows in the place of all that is in the database, which may be of the other kind, or new.

    All of it or nothing. A backup of an older schema is upgraded. Raises BadBackup, and NotEmpty unless forced.
    """
    contents = read(file)
    file.seek(0)
    lines, rows = _lines(file), 0
    head: Head = next(lines)
    async with database.write() as connection:
        if not database.embedded and await copying.in_use(connection):
            raise InUse("Penstock is running on this database: stop every process first")
        full = None if force else await copying.content(connection)
        if full is not None:
            raise NotEmpty(f"the database is not empty ({full} has rows); --force replaces all that is in it")
        await copying.clear(connection)
        await migrate.bring(connection, head.schema)
        known: dict[str, Layout] = {}
        for layout, values in lines:
            if layout.table not in known:
                known[layout.table] = layout
                await copying.empty(connection, layout)
            if values:
                await copying.plant(connection, layout, values)
            rows += len(values)
            told(layout.table, rows)
        for layout in known.values():
            await copying.number_on(connection, layout)
        await migrate.bring(connection)
    return contents


def _lines(file: IO[bytes]) -> Iterator[Any]:
    """The head, then (layout, rows) with some rows at a time, at least once for each table. Raises BadBackup."""
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as packed:
            yield from _read(packed)
    except (gzip.BadGzipFile, EOFError) as error:
        raise BadBackup(f"it is cut off or damaged: {error}") from None
    except msgspec.MsgspecError as error:
        raise BadBackup(f"it is not what `penstock backup` writes: {error}") from None


def _read(packed: Any) -> Iterator[Any]:
    first = packed.readline()
    digest, rows = hashlib.sha256(first), 0
    head = msgspec.json.decode(first, type=Head)
    if head.penstock_backup != FORMAT or head.schema > migrate.NEWEST:
        raise BadBackup(f"it was made by a newer version, {head.version}: install that one to restore it")
    yield head
    layout: Layout | None = None
    held: list[Sequence[Any]] = []
    for line in packed:
        if line.startswith(b"["):
            if layout is None:
                raise BadBackup("it is damaged: a row of no table")
            held.append(_row(layout, line))
            rows += 1
        elif line.startswith(b'{"table"'):
            if layout is not None:
                yield layout, held
            named = msgspec.json.decode(line, type=_Table)
            layout, held = Layout(named.table, named.columns), []
        else:
            if layout is not None:
                yield layout, held
            end = msgspec.json.decode(line, type=_End)
            if (end.rows, end.sha256) != (rows, digest.hexdigest()):
                raise BadBackup("its digest is another than it says: it was altered or damaged")
            return
        digest.update(line)
        if len(held) == copying.STRIDE:
            yield layout, held
            held = []
    raise BadBackup("it is cut off: its last line is missing")


def _row(layout: Layout, line: bytes) -> Sequence[Any]:
    values = msgspec.json.decode(line, type=list[Any])
    if len(values) != len(layout.columns):
        raise BadBackup(f"it is damaged: a row of {layout.table} has {len(values)} values")
    try:
        return [_value(kind, value) for (_, kind), value in zip(layout.columns, values, strict=True)]
    except (ValueError, TypeError, KeyError) as error:
        raise BadBackup(f"it is damaged: a row of {layout.table} ({type(error).__name__})") from None


def _value(kind: str, value: Any) -> Any:
    if value is None or kind not in ("bytes", "time"):
        return value
    return base64.b64decode(value, validate=True) if kind == "bytes" else datetime.fromisoformat(value)
