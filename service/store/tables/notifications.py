"""Who is told what: routes, the outbox, and how far the log has been read for it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from service.store.tables.columns import Id, Json, UtcDateTime, metadata, own_id, to

# Where an account's messages go. Links to chat rooms open them to anybody, so they are kept like secrets.
routes = Table(
    "routes",
    metadata,
    own_id(),
    to("users", "user_id", index=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(20), nullable=False),  # slack, teams, discord, google_chat, webhook, email, apprise
    Column("place", String(32), nullable=False),  # random: what the secrets are bound to
    Column("target", LargeBinary, nullable=False),  # a link or an address, sealed by the vault
    Column("shown", String(255), nullable=False),  # what of it may be read
    Column("secret", LargeBinary),  # what a webhook is signed with, sealed by the vault
    Column("previous_secret", LargeBinary),  # after a rotation, until previous_until
    Column("previous_until", UtcDateTime),
    Column("filter", Json, nullable=False),
    Column("quiet_hours", Json),
    Column("digest_minutes", Integer),
    Column("paused", Boolean, nullable=False),
    Column("paused_reason", Text),
    Column("failing_since", UtcDateTime),
    Column("last_error", Text),  # of the last try that brought nothing, until one goes well
    Column("last_delivered_at", UtcDateTime),
    Column("due_at", UtcDateTime),  # when its next message may be tried; None where none waits
    Column("claim", String(32)),  # who sends its messages just now, one after the other
    Column("leased_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(
        "ix_routes_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # its ids stand in the audit log
)

# What is to be told to a route, once for each entry of the log. `lane` keeps the messages about one thing in order.
messages = Table(
    "messages",
    metadata,
    own_id(),
    to("routes", "route_id"),
    Column("key", String(64), nullable=False),
    Column("webhook_id", String(64), nullable=False, unique=True),
    Column("event", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("entry", Json, nullable=False),  # the entry's payload: the log is pruned earlier than this
    Column("repository_id", Id),  # no foreign keys: a message outlives what it is about
    Column("pipeline_id", Id),
    Column("execution_id", Id),
    Column("lane", String(64), nullable=False),
    Column("status", String(10), nullable=False),  # waiting, delivered, dead, withheld, digested
    Column("due_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("body", LargeBinary),  # as it is sent, the same at every try; from the first one on
    Column("error", Text),
    Column("answer", Integer),  # the status of the last answer
    Column("reference", String(255)),  # the target's own name for it, where it gave one
    Column("created_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    UniqueConstraint("route_id", "key"),
    Index(
        "ix_messages_waiting",
        "route_id",
        "id",
        sqlite_where=text("status = 'waiting'"),
        postgresql_where=text("status = 'waiting'"),
    ),
    Index("ix_messages_route_id_id", "route_id", "id"),
    Index("ix_messages_created_at", "created_at"),
)

# One row: the last entry of the log that was made messages of. Entries after it are not pruned.
notifier = Table(
    "notifier",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("moved_at", UtcDateTime),
)
