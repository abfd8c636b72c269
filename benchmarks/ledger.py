"""``make bench-ledger``: measures what the ledger costs; prints the table and writes it to ``benchmarks/LEDGER.md``."""

import os
import sys
import tempfile
from pathlib import Path

from benchmarks import keeping, tape
from benchmarks.__main__ import machine
from benchmarks.postgresql import cluster
from benchmarks.row import table

REPORT = Path(__file__).parent / "LEDGER.md"


def main() -> int:
    """Runs the benchmarks of the ledger; the exit code is 0 if all bounds hold."""
    with tempfile.TemporaryDirectory() as folder, cluster() as server:
        rows = [*tape.rows(), *keeping.rows(Path(folder), server)]
    report = table(rows)
    REPORT.write_text(INTRODUCTION.format(machine=machine(), load=os.getloadavg()[1], table=report))
    print(report)
    return 0 if all(row.holds for row in rows) else 1


INTRODUCTION = """# What the ledger costs

`make bench-ledger` measures all of this in one run, and writes this file.

- *What recording adds*: the calls of a request to the tape, the shortest of many runs.
- *Requests of a second of processor time*: of the worker alone, under the load of `wrk`, with the ledger on and off by
  turns. The keeper is a process of its own. With one worker, a service without a ledger is a single process, and one
  with a ledger has a supervisor, whose limits are shared between processes: that is most of the difference. With two
  workers, both have one.
- *Leads that the keeper moves*: those of a second of processor time, its own and that of its connection's server. None
  folds, and half of them are new: nothing costs the keeper more.
- *Bytes a scored lead*: of the file of SQLite, or of leads and scores with their indexes in PostgreSQL, by the number
  of times that a lead was scored. A row has 50 features.
- *Until an outcome is committed*: by the clock, one after the other, while one process scores leads and the keeper
  moves them. All of them share the cores of the machine.

Measured on {machine}, with an average load of {load:.1f} on {cores} cores.

{{table}}
""".replace("{cores}", str(os.cpu_count())).replace("{{table}}", "{table}")

if __name__ == "__main__":
    sys.exit(main())
