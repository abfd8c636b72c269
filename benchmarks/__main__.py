"""``make bench``: every benchmark, one table, printed and written to ``benchmarks/README.md``.

Each figure is a ratio against a reference measured in the same run, so that the machine matters less.
"""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks import engine, http
from benchmarks.models import lead_body, model_file

REPORT = Path(__file__).parent / "README.md"
HEAD = ["what", "ours", "against", "figure", "bound", "holds"]


def main() -> int:
    """Runs all of it; the exit code says whether every bound holds."""
    rows = [*engine.rows(), *http.rows(model_file(), lead_body())]
    table = markdown([HEAD, *(row.cells() for row in rows)])
    REPORT.write_text(INTRODUCTION.format(machine=machine(), table=table))
    print(table)
    return 0 if all(row.holds for row in rows) else 1


def markdown(rows: list[list[str]]) -> str:
    """Rows, the first of them the head, as a table that reads well in a terminal too."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> str:
    """The processor and the versions that were measured."""
    processor = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    names = ("uvicorn", "uvloop", "httptools", "msgspec", "xgboost-cpu", "fastapi", "pydantic")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{processor} ({engine.variants_told()}), {system}, {libraries}"


INTRODUCTION = """# Benchmarks

`make bench` measures all of this, prints the table and writes this file. Quality of the trainer on real data is
measured by `make bench-quality`.

Every figure is a ratio against a reference measured in the same run (or the figure itself where no reference stands
beside it). The server runs alone on one core, the load (`wrk`, 16 connections) comes from the other; API key,
validation, metrics and access log are on. The model has the default contract's 50 features, 200 trees of depth 4.
Best of three rounds.

- *Bare ASGI app*: on the same uvicorn, reads the body and sends back the same bytes.
- *FastAPI + pydantic + xgboost*: the usual way to serve such a model, with `pred_contribs` for the reasons.
- Engine figures: one thread on both sides, the shortest of many runs.

Measured on {machine}.

{table}
"""

if __name__ == "__main__":
    sys.exit(main())
