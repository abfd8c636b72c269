"""Writes a report into a folder."""

import json
from pathlib import Path
from typing import Any

from leadscoring.training.report.page import page


def write_report(data: dict[str, Any], folder: Path) -> None:
    """Writes ``report.html`` and ``report.json`` into a folder, which is created if necessary."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(page(data), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(data, indent=2, allow_nan=False), encoding="utf-8")
