"""``make bench``: runs all benchmarks; prints one table and writes it to ``benchmarks/README.md``.

Each figure is a ratio against a reference measured in the same run, so that the machine matters less.
"""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks import engine, http
from benchmarks.models import lead_body, model_file
from benchmarks.row import table
from leadscoring import _engine

REPORT = Path(__file__).parent / "README.md"


def main() -> int:
    """Runs all benchmarks; the exit code is 0 if all bounds hold."""
    rows = [*engine.rows(), *http.rows(model_file(), lead_body())]
    report = table(rows)
    REPORT.write_text(INTRODUCTION.format(machine=machine(), table=report))
    print(report)
    return 0 if all(row.holds for row in rows) else 1


def machine() -> str:
    """Describes the processor and the measured versions."""
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
    return f"{processor} ({_engine.variant()}), {system}, {libraries}"


INTRODUCTION = """# Benchmarks

`make bench` measures all of this, prints the table and writes this file. Quality of the trainer on real data is
measured by `make bench-quality`, what a training costs beside one plain fit of XGBoost by `make bench-training`
([decision 22](../docs/decisions/0022-training-speed.md) has its figures), scoring of files by `make bench-bulk`, and
on clusters of Spark and Ray by `make bench-clusters` ([decision 25](../docs/decisions/0025-bulk.md)), what the ledger
costs by `make bench-ledger` ([its figures](LEDGER.md)).

Every figure is a ratio against a reference measured in the same run (or the figure itself where no reference stands
beside it). The server runs alone on one core, the load (`wrk`, 16 connections) comes from the other; API key,
validation, metrics and access log are on. The model has the default contract's 50 features, 200 trees of depth 4.
The servers take
turns of a second, eight each, and the best rate of each counts: noise only ever slows.

- *Bare ASGI app*: on the same uvicorn, reads the body and sends back the same bytes.
- *FastAPI + pydantic + xgboost*: the usual way to serve such a model, with `pred_contribs` for the reasons.
- Engine figures: one thread on both sides, the shortest of many runs.

Measured on {machine}.

{table}
"""

if __name__ == "__main__":
    sys.exit(main())
