"""Pipelines: where they deploy to, with which settings, and what was generated for them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, false, text

from service.store.tables.columns import Id, Json, UtcDateTime, metadata, own_id, to

pipelines = Table(
    "pipelines",
    metadata,
    own_id(),
    to("repositories", "repository_id"),
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
    Column("config_skip_ci", Boolean, nullable=False, server_default=false()),  # our commits ask to start no run
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
    own_id(),
    to("pipelines", "pipeline_id"),
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
    Column("keep_variable_values", Boolean, nullable=False, server_default=false()),  # with each release, sealed
    Column("commit_status", Boolean, nullable=False, server_default=false()),  # our verdict is written onto commits
    UniqueConstraint("pipeline_id", "name"),
)

# What a pipeline's runs get from Bitbucket; with an environment, that environment's alone.
variables = Table(
    "variables",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
    to("environments", "environment_id", nullable=True),
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
    own_id(),
    to("users", "user_id", index=True),
    Column("name", String(253), nullable=False, unique=True),
    Column("email", String(254)),
    Column("dns_provider", String(100)),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # its ids stand in the audit log
)

# Generated configuration, in order; `generate` makes the first.
config_revisions = Table(
    "config_revisions",
    metadata,
    own_id(),
    to("pipelines", "pipeline_id"),
    Column("number", Integer, nullable=False),
    Column("commit", String(40)),
    Column("files", Json, nullable=False),  # path → text
    Column("decisions", Json, nullable=False),
    Column("detection", Json),
    Column("diff", Text, nullable=False),  # unified, against the revision before
    Column("delivery", String(20), nullable=False),  # the pipeline's then, or waiting_confirmation
    Column("delivered", String(20), nullable=False),  # waiting, delivered, failed, declined, superseded, none
    Column("pull_request_url", Text),
    Column("pull_request_id", Integer),
    Column("changes", Json),  # one sentence for each decision that changed
    Column("conflicts", Json),  # where a person's edit and this revision disagree: the edit stands
    Column("problem", Text),  # why it could not be delivered
    Column("arrived_in", String(40)),  # the commit in which its text was first found in the repository
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("pipeline_id", "number"),
)
