"""Every sealed value in the database: where it stands, and what it is bound to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import answers, credentials, hooks, kept_values, starts, variables


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed values. `name`, `row` and `table` are what the vault has bound each of them to.

    Without a `table` of its own that is the column's.
    """

    column: Column[Any]
    name: str
    row: Callable[[Any], str]
    bound_to: str | None = None

    @property
    def table(self) -> str:
        return self.bound_to or str(self.column.table.name)


SEALED = (
    Sealed(hooks.c.secret, "secret", lambda row: str(row.id)),
    Sealed(hooks.c.previous_secret, "secret", lambda row: str(row.id)),  # it was the secret, and moved as it was
    Sealed(credentials.c.secret, "secret", lambda row: str(row.place)),
    Sealed(variables.c.value, "value", lambda row: str(row.place)),
    Sealed(kept_values.c.value, "value", lambda row: str(row.place), "variables"),  # copied from there as they were
    Sealed(starts.c.wish, "wish", lambda row: str(row.execution_id)),
    Sealed(answers.c.body, "body", lambda row: f"{row.user_id} {row.key}"),
)


async def reseal(connection: AsyncConnection, again: Callable[[bytes, str, str, str], bytes | None]) -> int:
    """Puts what `again` makes of (value, table, column, row) in each value's place; how many that were.

    None leaves a value as it is. A value that somebody changes meanwhile is left to him.
    """
    changed = 0
    for one in SEALED:
        table = one.column.table
        for row in (await connection.execute(select(table).where(one.column.is_not(None)))).all():
            value = row._mapping[one.column.name]
            made = again(value, one.table, one.name, one.row(row)) if value else None
            if made is not None:
                same = (table.c.id == row.id, one.column == value)
                changed += (await connection.execute(update(table).where(*same).values({one.column: made}))).rowcount
    return changed


async def look(connection: AsyncConnection, seen: Callable[[bytes, str, str, str], None]) -> None:
    """Shows every sealed value to `seen`, as (value, table, column, row)."""
    for one in SEALED:
        rows = await connection.execute(select(one.column.table).where(one.column.is_not(None)))
        for row in rows:
            value = row._mapping[one.column.name]
            if value:
                seen(value, one.table, one.name, one.row(row))
