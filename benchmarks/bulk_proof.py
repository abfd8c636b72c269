"""Proves that scoring a large file loses nothing: ``make bulk-proof``, or ``python -m benchmarks.bulk_proof --rows N``.

Writes a file with planted faults, scores it undisturbed, scores it again with SIGKILL at random moments and
``--resume``, and compares the two byte for byte; accounts for every row; and lets stock XGBoost and the card's
calibration confirm a thousand answers. Does so from CSV to CSV and from Parquet to Parquet. Ends with exit code 1 at
the first difference.
"""

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import xgboost as xgb

from benchmarks.planting import SAMPLED, Planted, plant_csv, plant_parquet
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

MODEL = Path("models/model.json")
FOLDER = Path("build/bulk-proof")
REASONS = 5
MOST_MEMORY = 500 << 20
POLLED = 0.005
"""Seconds between two looks at a run that is to be killed."""

CLOSE = 2e-5
"""How far contributions may be from XGBoost's, which computes them in float32."""

PLANTERS: dict[str, Callable[[Path, LoadedModel, int, int], Planted]] = {"csv": plant_csv, "parquet": plant_parquet}


class Difference(AssertionError):
    """Something is not as it has to be."""


class Ran(NamedTuple):
    """A run that ended: its seconds, the most memory it had, and what it printed; ``None`` if it was killed."""

    seconds: float
    memory: int
    facts: dict[str, Any] | None
    reached: int


class Proof(NamedTuple):
    """What was proved about one format."""

    kind: str
    counts: dict[str, int]
    megabytes: float
    undisturbed: Ran
    killed: list[Ran]
    resumed: Ran
    confirmed: int

    @property
    def memory(self) -> int:
        """The most memory of any of the runs."""
        return max(one.memory for one in (self.undisturbed, *self.killed, self.resumed))


def hold(holds: bool, words: str) -> None:
    """Raises ``Difference`` unless something holds."""
    if not holds:
        raise Difference(words)


def run(data: Path, out: Path, stop_at: int | None = None, resume: bool = False) -> Ran:
    """Scores a file with the command, in two threads; kills it when so many bytes of the output are written."""
    command = [str(Path(sys.executable).parent / "leadscoring"), "score", str(MODEL), str(data), "--out", str(out)]
    command += ["--reasons", str(REASONS), "--threads", "2", "--json", *(["--resume"] if resume else [])]
    part, began, memory = out.with_name(f".{out.name}.part"), time.monotonic(), 0
    with (out.parent / "stdout").open("wb") as printed, (out.parent / "stderr").open("wb") as words:
        process = subprocess.Popen(command, stdout=printed, stderr=words)
        try:
            while process.poll() is None:
                memory = max(memory, most_memory(process.pid))
                if stop_at is not None and size_of(part) >= stop_at:
                    process.kill()
                time.sleep(POLLED)
        finally:
            process.kill()
            process.wait()
    seconds, reached = time.monotonic() - began, size_of(part)
    if process.returncode == -9:
        return Ran(seconds, memory, None, reached)
    hold(process.returncode == 3, f"the run ended with {process.returncode}: {(out.parent / 'stderr').read_text()}")
    return Ran(seconds, memory, json.loads((out.parent / "stdout").read_bytes()), size_of(out))


def most_memory(pid: int) -> int:
    """The most memory that a process has had, in bytes: VmHWM."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)


def size_of(path: Path) -> int:
    """The bytes of a file that may be absent."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rejects_of(out: Path) -> Path:
    """Where the rejects of a run are."""
    return out.with_name(f"{out.stem}.rejects.csv")


def disturbed(data: Path, out: Path, size: int, kills: int, chance: random.Random) -> list[Ran]:
    """Scores a file, killed at random places and resumed; returns the runs, of which the last one is complete."""
    ran: list[Ran] = []
    for place in sorted(int(chance.uniform(0.05, 0.95) * size) for _ in range(kills)):
        ran.append(run(data, out, place, resume=True))
        if ran[-1].facts is not None:  # faster than it could be killed, as small files are
            return ran
        hold(not out.exists(), f"{out} is there, though the run was killed")
    return [*ran, run(data, out, resume=True)]


