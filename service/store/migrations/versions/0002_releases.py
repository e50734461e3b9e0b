"""Releases: what was live where, kept for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AUTOMATIC = sa.text("automatic")

# What went well before anybody kept releases: without its configuration and its variables, which nobody noted.
SEAL = """
INSERT INTO releases (pipeline_id, environment, execution_id, attempt, "commit", branch, build_number, kept_as, "by",
                      completed_at, sealed_at, rolled_back_at)
SELECT pipeline_id, environment, id, attempt, bitbucket_commit_hash, branch, bitbucket_build_number,
       bitbucket_build_number, author, COALESCE(completed_at, created_at), COALESCE(completed_at, created_at),
       CASE WHEN rolled_back THEN COALESCE(completed_at, created_at) END
FROM executions
WHERE status = 'SUCCESS' AND environment IS NOT NULL
ORDER BY id
"""


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    keeping: sa.Column[bool] = sa.Column(
        "keep_variable_values", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("environments", keeping)
    op.create_table(
        "releases",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("pipeline_id", _id(), nullable=False),
        sa.Column("environment", sa.String(length=100), nullable=False),
        sa.Column("execution_id", _id(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("commit", sa.String(length=40), nullable=True),
        sa.Column("branch", sa.String(length=255), nullable=True),
        sa.Column("build_number", sa.BigInteger(), nullable=True),
        sa.Column("kept_as", sa.BigInteger(), nullable=True),
        sa.Column("origin_id", _id(), nullable=True),
        sa.Column("config_revision_id", _id(), nullable=True),
        sa.Column("config_digest", sa.String(length=64), nullable=True),
        sa.Column("artifact", sa.Text(), nullable=True),
        sa.Column("variables", sa.Text(), nullable=True),
        sa.Column("run_url", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=255), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rolled_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_releases_execution_id")),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name=op.f("fk_releases_pipeline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("execution_id", "attempt", name=op.f("uq_releases_execution_id_attempt")),
    )
    op.create_index("ix_releases_live", "releases", ["pipeline_id", "environment", "completed_at", "id"], unique=False)
    op.create_table(
        "kept_values",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("pipeline_id", _id(), nullable=False),
        sa.Column("place", sa.String(length=32), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name=op.f("fk_kept_values_pipeline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_values")),
        sa.UniqueConstraint("place", name=op.f("uq_kept_values_place")),
    )
    op.create_index(op.f("ix_kept_values_pipeline_id"), "kept_values", ["pipeline_id"], unique=False)
    op.create_table(
        "rollbacks",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("execution_id", _id(), nullable=False),
        sa.Column("undoes_execution_id", _id(), nullable=False),
        sa.Column("undoes_attempt", sa.Integer(), nullable=False),
        sa.Column("release_id", _id(), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_rollbacks_execution_id")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_rollbacks_release_id")),
        sa.ForeignKeyConstraint(
            ["undoes_execution_id"], ["executions.id"], name=op.f("fk_rollbacks_undoes_execution_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollbacks")),
        sa.UniqueConstraint("execution_id", name=op.f("uq_rollbacks_execution_id")),
    )
    op.create_index(
        "uq_rollbacks_automatic",
        "rollbacks",
        ["undoes_execution_id", "undoes_attempt"],
        unique=True,
        sqlite_where=AUTOMATIC,
        postgresql_where=AUTOMATIC,
    )
    op.execute(SEAL)
    op.drop_index("ix_executions_live", table_name="executions")
