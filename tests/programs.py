"""Programs of the system that tests need: without one a test is skipped and names it; in CI it fails."""

import os
import shutil

import pytest

PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "pgrep": "procps",
    "promtool": "prometheus",
}
"""Debian's packages, where they are not named as the program is."""

PLACES = os.environ.get("PATH", "") + ":/usr/sbin"
"""Debian puts services where a user's PATH does not look."""


def program(*names: str) -> str:
    """The path of a program, by the first of its names that is installed."""
    for name in names:
        if found := shutil.which(name, path=PLACES):
            return found
    reason = f"{names[0]} is not installed (Debian, Ubuntu: apt-get install {PACKAGES.get(names[0], names[0])})"
    if os.environ.get("CI"):
        pytest.fail(f"CI must run this, but {reason}")
    pytest.skip(reason)
