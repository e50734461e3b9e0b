"""An environment may have our verdict written onto the commits that it is brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("environments", sa.Column("commit_status", sa.Boolean(), server_default=sa.false(), nullable=False))
