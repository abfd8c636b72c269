"""What ``make bulk-proof`` holds of ten million rows, it holds of some thousand; and it finds what is wrong."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import bulk_files
import pytest
from benchmarks.bulk_proof import MODEL, PLANTERS, Difference, account, confirm, prove, rejects_of, table
from benchmarks.planting import KINDS, LAST, Planted

from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

ROWS = 6000


class Case(NamedTuple):
    """A planted file, its scores, and the counts of the run."""

    planted: Planted
    model: LoadedModel
    out: Path
    facts: dict[str, Any]


def scored(kind: str, folder: Path) -> Case:
    """Scores a planted file in this process."""
    model, data, out = open_model(MODEL), folder / f"leads.{kind}", folder / f"scores.{kind}"
    planted = PLANTERS[kind](data, model, ROWS, 7)
    counts = bulk_files.run(model, data, out, lead_id="lead_id").counts
    return Case(planted, model, out, {"counts": {name: getattr(counts, name) for name in counts.__struct_fields__}})


@pytest.mark.parametrize("kind", PLANTERS)
def test_every_planted_row_is_accounted_for(kind: str, tmp_path: Path) -> None:
    """Each kind of fault is there, every row is accounted for, and XGBoost confirms the answers."""
    case = scored(kind, tmp_path)
    names = {one.name for one in (*KINDS, LAST) if kind == "csv" or one.in_parquet}
    assert case.planted.kinds.keys() == names
    account(case.planted, case.out, case.facts)
    assert confirm(case.planted, case.out, case.model, random.Random(1)) > 500


def lines_of(path: Path, change: Callable[[list[str]], None]) -> None:
    """Changes the lines of a file."""
    lines = path.read_text().split("\n")
    change(lines)
    path.write_text("\n".join(lines))


def test_the_first_difference_is_found(tmp_path: Path) -> None:
    """A row that is lost, doubled or in another place, a reject that is lost or altered, a probability that is wrong."""
    case = scored("csv", tmp_path)
    rejects = rejects_of(case.out)

    def altered(lines: list[str]) -> None:
        lines[:] = [line.replace("must be", "should be") for line in lines]

    def wrong(lines: list[str]) -> None:
        for place, line in enumerate(lines[1:-1], 1):
            cells = line.split(",")
            lines[place] = ",".join([cells[0], "0.123", *cells[2:]]) if cells[1:2] and cells[1][:2] == "0." else line

    changes: list[tuple[Path, Callable[[list[str]], Any]]] = [
        (case.out, lambda lines: lines.pop(20)),
        (case.out, lambda lines: lines.insert(20, lines[20])),
        (case.out, lambda lines: lines.insert(2, lines.pop(20))),
        (rejects, lambda lines: lines.pop(5)),
        (rejects, altered),
    ]
    for path, change in changes:
        before = path.read_text()
        lines_of(path, change)
        with pytest.raises(Difference):
            account(case.planted, case.out, case.facts)
        path.write_text(before)
    account(case.planted, case.out, case.facts)
    with pytest.raises(Difference):
        account(case.planted, case.out, {"counts": case.facts["counts"] | {"scored": 1}})
    lines_of(case.out, wrong)
    with pytest.raises(Difference, match=r"0\.123"):
        confirm(case.planted, case.out, case.model, random.Random(1))


def test_the_command_is_killed_and_resumed(tmp_path: Path) -> None:
    """The whole proof, with real processes, which take some seconds: the other tests cannot see whether it works."""
    proof = prove("csv", ROWS, 1, tmp_path, 3)
    assert proof.counts["rows"] == proof.counts["scored"] + proof.counts["rejected"]
    assert proof.memory > 0
    assert f"| answers confirmed by XGBoost | {proof.confirmed:,} |" in table([proof])
