"""Alembic runs this to migrate a store, in the transaction that ``storage.database.upgrade`` opened."""

from alembic import context

from storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
