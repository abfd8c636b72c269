"""Every command of docs/FROM_EXPORT_TO_SCORES.md works as it stands, and prints what the page shows."""

import subprocess
import sys

import pytest
from project import ROOT

SCRIPT = ROOT / "scripts" / "docs" / "render_export_page.py"


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_the_way_from_an_export_to_scores_can_be_walked() -> None:
    """In order, in an empty folder; numbers may differ in another place than this machine."""
    ran = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
