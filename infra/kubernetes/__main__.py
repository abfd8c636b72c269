"""``python -m infra.kubernetes``: generates the schema of the chart's values."""

import sys

from infra.kubernetes.values import SCHEMA, schema_text

if __name__ == "__main__":
    sys.exit(SCHEMA.write_text(schema_text(), "utf-8") == 0)
