"""What is under way is found by its repository, and what has ended by its pipeline."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

RUNNING = sa.text("status NOT IN ('SUCCESS', 'FAILED')")


def upgrade() -> None:
    op.create_index(
        "ix_executions_repository_id_running",
        "executions",
        ["repository_id"],
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_index("ix_executions_pipeline_id_completed_at", "executions", ["pipeline_id", "completed_at"])
