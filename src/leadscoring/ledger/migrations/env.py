"""How alembic runs a step: on the connection that ``ledger.schema`` hands over, in its transaction."""

from alembic import context

from leadscoring.ledger.schema import VERSION_TABLE
from leadscoring.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite's too, since we begin its transactions
)
context.run_migrations()
