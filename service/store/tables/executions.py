"""Executions, how they came to be what they are, their steps and logs."""

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

from service.store.tables.columns import Id, UtcDateTime, metadata, one_of, own_id, to

RUNNING = text("status NOT IN ('SUCCESS', 'FAILED')")

executions = Table(
    "executions",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
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
    Column("waits_for", String(10)),  # what it needs before Penstock starts its run: approval, turn
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
    Column("passed_at", UtcDateTime),  # when Bitbucket called it successful, where a health check has the last word
    Column("deadline_at", UtcDateTime),
    Column("watched_until", UtcDateTime),  # somebody reads its log: it is looked at often until then
    Column("config_revision_id", Id),
    UniqueConstraint("repository_id", "bitbucket_build_number"),
    Index(
        "ix_executions_running",
        "id",
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    ),
    Index("ix_executions_repository_id_running", "repository_id", sqlite_where=RUNNING, postgresql_where=RUNNING),
    Index("ix_executions_pipeline_id_id", "pipeline_id", "id"),
    Index("ix_executions_repository_id_bitbucket_commit_hash", "repository_id", "bitbucket_commit_hash"),
    Index("ix_executions_completed_at", "completed_at"),
    Index("ix_executions_pipeline_id_completed_at", "pipeline_id", "completed_at"),
)

unfinished = ~one_of(executions.c.status, ("SUCCESS", "FAILED"))

observations = Table(
    "observations",
    metadata,
    own_id(),
    to("executions", "execution_id"),
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
    own_id(),
    to("executions", "execution_id", index=True),
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
    own_id(),
    to("executions", "execution_id"),
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

# When steps began and ended by the run's own traces, which come once it is over and are more exact than the API.
spans = Table(
    "spans",
    metadata,
    own_id(),
    to("executions", "execution_id"),
    Column("step_uuid", String(64), nullable=False),
    Column("run_number", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("completed_at", UtcDateTime, nullable=False),
    UniqueConstraint("execution_id", "step_uuid", "run_number"),
)

# Log text in order. `offset` counts the bytes of the step's masked text before this piece.
log_pieces = Table(
    "log_pieces",
    metadata,
    own_id(),
    to("steps", "step_id"),
    Column("execution_id", Id, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # masked UTF-8, zlib
    UniqueConstraint("step_id", "offset"),
    Index("ix_log_pieces_execution_id_id", "execution_id", "id"),
)
