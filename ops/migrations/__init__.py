"""Alembic migrations: one set for SQLite and PostgreSQL, run by `database.migrate`."""
