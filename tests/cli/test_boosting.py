import subprocess
import sys

from leadscoring.cli.boosting import import_xgboost

SCRIPT = """
import sys
from leadscoring.cli.boosting import import_xgboost
import_xgboost()
assert "xgboost" in sys.modules
assert not any(name.partition(".")[0] == "sklearn" for name in sys.modules)
import sklearn
"""


def test_a_command_does_not_wait_for_scikit_learn() -> None:
    """XGBoost comes without it, and it can be imported afterwards."""
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=120)


def test_what_is_imported_already_stays() -> None:
    """A second call changes nothing."""
    before = sys.modules.get("sklearn")
    import_xgboost()
    import_xgboost()
    assert sys.modules.get("sklearn") is before
