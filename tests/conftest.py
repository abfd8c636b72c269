"""Fixtures that tests of several modules need."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
"""Files of real leads, beside the project; they are not part of it."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real lead data; without it a test is skipped, and in CI it fails unless CI knows it has none."""
    if SHARED_DATA.is_dir():
        return SHARED_DATA
    reason = "there are no real leads at ../shared/data beside the project"
    if os.environ.get("CI") and os.environ.get("REAL_LEADS") != "absent":
        pytest.fail(f"CI must measure on real leads, but {reason}")
    pytest.skip(reason)
