"""What writes templates has an environment of its own: `make infra-test` runs these tests there."""

from importlib.util import find_spec

NEEDED = {"aws": "aws_cdk", "azure": "tree_sitter_bicep", "chart": "helm_python"}
"""The library that each folder's tests cannot do without."""

collect_ignore = [folder for folder, library in NEEDED.items() if not find_spec(library)]
"""Without the libraries there are only the tests of environments, endpoints and documents, and of what is made from those."""
