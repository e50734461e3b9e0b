"""Work that a worker leases, does, and ends."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from service.store.tables.columns import Json, UtcDateTime, metadata, own_id

work = Table(
    "work",
    metadata,
    own_id(),
    Column("kind", String(40), nullable=False),
    Column("key", String(200), nullable=False),  # of two rows with the same key and kind the second is not written
    Column("payload", Json, nullable=False),
    Column("status", String(10), nullable=False),  # waiting, done, dead
    Column("due_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("claim", String(32)),  # who holds the lease: a late finisher's write is refused by it
    Column("leased_until", UtcDateTime),
    Column("error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("kind", "key"),
    Index(
        "ix_work_waiting",
        "due_at",
        "id",
        sqlite_where=text("status = 'waiting'"),
        postgresql_where=text("status = 'waiting'"),
    ),
    Index("ix_work_dead", "id", sqlite_where=text("status = 'dead'"), postgresql_where=text("status = 'dead'")),
)
