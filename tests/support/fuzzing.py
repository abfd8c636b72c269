"""How hard the fuzzers try: a little in every run of the tests, a lot in ``make fuzz``."""

import os

EFFORT = int(os.environ.get("FUZZ_EFFORT", "1"))
"""How many times the examples of an ordinary run."""


def examples(ordinary: int) -> int:
    """How many examples a fuzzer tries that makes do with ``ordinary`` ones in the tests."""
    return ordinary * EFFORT
