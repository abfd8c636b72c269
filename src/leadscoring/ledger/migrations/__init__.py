"""The steps by which the schema of the ledger came about, run by alembic."""
