"""What refines a finished run's timeline, and what a look at branches and deployments remembers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store.tables.columns import Id, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _surveys()
    _timelines()


def _surveys() -> None:
    op.add_column("repositories", sa.Column("surveyed_at", UtcDateTime()))
    op.create_table(
        "heads",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("repository_id", Id, sa.ForeignKey("repositories.id"), nullable=False),
        sa.Column("branch", sa.String(255), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("told_by", sa.String(20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("doubted", sa.String(40)),
        sa.Column("doubted_at", UtcDateTime()),
        sa.Column("silence", sa.Text()),
        sa.Column("verdict", sa.String(20)),
        sa.Column("reason", sa.Text()),
        sa.Column("execution_id", Id),
        sa.UniqueConstraint("repository_id", "branch"),
    )


def _timelines() -> None:
    op.create_table(
        "spans",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("execution_id", Id, sa.ForeignKey("executions.id"), nullable=False),
        sa.Column("step_uuid", sa.String(64), nullable=False),
        sa.Column("run_number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("execution_id", "step_uuid", "run_number"),
    )
    op.add_column("credentials", sa.Column("recent_calls", sa.Float(), nullable=False, server_default="0"))
