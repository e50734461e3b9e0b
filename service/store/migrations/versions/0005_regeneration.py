"""What regeneration and drift remember."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store.tables.columns import Id, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pipelines", sa.Column("config_skip_ci", sa.Boolean(), server_default=sa.false(), nullable=False))
    for column in (
        sa.Column("pull_request_id", sa.Integer()),
        sa.Column("changes", sa.Text()),
        sa.Column("conflicts", sa.Text()),
        sa.Column("problem", sa.Text()),
        sa.Column("arrived_in", sa.String(40)),
    ):
        op.add_column("config_revisions", column)
    op.create_table(
        "pushes",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("pipeline_id", Id, sa.ForeignKey("pipelines.id"), nullable=False),
        sa.Column("delivery_id", sa.String(32)),
        sa.Column("branch", sa.String(255), nullable=False),
        sa.Column("previous", sa.String(40)),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_pushes_pipeline_id", "pushes", ["pipeline_id"])
    op.create_table(
        "looks",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("pipeline_id", Id, sa.ForeignKey("pipelines.id"), nullable=False),
        sa.Column("branch", sa.String(255), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("paths", sa.LargeBinary(), nullable=False),
        sa.Column("compared", sa.String(60)),
        sa.UniqueConstraint("pipeline_id"),
    )
    op.create_table(
        "config_commits",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("pipeline_id", Id, sa.ForeignKey("pipelines.id"), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("branch", sa.String(255), nullable=False),
        sa.Column("onto", sa.String(40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("pipeline_id", "branch", "commit"),
    )
    op.create_table(
        "drifts",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("repository_id", Id, sa.ForeignKey("repositories.id"), nullable=False),
        sa.Column("pipeline_id", Id, sa.ForeignKey("pipelines.id"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("change", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
    )
    op.create_index(
        "uq_drifts_open",
        "drifts",
        ["pipeline_id", "kind", "subject"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_drifts_repository_id", "drifts", ["repository_id"])
