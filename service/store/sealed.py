"""Every sealed value in the database: where it stands, and what it is bound to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, Update, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import answers, credentials, hooks, kept_values, routes, starts, variables, work


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
    Sealed(routes.c.target, "target", lambda row: str(row.place)),
    Sealed(routes.c.secret, "secret", lambda row: str(row.place)),
    Sealed(routes.c.previous_secret, "secret", lambda row: str(row.place)),  # it was the secret, and moved as it was
    Sealed(answers.c.body, "body", lambda row: f"{row.user_id} {row.key}"),
)


# Work that carries a sealed value along, in hex: kind → the payload's member, and (table, column, row) it is bound to.
IN_WORK: dict[str, tuple[str, str, str, Callable[[Any], str]]] = {
    "start": ("wish", "starts", "wish", lambda payload: str(payload["execution_id"])),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A sealed value where it stands; `put` replaces it, unless somebody has changed it meanwhile."""

    value: bytes
    table: str
    column: str
    row: str
    put: Callable[[bytes], Update]


async def reseal(connection: AsyncConnection, again: Callable[[bytes, str, str, str], bytes | None]) -> int:
    """Puts what `again` makes of (value, table, column, row) in each value's place; how many that were.

    None leaves a value as it is. A value that somebody changes meanwhile is left to him.
    """
    changed = 0
    async for place in _places(connection):
        made = again(place.value, place.table, place.column, place.row)
        if made is not None:
            changed += (await connection.execute(place.put(made))).rowcount
    return changed


async def look(connection: AsyncConnection, seen: Callable[[bytes, str, str, str], None]) -> None:
    """Shows every sealed value to `seen`, as (value, table, column, row)."""
    async for place in _places(connection):
        seen(place.value, place.table, place.column, place.row)


async def _places(connection: AsyncConnection) -> AsyncIterator[Place]:
    for one in SEALED:
        table = one.column.table
        for row in (await connection.execute(select(table).where(one.column.is_not(None)))).all():
            value = row._mapping[one.column.name]
            if value:
                same = update(table).where(table.c.id == row.id, one.column == value)
                yield Place(value, one.table, one.name, one.row(row), partial(_put, same, one.column))
    carrying = select(work.c.id, work.c.kind, work.c.payload).where(work.c.kind.in_(IN_WORK))
    for row in (await connection.execute(carrying)).all():
        member, table_name, column, named = IN_WORK[row.kind]
        same = update(work).where(work.c.id == row.id, work.c.payload == row.payload)
        value = bytes.fromhex(row.payload[member])
        yield Place(value, table_name, column, named(row.payload), partial(_put_in_work, same, row.payload, member))


def _put(same: Update, column: Column[Any], made: bytes) -> Update:
    return same.values({column: made})


def _put_in_work(same: Update, payload: Any, member: str, made: bytes) -> Update:
    return same.values(payload={**payload, member: made.hex()})
