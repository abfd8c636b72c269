"""Writes a report into a folder."""

import json
from pathlib import Path
from typing import Any

from leadscoring.training.report.page import page
from leadscoring.whole_file import whole_file


def write_report(data: dict[str, Any], folder: Path) -> None:
    """Writes ``report.html`` and ``report.json`` into a folder, which is created if necessary."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"report.html": page(data), "report.json": json.dumps(data, indent=2, allow_nan=False)}
    for name, text in texts.items():
        with whole_file(folder / name) as part:
            part.write_text(text, encoding="utf-8")
