"""The webhook inbox."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from service.store.tables.columns import Id, Json, UtcDateTime, metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),  # in order of arrival: milliseconds, then chance, in hex
    Column("hook_id", String(64), nullable=False),
    Column("repository_id", Id, nullable=False),
    Column("request_uuid", String(128), nullable=False),  # "" where the sender gave none
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the raw body
    Column("event_key", String(100), nullable=False),
    Column("attempt", Integer, nullable=False),  # X-Attempt-Number
    Column("body", LargeBinary),  # the raw bytes, zlib; None once retention has taken them
    Column("received_at", UtcDateTime, nullable=False),
    Column("processed_at", UtcDateTime),
    Column("status", String(10), nullable=False),  # accepted, processed, failed, dead
    Column("tries", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("flags", Json, nullable=False),
    Column("verdicts", Json, nullable=False),
    UniqueConstraint("hook_id", "request_uuid", "digest"),
    Index(
        "ix_deliveries_waiting",
        "due_at",
        "id",
        sqlite_where=text("status IN ('accepted', 'failed')"),
        postgresql_where=text("status IN ('accepted', 'failed')"),
    ),
    Index(
        "ix_deliveries_dead",
        "id",
        sqlite_where=text("status = 'dead'"),
        postgresql_where=text("status = 'dead'"),
    ),
    Index("ix_deliveries_repository_id_id", "repository_id", "id"),
)
