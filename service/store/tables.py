"""The tables. Questions about them stand in the other files of this room; every change of them is a migration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
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


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _to(target: str, name: str, *, nullable: bool = False, index: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{target}.id"), nullable=nullable, index=index)


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

users = Table(
    "users",
    metadata,
    _id(),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", Text),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    _to("users", "user_id", index=True),
    Column("name", String(100), nullable=False),
    Column("scopes", Json, nullable=False),  # of read, operate, admin
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("used_at", UtcDateTime),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _to("users", "user_id", index=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

# A one-time way in, printed on the console. Without a user it makes the first account, and only while there is none.
tickets = Table(
    "tickets",
    metadata,
    _id(),
    _to("users", "user_id", nullable=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

# What Penstock may do at Bitbucket. `broken` says why it last did not work, until it works again.
credentials = Table(
    "credentials",
    metadata,
    _id(),
    _to("users", "user_id", index=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(20), nullable=False),  # access_token, api_token, oauth_client
    Column("account", String(255)),  # the e-mail of an api_token, the client_id of an oauth_client
    Column("place", String(32), nullable=False),  # random: what the secret is bound to
    Column("secret", LargeBinary, nullable=False),  # sealed by the vault
    Column("created_at", UtcDateTime, nullable=False),
    Column("broken", Text),
    Column("broken_at", UtcDateTime),
    # The bucket of calls that all processes share: what is left, and when that was true.
    Column("calls_left", Float, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
    Column("blocked_until", UtcDateTime),  # after a 429
)

repositories = Table(
    "repositories",
    metadata,
    _id(),
    Column("uuid", String(64)),  # in braces; None until the first delivery, or Bitbucket, teaches it
    Column("workspace", String(255), nullable=False),
    Column("slug", String(255), nullable=False),
    _to("credentials", "credential_id", nullable=True),
    Column("main_branch", String(255)),
    Column("hook_uuid", String(64)),  # Bitbucket's name for our webhook, where we made it
    Column("reconciled_at", UtcDateTime),
    Column("connected_at", UtcDateTime, nullable=False),
    Column("disconnected_at", UtcDateTime),
    Index(
        "uq_repositories_connected_uuid",
        "uuid",
        unique=True,
        sqlite_where=text("disconnected_at IS NULL"),
        postgresql_where=text("disconnected_at IS NULL"),
    ),
    Index(
        "uq_repositories_connected_name",
        "workspace",
        "slug",
        unique=True,
        sqlite_where=text("disconnected_at IS NULL"),
        postgresql_where=text("disconnected_at IS NULL"),
    ),
)

grants = Table(
    "grants",
    metadata,
    _id(),
    _to("repositories", "repository_id"),
    _to("users", "user_id", index=True),
    Column("role", String(20), nullable=False),  # owner, operator, viewer
    UniqueConstraint("repository_id", "user_id"),
)

hooks = Table(
    "hooks",
    metadata,
    Column("id", String(64), primary_key=True),  # random: the last part of the webhook's URL
    _to("repositories", "repository_id", index=True),
    Column("secret", LargeBinary, nullable=False),  # sealed by the vault
    Column("previous_secret", LargeBinary),  # after a rotation, until previous_until
    Column("previous_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
)

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
    Index("ix_deliveries_repository_id_id", "repository_id", "id"),
)

pipelines = Table(
    "pipelines",
    metadata,
    _id(),
    _to("repositories", "repository_id"),
    Column("is_active", Boolean, nullable=False),
    Column("status", String(10), nullable=False),  # the latest execution's
    Column("project_type", String(20), nullable=False),
    Column("server_ip", String(255)),
    Column("subdomain", String(255)),
    Column("domain", String(255)),
    Column("port", Integer),
    Column("ssl_enabled", Boolean, nullable=False),
    Column("nginx_config", Text),
    Column("certbot_command", Text),
    Column("bitbucket_pipelines_yml", Text),
    Column("detection", Json),
    Column("bitbucket_pipeline_uuid", String(64)),
    Column("latest_execution_id", Id),
    Column("last_execution_at", UtcDateTime),
    Column("config_delivery", String(20), nullable=False),  # pull_request, commit, manual
    Column("version", Integer, nullable=False),  # counts changes: the ETag
    Column("generated_at", UtcDateTime),  # None: adopted when the repository was connected, nothing generated yet
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(
        "uq_pipelines_active",
        "repository_id",
        unique=True,
        sqlite_where=text("is_active"),
        postgresql_where=text("is_active"),
    ),
    Index("ix_pipelines_repository_id", "repository_id"),
)

environments = Table(
    "environments",
    metadata,
    _id(),
    _to("pipelines", "pipeline_id"),
    Column("name", String(100), nullable=False),
    Column("kind", String(10), nullable=False),  # test, staging, production
    Column("branch_pattern", String(255), nullable=False),
    Column("server_ip", String(255)),
    Column("domain", String(255)),
    Column("subdomain", String(255)),
    Column("port", Integer),
    Column("requires_approval", Boolean, nullable=False),
    Column("rollback_policy", String(30), nullable=False),  # manual, on_failure, on_failed_health_check
    Column("when_busy", String(10), nullable=False),  # reject, queue, supersede
    Column("health_check", Json),
    UniqueConstraint("pipeline_id", "name"),
)

# What a pipeline's runs get from Bitbucket; with an environment, that environment's alone.
variables = Table(
    "variables",
    metadata,
    _id(),
    _to("pipelines", "pipeline_id"),
    _to("environments", "environment_id", nullable=True),
    Column("key", String(128), nullable=False),
    Column("secured", Boolean, nullable=False),
    Column("place", String(32), nullable=False),  # random: what the value is bound to
    Column("value", LargeBinary, nullable=False),  # sealed by the vault, secured or not
    Column("synced", String(64)),  # the place of what Bitbucket was last sent: a secured value is never told back
    Index("ix_variables_pipeline_id", "pipeline_id"),
)

domains = Table(
    "domains",
    metadata,
    _id(),
    _to("users", "user_id", index=True),
    Column("name", String(253), nullable=False, unique=True),
    Column("email", String(254)),
    Column("dns_provider", String(100)),
    Column("created_at", UtcDateTime, nullable=False),
)

# Append-only and chained: each row's hash covers the one before.
audit = Table(
    "audit",
    metadata,
    _id(),
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
    _id(),
    Column("user_id", Id, nullable=False),
    Column("key", String(200), nullable=False),
    Column("digest", String(64), nullable=False),  # of method, path and body
    Column("status", Integer, nullable=False),  # 0 while the call is being answered
    Column("body", LargeBinary, nullable=False),  # sealed by the vault: an answer may show a secret, once
    Column("created_at", UtcDateTime, nullable=False, index=True),
    UniqueConstraint("user_id", "key"),
)

# How often somebody has failed to sign in, by account and address; the count begins anew some time after `since`.
failed_tries = Table(
    "failed_tries",
    metadata,
    Column("key", String(64), primary_key=True),  # SHA-256 of both
    Column("count", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False, index=True),
)

# A release that is where it was deployed to, unless a newer one of the same environment is.
LIVE = text("status = 'SUCCESS' AND NOT rolled_back")

executions = Table(
    "executions",
    metadata,
    _id(),
    _to("pipelines", "pipeline_id"),
    Column("repository_id", Id, nullable=False),
    Column("environment", String(100)),
    Column("status", String(10), nullable=False),
    Column("trigger_type", String(10), nullable=False),  # manual, webhook, scheduled, rollback
    Column("branch", String(255)),
    Column("bitbucket_build_number", BigInteger),
    Column("bitbucket_pipeline_uuid", String(64)),
    Column("bitbucket_commit_hash", String(40)),
    Column("attempt", Integer, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("reported_status", String(10)),
    Column("waiting_on", String(255)),
    Column("error_message", Text),
    Column("rolled_back", Boolean, nullable=False),
    Column("rollback_reason", Text),
    Column("previous_execution_id", Id),
    Column("pushed", Boolean, nullable=False),  # a push has opened it or joined it
    Column("message", Text),  # the first line of the commit's message
    Column("author", String(255)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Column("deadline_at", UtcDateTime),
    Column("watched_until", UtcDateTime),  # somebody reads its log: it is looked at often until then
    Column("config_revision_id", Id),
    UniqueConstraint("repository_id", "bitbucket_build_number"),
    Index(
        "ix_executions_running",
        "id",
        sqlite_where=text("status NOT IN ('SUCCESS', 'FAILED')"),
        postgresql_where=text("status NOT IN ('SUCCESS', 'FAILED')"),
    ),
    Index("ix_executions_pipeline_id_id", "pipeline_id", "id"),
    Index("ix_executions_repository_id_bitbucket_commit_hash", "repository_id", "bitbucket_commit_hash"),
    # Of an environment's executions the newest that went well is the one that is live.
    Index("ix_executions_live", "pipeline_id", "environment", "id", sqlite_where=LIVE, postgresql_where=LIVE),
)

observations = Table(
    "observations",
    metadata,
    _id(),
    _to("executions", "execution_id"),
    Column("key", String(160), nullable=False),
    Column("trigger", String(10), nullable=False),
    Column("source", String(10), nullable=False),
    Column("at", UtcDateTime),
    Column("run_number", Integer),
    Column("confirmed", Boolean, nullable=False),
    Column("reason", Text),
    Column("delivery_id", String(32)),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("execution_id", "key"),
)

transitions = Table(
    "transitions",
    metadata,
    _id(),
    _to("executions", "execution_id", index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("from", String(10), nullable=False),
    Column("to", String(10), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("trigger", String(10), nullable=False),
    Column("source", String(10), nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("reason", Text),
    Column("outcome", String(10), nullable=False),  # applied, late, refused
    Column("delivery_id", String(32)),
)

# The steps of an execution's run, and how far their logs are stored.
steps = Table(
    "steps",
    metadata,
    _id(),
    _to("executions", "execution_id"),
    Column("uuid", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", String(255), nullable=False),  # made unique within the execution
    Column("deployment", String(100)),
    Column("state", String(20), nullable=False),  # Bitbucket's word
    Column("result", String(20)),
    Column("run_number", Integer, nullable=False),
    Column("started_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Column("raw_bytes", BigInteger, nullable=False),  # how much of Bitbucket's log is behind what is stored
    Column("mask_state", Integer, nullable=False),  # how the masker goes on from there
    Column("log_bytes", BigInteger, nullable=False),  # how much is stored, masked
    Column("log_complete", Boolean, nullable=False),
    UniqueConstraint("execution_id", "uuid", "run_number"),
)

# Log text in order. `offset` counts the bytes of the step's masked text before this piece.
log_pieces = Table(
    "log_pieces",
    metadata,
    _id(),
    _to("steps", "step_id"),
    Column("execution_id", Id, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # masked UTF-8, zlib
    UniqueConstraint("step_id", "offset"),
    Index("ix_log_pieces_execution_id_id", "execution_id", "id"),
)

# Generated configuration, in order; `generate` makes the first.
config_revisions = Table(
    "config_revisions",
    metadata,
    _id(),
    _to("pipelines", "pipeline_id"),
    Column("number", Integer, nullable=False),
    Column("commit", String(40)),
    Column("files", Json, nullable=False),  # path → text
    Column("decisions", Json, nullable=False),
    Column("detection", Json),
    Column("diff", Text, nullable=False),  # unified, against the revision before
    Column("delivery", String(20), nullable=False),
    Column("delivered", String(20), nullable=False),  # waiting, delivered, failed, none
    Column("pull_request_url", Text),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("pipeline_id", "number"),
)

work = Table(
    "work",
    metadata,
    _id(),
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
)
