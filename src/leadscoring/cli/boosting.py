"""XGBoost as the commands need it: without scikit-learn, which it imports wherever that is installed."""

import sys
from importlib import import_module


def import_xgboost() -> None:
    """Imports XGBoost, unless it is imported already, without its wrappers for scikit-learn.

    These, and SciPy's statistics behind them, take a second, and no command uses them. scikit-learn can be imported
    afterwards.
    """
    if "xgboost" in sys.modules or "sklearn" in sys.modules:
        return
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # how Python marks a module that cannot be imported
    try:
        import_module("xgboost")
    finally:
        del sys.modules["sklearn"]
