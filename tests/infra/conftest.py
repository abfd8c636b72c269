"""What writes templates has an environment of its own: `make infra-test` runs these tests there."""

from importlib.util import find_spec

collect_ignore = ([] if find_spec("aws_cdk") else ["aws"]) + ([] if find_spec("tree_sitter_bicep") else ["azure"])
"""Without what reads the templates there are only the tests of the file of environments and of the names in documents."""
