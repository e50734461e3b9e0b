"""Ids that the audit log names are given once, and lists of releases and of drift are found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# SQLite alone gives a removed row's id to the next one, unless the table says otherwise from its beginning.
TABLES = ("users", "tokens", "credentials", "routes", "domains")


def upgrade() -> None:
    op.create_index("ix_releases_pipeline_id_id", "releases", ["pipeline_id", "id"])
    still_there = sa.text("ended_at IS NULL")
    op.create_index("ix_drifts_open", "drifts", ["id"], sqlite_where=still_there, postgresql_where=still_there)
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    # what refers to a row finds it again before the end of the transaction
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for table in TABLES:
        _make_anew(connection, table)


def _make_anew(connection: sa.Connection, table: str) -> None:
    """The same table with the same rows; its name is never another one, so that nothing refers to that."""
    made = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL ORDER BY type DESC")
    before, *indexes = connection.execute(made, {"table": table}).scalars()
    after = before.replace("id INTEGER NOT NULL,", "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,", 1)
    after = after.replace(f"CONSTRAINT pk_{table} PRIMARY KEY (id),", "", 1)
    connection.exec_driver_sql(f"CREATE TEMP TABLE kept AS SELECT * FROM {table}")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE main.{table}")
    connection.exec_driver_sql(after)
    connection.exec_driver_sql(f"INSERT INTO main.{table} SELECT * FROM kept")  # noqa: S608
    connection.exec_driver_sql("DROP TABLE kept")
    for index in indexes:
        connection.exec_driver_sql(index)
