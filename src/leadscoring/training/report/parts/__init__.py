"""The parts of the report's page, each from the data of the report."""
