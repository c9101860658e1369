"""Alembic's entry: runs the revisions on the connection of `forge_obs.database.migrate`.

There is no offline mode and no URL, and logging is left alone: the caller owns the transaction,
and the host program its loggers.
"""

from alembic import context
from forge_obs.database.schema import metadata
from sqlalchemy import Connection


def run(connection: Connection) -> None:
    """Run the revisions inside the transaction of the caller."""
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
