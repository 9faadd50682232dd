"""Alembic's entry: migrate on the connection that `governance.store.migrate` opened."""

from alembic import context

from governance.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds everything
)
context.run_migrations()
