"""Accounts that sign in elsewhere, what was refused lately, and indexes for who watches the service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store.tables.columns import Id, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("uuid", sa.String(64), nullable=False),
        sa.Column("nickname", sa.String(255), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime()),
        sa.UniqueConstraint("uuid"),
        sa.UniqueConstraint("user_id"),
    )
    op.create_table(
        "refusals",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_refusals_since", "refusals", ["since"])
    op.create_index("ix_executions_completed_at", "executions", ["completed_at"])
    for table in ("deliveries", "work"):
        dead = sa.text("status = 'dead'")
        op.create_index(f"ix_{table}_dead", table, ["id"], sqlite_where=dead, postgresql_where=dead)
