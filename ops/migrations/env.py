"""Run by Alembic: migrates over the connection that `database.migrate` hands in."""

from __future__ import annotations

from alembic import context

from storage.engine import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
# `migrate` owns the transaction: it holds the lock that keeps other processes out.
context.run_migrations()
