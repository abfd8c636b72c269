"""What keeping a scored lead for the ledger adds to a request: ``python -m benchmarks.tape``."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.engine import best
from benchmarks.models import lead_body, model_file
from benchmarks.row import Row, table
from benchmarks.servers import load, service
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.recorder import Recorder
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.model.file import open_model

BATCH = 1000
TURNS = 8
MOST_BYTES = 1 << 30


def rows() -> list[Row]:
    """Measures the time that a lead adds alone and in a batch, and requests per second with the ledger on and off."""
    with tempfile.TemporaryDirectory() as folder:
        return [*added(Path(folder) / "calls"), rate(Path(folder))]


def added(folder: Path) -> list[Row]:
    """Measures the microseconds a lead, of one lead and of a batch."""
    model = open_model(model_file())
    tape = Tape(TapeFolder(folder, MOST_BYTES), LeadKeys(bytes(32)))
    record = Recorder(tape, model.sha256, model.card.contract).record
    lead, row = model.decoder.one(lead_body())
    margin = model.trees.predict(row)
    leads, batch = model.decoder.many(b"[" + b",".join([lead_body()] * BATCH) + b"]", BATCH)
    margins = model.trees.predict(batch)
    alone = best(lambda: record(row, margin, [lead], "0123456789ab-12"), 1, 30, 500)
    each = best(lambda: record(batch, margins, leads, "0123456789ab-12"), BATCH, 30)
    tape.close()
    return [
        Row("what the ledger adds to one lead", f"{alone:.2f} us", "", alone, 1.5, at_most=True),
        Row(f"what the ledger adds to a lead in a batch of {BATCH:,}", f"{each:.2f} us", "", each, 1.0, at_most=True),
    ]


def rate(folder: Path) -> Row:
    """Compares requests per second with the ledger on and off, in turns; each score has 5 reasons."""
    model, lead = model_file(), lead_body()
    settings = {"LEDGER": "on", "LEDGER_TAPE_PATH": str(folder / "tape"), "LEDGER_KEY_FILE": str(folder / "key")}
    with ExitStack() as running:
        on = running.enter_context(service(model, **settings))[0] + "/api/v1/score"
        off = running.enter_context(service(model))[0] + "/api/v1/score"
        found = {on: 0.0, off: 0.0}
        for _ in range(TURNS):
            for address, fastest in found.items():
                found[address] = max(fastest, load(address, lead, seconds=1))
    told = f"{found[on]:,.0f}/s", f"without {found[off]:,.0f}/s"
    return Row("requests/s, one lead, 5 reasons, ledger on", *told, found[on] / found[off], 0.95)


if __name__ == "__main__":
    print(table(rows()))