def account(planted: Planted, out: Path, facts: dict[str, Any]) -> None:
    """Holds that every row is scored once, or rejected with its line and its faults, and counted."""
    counts = facts["counts"]
    for name, count in planted.counts.items():
        hold(counts[name] == count, f"{name} is {counts[name]}, not {count}")
    hold(counts["rows"] == counts["scored"] + counts["rejected"], f"the counts do not add up: {counts}")
    expected = pl.concat(planted.ids)
    found = column_of(out, "id")
    hold(len(found) == len(expected), f"{len(found)} rows of scores, not {len(expected)}")
    other = (found != expected).arg_true()
    hold(not len(other), f"row {other[0] if len(other) else 0} of the scores is another lead")
    rejects = pl.read_csv(rejects_of(out), infer_schema=False)
    hold(rejects.height == len(planted.rejects), f"{rejects.height} rejects, not {len(planted.rejects)}")
    for row, reject in zip(rejects.iter_rows(named=True), planted.rejects, strict=True):
        fits = row["line"] == str(reject.line) and row["id"] == reject.lead_id
        hold(fits, f"the reject of line {row['line']} is {row}, not {reject}")
        hold(reject.content in {None, row["content"]}, f"line {row['line']} is given as {row['content']!r}")
        faults = tuple((fault["path"], fault["message"]) for fault in json.loads(row["faults"]))
        if reject.content is not None and len(reject.faults) == 1 and not reject.faults[0][0]:  # a line that is no row
            hold(reject.faults[0][1] in faults[0][1], f"line {row['line']} has the faults {faults}")
        else:
            hold(faults == reject.faults, f"line {row['line']} has the faults {faults}, not {reject.faults}")


def column_of(path: Path, name: str) -> pl.Series:
    """One column of the scores."""
    scan = scan_of(path).select(name)
    return scan.collect(engine="streaming")[name].cast(pl.String)


def scan_of(path: Path) -> pl.LazyFrame:
    """The scores, to be read in part."""
    return pl.scan_csv(path, infer_schema=False) if path.suffix == ".csv" else pl.scan_parquet(path)


def confirm(planted: Planted, out: Path, model: LoadedModel, chance: random.Random) -> int:
    """Holds that stock XGBoost and the calibration of the card give the same answers; returns for how many leads."""
    places = sorted(chance.sample(sorted(planted.sample), min(SAMPLED, len(planted.sample))))
    indexed = scan_of(out).with_row_index("place").filter(pl.col("place").is_in(places))
    rows = list(indexed.collect(engine="streaming").sort("place").iter_rows(named=True))
    hold(len(rows) == len(places), f"{len(rows)} of {len(places)} rows are there")
    booster = xgb.Booster({"nthread": 2}, model_file=str(MODEL))
    values = np.array([planted.sample[place] for place in places])
    data = xgb.DMatrix(values.astype(np.float32), feature_names=booster.feature_names)
    margins = booster.predict(data, output_margin=True).astype(np.float64)
    shares = booster.predict(data, pred_contribs=True)[:, :-1]
    knots, tiers = model.card.calibration, model.card.tiers
    chances = np.interp(margins, knots.margins, knots.probabilities)
    for row, probability, share, value in zip(rows, chances.tolist(), shares, values, strict=True):
        words = f"the lead {row['id']} has"
        found = float(row["probability"])
        hold(abs(found - probability) <= 1e-15, f"{words} {found!r}, not {probability!r}")
        tier = "ABCDE"[sum(found < threshold for threshold in tiers.thresholds)]
        hold(row["tier"] == tier, f"{words} tier {row['tier']}, not {tier}")
        hold(row["model_digest"] == model.sha256, f"{words} another model")
        confirm_reasons(model, row, share, value, words)
    return len(rows)


def confirm_reasons(model: LoadedModel, row: dict[str, Any], shares: Any, values: Any, words: str) -> None:
    """Holds that the reasons are the largest contributions by XGBoost, with the values of the lead."""
    largest = np.sort(np.abs(shares))[::-1]
    for place, (feature, value, contribution) in enumerate(reasons_of(row)):
        at = model.names.index(feature)
        fits = abs(contribution - shares[at]) <= CLOSE and abs(abs(contribution) - largest[place]) <= CLOSE
        hold(fits, f"{words} {contribution} of {feature}, not {shares[at]}")
        sent = None if np.isnan(values[at]) else float(values[at])
        hold((None if value is None else float(value)) == sent, f"{words} {value} of {feature}, not {sent}")


