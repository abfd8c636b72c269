"""What tests need beside the environment, most of it programs: without it a test is skipped; in CI it fails."""

import os
import shutil
from typing import NoReturn

import pytest

PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "pgrep": "procps",
    "promtool": "prometheus",
}
"""Debian's packages, where they are not named as the program is."""

PLACES = os.environ.get("PATH", "") + ":/usr/sbin"
"""Debian puts services where a user's PATH does not look."""


def missing(reason: str) -> NoReturn:
    """Skips the test with the reason; in CI, which must run it, fails."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must run this, but {reason}")
    pytest.skip(reason)


def program(*names: str, path: str = PLACES) -> str:
    """The path of a program, by the first of its names that is installed."""
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    missing(f"{names[0]} is not installed (Debian, Ubuntu: apt-get install {PACKAGES.get(names[0], names[0])})")
