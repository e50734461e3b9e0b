"""What the API remembers of calls: who did what, and answers to be given again."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, String, Table, UniqueConstraint

from service.store.tables.columns import Id, Json, UtcDateTime, metadata, own_id

# Append-only and chained: each row's hash covers the one before.
audit = Table(
    "audit",
    metadata,
    own_id(),
    Column("at", UtcDateTime, nullable=False),
    Column("user_id", Id),  # no foreign key: the row outlives the account
    Column("actor", String(100), nullable=False),
    Column("action", String(60), nullable=False),
    Column("object", String(200), nullable=False),
    Column("details", Json, nullable=False),
    Column("address", String(64)),
    Column("hash", String(64), nullable=False),
)

# What was answered to a call with an Idempotency-Key: the same call again gets it again.
answers = Table(
    "answers",
    metadata,
    own_id(),
    Column("user_id", Id, nullable=False),
    Column("key", String(200), nullable=False),
    Column("digest", String(64), nullable=False),  # of method, path and body
    Column("status", Integer, nullable=False),  # 0 while the call is being answered
    Column("body", LargeBinary, nullable=False),  # sealed by the vault: an answer may show a secret, once
    Column("headers", Json),  # those that belong to the answer: where what was made is, and its version
    Column("created_at", UtcDateTime, nullable=False, index=True),
    UniqueConstraint("user_id", "key"),
)
