"""Takes the whole database out of one place and into another: every row of every table, whatever the database.

What leaves here is made of numbers, texts, times and bytes alone, each column with the word for its kind, so that it
can be put into a database of the other make, and at the schema at which it was taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    column,
    delete,
    func,
    insert,
    select,
    table,
    text,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import Json, UtcDateTime, head, metadata, notifier, tickets

# How many rows are held at once. A log's piece or a delivery's body may have some hundred kilobytes.
STRIDE = 200

# Word → what a column of that kind takes.
KINDS: dict[str, Any] = {
    "bytes": LargeBinary(),
    "time": UtcDateTime(),
    "bool": Boolean(),
    "int": BigInteger(),
    "float": Float(),
    "text": Text(),
}

# A row in these is no content: the first two always have one, the last is the way in of whoever has just installed.
BARE = (head, notifier, tickets)


@dataclass(frozen=True, slots=True)
class Layout:
    """A table's name, and (name, kind) of each of its columns."""

    table: str
    columns: tuple[tuple[str, str], ...]


def layouts() -> list[Layout]:
    """Of all tables of this version; none refers to one that stands behind it."""
    return [
        Layout(str(one.name), tuple((str(column.name), _kind(column)) for column in one.columns))
        for one in metadata.sorted_tables
    ]


async def rows(connection: AsyncConnection, layout: Layout) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """All rows of a table, some at a time, in the order of its primary key. JSON comes as the text that it is."""
    source = metadata.tables[layout.table]
    # not a Json: what a text means is of no concern here, and its bytes must stay the same
    columns = [type_coerce(one, Text) if isinstance(one.type, Json) else one for one in source.columns]
    question = select(*columns).order_by(*source.primary_key.columns)
    async with connection.stream(question, execution_options={"yield_per": STRIDE}) as found:
        async for part in found.partitions(STRIDE):
            yield part


async def in_use(connection: AsyncConnection) -> bool:
    """Whether another process of Penstock has the (PostgreSQL) database open."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'penstock' AND pid <> pg_backend_pid()"
    )
    return bool((await connection.execute(others)).scalar())


async def content(connection: AsyncConnection) -> str | None:
    """A table in which something is, if there is one. What cannot be asked is not there yet."""
    for one in metadata.sorted_tables:
        if one in BARE:
            continue
        try:
            async with connection.begin_nested():
                if (await connection.execute(select(one.primary_key.columns[0]).limit(1))).first() is not None:
                    return one.name
        except DBAPIError:
            continue
    return None


async def clear(connection: AsyncConnection) -> None:
    """Drops all tables."""
    await connection.run_sync(metadata.drop_all)
    await connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


async def empty(connection: AsyncConnection, layout: Layout) -> None:
    """Takes out what a migration has put there."""
    await connection.execute(delete(table(layout.table)))


async def plant(connection: AsyncConnection, layout: Layout, values: Sequence[Sequence[Any]]) -> None:
    """Inserts rows, values in the order of the layout's columns."""
    target = table(layout.table, *[column(name, KINDS[kind]) for name, kind in layout.columns])
    names = [name for name, _ in layout.columns]
    await connection.execute(insert(target), [dict(zip(names, row, strict=True)) for row in values])


async def number_on(connection: AsyncConnection, layout: Layout) -> None:
    """Lets the database number new rows from behind those that were planted."""
    if connection.dialect.name == "sqlite" or ("id", "int") not in layout.columns:
        return
    sequence = (await connection.execute(select(func.pg_get_serial_sequence(layout.table, "id")))).scalar()
    if sequence is not None:
        newest = select(func.max(column("id"))).select_from(table(layout.table)).scalar_subquery()
        await connection.execute(select(func.setval(sequence, func.greatest(newest, 1), newest.is_not(None))))


def _kind(one: Column[Any]) -> str:
    """Raises TypeError for a type that nobody has given a word yet."""
    kind = one.type
    if isinstance(kind, TypeDecorator):
        return "time" if isinstance(kind, UtcDateTime) else "text"
    for base, word in ((LargeBinary, "bytes"), (Boolean, "bool"), (Float, "float"), (Integer, "int"), (String, "text")):
        if isinstance(kind, base):
            return word
    raise TypeError(f"{one.table.name}.{one.name} is of a type that a backup has no word for: {kind!r}")
