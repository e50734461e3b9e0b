"""What regeneration and drift remember."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, text

from service.store.tables.columns import UtcDateTime, metadata, own_id, to

# Pushes to a deploying branch that nobody has looked into yet. What a look has brought is their deliveries' verdict.
pushes = Table(
    "pushes",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id", index=True),
    Column("delivery_id", String(32)),  # None where nobody pushed: the reconciler, or a new head without a webhook
    Column("branch", String(255), nullable=False),
    Column("previous", String(40)),
    Column("commit", String(40), nullable=False),
    Column("whole", Boolean, nullable=False),  # nothing is known of what changed: a new branch, a forced push
)

# What a repository held when it was last looked into: with it, a push that changes nothing of interest is told by one
# call. `paths` are its files, one a line, zlib.
looks = Table(
    "looks",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
    Column("branch", String(255), nullable=False),
    Column("commit", String(40), nullable=False),
    Column("paths", LargeBinary, nullable=False),
    Column("compared", String(60)),  # for drift: the commit, and the number of the revision, that were compared last
    UniqueConstraint("pipeline_id"),
)

# The commits that we made ourselves, and those at which we began a branch. They start no regeneration, whatever their
# message says.
config_commits = Table(
    "config_commits",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
    Column("commit", String(40), nullable=False),
    Column("branch", String(255), nullable=False),
    Column("onto", String(40), nullable=False),  # the head of the deploying branch that it was made for
    Column("revision", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    UniqueConstraint("pipeline_id", "branch", "commit"),
)

# Where reality and what Penstock last brought there have come apart. A row ends when they agree again.
drifts = Table(
    "drifts",
    metadata,
    own_id(),
    to("repositories", "repository_id"),
    to("pipelines", "pipeline_id"),
    Column("kind", String(20), nullable=False),  # file, variable, webhook, nginx
    Column("subject", String(512), nullable=False),  # the path, the variable, the server
    Column("change", String(20), nullable=False),  # changed, missing, unmanaged, inactive
    Column("detail", Text, nullable=False),
    Column("digest", String(64), nullable=False),  # of what was found: another one is another change
    Column("found_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(
        "uq_drifts_open",
        "pipeline_id",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_drifts_open", "id", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
    Index("ix_drifts_repository_id", "repository_id"),
)
