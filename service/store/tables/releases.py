"""Releases: what was live where, kept for good; and the rollbacks that went back to one."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint
from sqlalchemy import text as sql

from service.store.tables.columns import Id, Json, UtcDateTime, metadata, own_id, to

AUTOMATIC = sql("automatic")

# Each success on an environment seals one.
releases = Table(
    "releases",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
    Column("environment", String(100), nullable=False),
    to("executions", "execution_id"),
    Column("attempt", Integer, nullable=False),  # of the execution
    Column("commit", String(40)),
    Column("branch", String(255)),
    Column("build_number", BigInteger),
    Column("kept_as", BigInteger),  # the number under which the server keeps it: that of the run that brought it there
    Column("origin_id", Id),  # the release that a rollback has brought back; None for one that was deployed
    Column("config_revision_id", Id),
    Column("config_digest", String(64)),  # of that revision's pipelines file, SHA-256
    Column("artifact", Text),  # where it lies, as far as that is known
    Column("variables", Json),  # [{key, secured, place}]: a place stands for one value; None where nobody looked
    Column("run_url", Text),
    Column("by", String(255)),
    Column("completed_at", UtcDateTime, nullable=False),  # by Bitbucket's clock
    Column("sealed_at", UtcDateTime, nullable=False),
    Column("rolled_back_at", UtcDateTime),
    UniqueConstraint("execution_id", "attempt"),
    Index("ix_releases_pipeline_id_id", "pipeline_id", "id"),
    # Of an environment's releases the one that was completed last is the one that is live.
    Index("ix_releases_live", "pipeline_id", "environment", "completed_at", "id"),
)

# The values behind the places of releases' variables, where an environment keeps them. Sealed as `variables` has them.
kept_values = Table(
    "kept_values",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id", index=True),
    Column("place", String(32), nullable=False, unique=True),
    Column("value", LargeBinary, nullable=False),
)

rollbacks = Table(
    "rollbacks",
    metadata,
    own_id(),
    to("executions", "execution_id"),  # the rollback's own
    to("executions", "undoes_execution_id"),
    Column("undoes_attempt", Integer, nullable=False),
    to("releases", "release_id"),  # what it goes back to
    Column("method", String(10), nullable=False),  # relink, rebuild
    Column("automatic", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("execution_id"),
    # One failure is undone by itself once, whoever thinks of it.
    Index(
        "uq_rollbacks_automatic",
        "undoes_execution_id",
        "undoes_attempt",
        unique=True,
        sqlite_where=AUTOMATIC,
        postgresql_where=AUTOMATIC,
    ),
)
