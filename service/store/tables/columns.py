"""What the columns of every table are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    bindparam,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, in UTC on both sides: SQLite keeps none of the zone, asyncpg refuses what has none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Json(TypeDecorator[Any]):
    """A value kept as JSON text: the same bytes on every database, and read by nothing but us."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value)


# SQLite numbers rows by itself only in a column that is exactly INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def own_id() -> Column[int]:
    """The table's own number, given by the database.

    SQLite gives that of a removed row to another, but for tables with `sqlite_autoincrement`.
    """
    return Column("id", Id, primary_key=True, autoincrement=True)


def to(target: str, name: str, *, nullable: bool = False, index: bool = False) -> Column[int]:
    """A reference to another table's number; not every database indexes it by itself."""
    return Column(name, Id, ForeignKey(f"{target}.id"), nullable=nullable, index=index)


def one_of(column: Column[str], words: Sequence[str]) -> ColumnElement[bool]:
    """`column IN ('a', 'b')` with the words themselves in it.

    With parameters in their places SQLite does not see that an index has just that as its condition, and reads the
    whole table.
    """
    return column.in_(bindparam(None, words, expanding=True, literal_execute=True))
