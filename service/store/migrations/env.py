"""Alembic's entry: it runs on the connection, and inside the transaction, that `migrate.py` hands it."""

from __future__ import annotations

from alembic import context

from service.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # Alembic thinks that SQLite cannot; with BEGIN IMMEDIATE it can
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
