"""People, and how they come in."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, String, Table, Text, UniqueConstraint

from service.store.tables.columns import Json, UtcDateTime, metadata, own_id, to

users = Table(
    "users",
    metadata,
    own_id(),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", Text),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # its ids stand in the audit log
)

tokens = Table(
    "tokens",
    metadata,
    own_id(),
    to("users", "user_id", index=True),
    Column("name", String(100), nullable=False),
    Column("scopes", Json, nullable=False),  # of read, operate, admin
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    sqlite_autoincrement=True,  # its ids stand in the audit log
)

sessions = Table(
    "sessions",
    metadata,
    own_id(),
    to("users", "user_id", index=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

# A one-time way in, printed on the console. Without a user it makes the first account, and only while there is none.
tickets = Table(
    "tickets",
    metadata,
    own_id(),
    to("users", "user_id", nullable=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

# How often somebody has failed to sign in, by account and address; the count begins anew some time after `since`.
failed_tries = Table(
    "failed_tries",
    metadata,
    Column("key", String(64), primary_key=True),  # SHA-256 of both
    Column("count", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False, index=True),
)

# Who comes in by signing in at Bitbucket: an account there is an account here, by its uuid alone.
identities = Table(
    "identities",
    metadata,
    own_id(),
    to("users", "user_id"),
    Column("uuid", String(64), nullable=False, unique=True),  # Bitbucket's, in braces; names there change
    Column("nickname", String(255), nullable=False),  # as it was at the last sign-in
    Column("linked_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    UniqueConstraint("user_id"),
)

# What was refused lately, so that one who asks again and again does not fill the audit log.
refusals = Table(
    "refusals",
    metadata,
    Column("key", String(64), primary_key=True),  # SHA-256 of who asked for what
    Column("count", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False, index=True),
)
