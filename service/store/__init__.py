"""The database: tables, migrations and every question that is asked of them."""
