"""How the inbox commits on PostgreSQL: one statement for the whole batch, through asyncpg's arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from service.failpoints import fail_point
from service.store.database import Database
from service.store.inbox import Arrival, Receipt, Stored, flags_of, new_ids

INSERT = """
INSERT INTO deliveries (id, hook_id, repository_id, request_uuid, digest, event_key, attempt, body, received_at, due_at,
                        flags, status, tries, verdicts)
SELECT id, hook_id, repository_id, request_uuid, digest, event_key, attempt, body, at, at, flags, 'accepted', 0, '[]'
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bytea[], $6::text[], $7::int[], $8::bytea[],
            $9::timestamptz[], $10::text[])
     AS row (id, hook_id, repository_id, request_uuid, digest, event_key, attempt, body, at, flags)
ON CONFLICT (hook_id, request_uuid, digest) DO NOTHING
RETURNING id
"""
KNOWN = "SELECT id FROM deliveries WHERE hook_id = $1 AND request_uuid = $2 AND digest = $3"
TEACH = text("UPDATE repositories SET uuid = :uuid WHERE id = :id AND uuid IS NULL")
TAUGHT = text("SELECT uuid FROM repositories WHERE id = :id")


class PostgresqlCommit:
    """One transaction a batch, on a connection of the common pool."""

    depth = 1

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, take: Callable[[], Sequence[Arrival]]) -> list[Stored]:
        batch = take()
        if not batch:
            return []
        # always in the same order: two replicas that store the same deliveries at once would wait for each other
        ordered = sorted(batch, key=lambda arrival: arrival.key)
        stored = await self._store(ordered)
        outcomes = {arrival.key: outcome for arrival, outcome in zip(ordered, stored, strict=True)}
        return [outcomes[arrival.key] for arrival in batch]

    async def _store(self, batch: list[Arrival]) -> list[Stored]:
        ids = new_ids(len(batch))
        async with self._database.write() as connection:
            fail_point("inbox.begun")
            foreign = [bool(arrival.teaches) and not await self._teach(connection, arrival) for arrival in batch]
            driver: Any = (await connection.get_raw_connection()).driver_connection
            mine = [(number, a) for number, a, other in zip(ids, batch, foreign, strict=True) if not other]
            columns = zip(*(self._row(number, arrival) for number, arrival in mine), strict=True)
            new = {row["id"] for row in await driver.fetch(INSERT, *map(list, columns))} if mine else set()
            known = {n: await driver.fetchval(KNOWN, *arrival.key) for n, arrival in mine if n not in new}
            fail_point("inbox.written")
        fail_point("inbox.committed")
        return [
            (Receipt.FOREIGN, "") if other else (Receipt.DUPLICATE, known[n]) if n in known else (Receipt.ACCEPTED, n)
            for n, other in zip(ids, foreign, strict=True)
        ]

    def close(self) -> None:
        """The pool is the database's."""

    @staticmethod
    def _row(number: str, arrival: Arrival) -> tuple[Any, ...]:
        named = (number, arrival.hook_id, arrival.repository_id, arrival.request_uuid, arrival.digest)
        return (*named, arrival.event_key, arrival.attempt, arrival.packed, arrival.received_at, flags_of(arrival))

    @staticmethod
    async def _teach(connection: Any, arrival: Arrival) -> bool:
        try:
            async with connection.begin_nested():
                await connection.execute(TEACH, {"uuid": arrival.teaches, "id": arrival.repository_id})
        except IntegrityError:
            return False
        taught = (await connection.execute(TAUGHT, {"id": arrival.repository_id})).scalar()
        return bool(taught == arrival.teaches)


def connect(database: Database) -> PostgresqlCommit:
    return PostgresqlCommit(database)
