"""The event log: numbered entries in the order of their commits."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from service.store.tables.columns import Id, UtcDateTime, metadata

# One row. Its lock makes commit order cursor order: with a sequence, a slow transaction's entry would turn up behind a
# reader that has passed it.
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cursor", BigInteger, nullable=False),  # the last one issued
    Column("pruned", BigInteger, nullable=False),  # the last one that is no longer kept
)

entries = Table(
    "entries",
    metadata,
    Column("cursor", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("repository_id", Id),  # no foreign keys: an entry outlives what it is about
    Column("pipeline_id", Id),
    Column("execution_id", Id),
    Column("payload", Text, nullable=False),
)