def reasons_of(row: dict[str, Any]) -> Iterator[tuple[str, Any, float]]:
    """The reasons of a row of scores, of CSV or Parquet."""
    if "reasons" in row:
        for one in row["reasons"]:
            yield one["feature"], one["value"], one["contribution"]
        return
    for place in range(1, REASONS + 1):
        if row[f"reason_{place}_feature"] is not None:
            names = (f"reason_{place}_{part}" for part in ("feature", "value", "contribution"))
            feature, value, contribution = (row[name] for name in names)
            yield feature, value, float(contribution)


def prove(kind: str, rows: int, kills: int, folder: Path, seed: int) -> Proof:
    """Proves everything about one format. Raises ``Difference`` at the first difference."""
    model, chance = open_model(MODEL), random.Random(seed)
    data, whole, out = folder / f"leads.{kind}", folder / f"whole.{kind}", folder / f"scores.{kind}"
    planted = PLANTERS[kind](data, model, rows, seed)
    report(f"{kind}: wrote {planted.counts['rows']:,} rows, {data.stat().st_size / 1e6:,.0f} MB; scoring it")
    undisturbed = run(data, whole)
    hold(undisturbed.facts is not None, "the undisturbed run was killed")
    expected = digest(whole), digest(rejects_of(whole))
    whole.unlink()
    report(f"{kind}: {undisturbed.seconds:.0f} s undisturbed; scoring it again, with SIGKILL")
    *killed, resumed = disturbed(data, out, undisturbed.reached, kills, chance)
    report(f"{kind}: killed after {' and '.join(f'{one.reached / 1e6:,.0f} MB' for one in killed)}; comparing")
    hold((digest(out), digest(rejects_of(out))) == expected, f"{out} or its rejects differ from the undisturbed run's")
    left = {path.name for path in folder.glob(".*")}
    hold(not left, f"the runs left {left}")
    assert resumed.facts is not None, "the last run is not killed"
    account(planted, out, resumed.facts)
    confirmed = confirm(planted, out, model, chance)
    proof = Proof(kind, planted.counts, data.stat().st_size / 1e6, undisturbed, killed, resumed, confirmed)
    report(table([proof]))
    hold(proof.memory <= MOST_MEMORY, f"a run had {proof.memory >> 20} MB of memory, more than {MOST_MEMORY >> 20}")
    return proof


def report(words: str) -> None:
    """Says how far the proof has come."""
    print(words, file=sys.stderr, flush=True)


def table(proofs: list[Proof]) -> str:
    """What was proved, as a table in Markdown."""
    lines = {
        "rows": [f"{one.counts['rows']:,} ({one.megabytes:,.0f} MB)" for one in proofs],
        "scored, rejected": [f"{one.counts['scored']:,}, {one.counts['rejected']:,}" for one in proofs],
        "lines that are no rows": [f"{one.counts['empty'] + one.counts['headers']:,}" for one in proofs],
        "killed after": [", ".join(f"{run.reached / 1e6:,.0f} MB" for run in one.killed) or "-" for one in proofs],
        "rows that the last run did not score again": [f"{one.resumed.facts['resumed']:,}" for one in proofs],  # type: ignore[index]  # it ended
        "bytes equal to an undisturbed run": ["yes" for _ in proofs],
        "lost, doubled": ["0, 0" for _ in proofs],
        "answers confirmed by XGBoost": [f"{one.confirmed:,}" for one in proofs],
        "most memory (VmHWM)": [f"{one.memory >> 20} MB" for one in proofs],
        "seconds undisturbed": [f"{one.undisturbed.seconds:.0f}" for one in proofs],
    }
    head = ["| |" + "|".join(f" {one.kind} " for one in proofs) + "|", "|---|" + "---|" * len(proofs)]
    return "\n".join([*head, *(f"| {name} | {' | '.join(cells)} |" for name, cells in lines.items())])


def main() -> None:
    """Proves and prints the table; ends with 1 at the first difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="about 600 bytes a row are needed there")
    parser.add_argument("--kinds", default="csv,parquet")
    given = parser.parse_args()
    proofs = []
    for kind in given.kinds.split(","):
        shutil.rmtree(given.folder, ignore_errors=True)
        given.folder.mkdir(parents=True)
        try:
            proofs.append(prove(kind, given.rows, given.kills, given.folder, given.seed))
        except Difference as difference:
            print(f"{kind}: {difference}")
            sys.exit(1)
        finally:
            shutil.rmtree(given.folder, ignore_errors=True)
    print(table(proofs))


if __name__ == "__main__":
    main()
