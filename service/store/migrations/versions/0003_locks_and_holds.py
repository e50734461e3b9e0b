"""Environments are locked, held and approved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = sa.text("released_at IS NULL")


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("executions", sa.Column("waits_for", sa.String(length=10), nullable=True))
    op.add_column("executions", sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "locks",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("pipeline_id", _id(), nullable=False),
        sa.Column("environment", sa.String(length=100), nullable=False),
        sa.Column("execution_id", _id(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name=op.f("fk_locks_pipeline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locks")),
        sa.UniqueConstraint("execution_id", name=op.f("uq_locks_execution_id")),
        sa.UniqueConstraint("pipeline_id", "environment", name=op.f("uq_locks_pipeline_id_environment")),
    )
    op.create_table(
        "holds",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("pipeline_id", _id(), nullable=False),
        sa.Column("environment", sa.String(length=100), nullable=False),
        sa.Column("execution_id", _id(), nullable=False),
        sa.Column("commit", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.String(length=100), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name=op.f("fk_holds_pipeline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(
        "uq_holds_open",
        "holds",
        ["pipeline_id", "environment"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_holds_pipeline_id_id", "holds", ["pipeline_id", "id"], unique=False)
    op.create_table(
        "starts",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("execution_id", _id(), nullable=False),
        sa.Column("wish", sa.LargeBinary(), nullable=False),
        sa.Column("expect_seconds", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_starts_execution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_starts")),
        sa.UniqueConstraint("execution_id", name=op.f("uq_starts_execution_id")),
    )
    op.create_table(
        "approvals",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("execution_id", _id(), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("user_id", _id(), nullable=True),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_approvals_execution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_execution_id"), "approvals", ["execution_id"], unique=False)
    op.create_table(
        "probes",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("execution_id", _id(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=op.f("fk_probes_execution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probes")),
        sa.UniqueConstraint("execution_id", "attempt", name=op.f("uq_probes_execution_id_attempt")),
    )
