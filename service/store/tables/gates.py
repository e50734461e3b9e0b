"""What stands between an execution and its environment: the lock, the hold, the turn, the approval, the probe."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, text

from service.store.tables.columns import Id, UtcDateTime, metadata, own_id, to

# Who deploys to an environment just now. Environments go by name here, as executions name them: a removed one's history
# stays readable.
locks = Table(
    "locks",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
    Column("environment", String(100), nullable=False),
    Column("execution_id", Id, nullable=False, unique=True),
    Column("since", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("kept", Boolean, nullable=False),  # past the holder's end, for the rollback that follows from it
    UniqueConstraint("pipeline_id", "environment"),
)

# A hold keeps automation from deploying a commit again. Released ones are kept: they are history.
holds = Table(
    "holds",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
    Column("environment", String(100), nullable=False),
    Column("execution_id", Id, nullable=False),
    Column("commit", String(40)),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime),
    Column("released_by", String(100)),
    Column("release_reason", Text),
    Index(
        "uq_holds_open",
        "pipeline_id",
        "environment",
        unique=True,
        sqlite_where=text("released_at IS NULL"),
        postgresql_where=text("released_at IS NULL"),
    ),
    Index("ix_holds_pipeline_id_id", "pipeline_id", "id"),
)

# What Penstock itself starts, and with what; written when the execution is opened, for it may have to wait.
starts = Table(
    "starts",
    metadata,
    own_id(),
    to("executions", "execution_id"),
    Column("wish", LargeBinary, nullable=False),  # sealed by the vault: variables may hold secrets
    Column("expect_seconds", Float, nullable=False),  # how long its run is waited for once it is to begin
    Column("created_at", UtcDateTime, nullable=False),
    Column("begun_at", UtcDateTime),  # when its work was written
    UniqueConstraint("execution_id"),
)

# What people said when an execution asked for their approval.
approvals = Table(
    "approvals",
    metadata,
    own_id(),
    to("executions", "execution_id", index=True),
    Column("decision", String(10), nullable=False),  # approve, refuse
    Column("user_id", Id),  # no foreign key: the row outlives the account
    Column("by", String(100), nullable=False),
    Column("comment", Text),
    Column("at", UtcDateTime, nullable=False),
)

# How an environment answered after a run had deployed to it.
probes = Table(
    "probes",
    metadata,
    own_id(),
    to("executions", "execution_id"),
    Column("attempt", Integer, nullable=False),  # of the execution
    Column("state", String(10), nullable=False),  # waiting, passed, failed
    Column("url", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("status", Integer),  # the last answer's
    Column("error", Text),  # why the last try did not pass
    Column("asked_at", UtcDateTime),  # the last time
    UniqueConstraint("execution_id", "attempt"),
)
