"""The schema's history, read by Alembic and run by `service/store/migrate.py`."""
