"""Leaks of a known truth are found, and honest columns of every strength are not accused."""

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from leaky import LEAKS, honest, leads_of

from leadscoring.training import suspects
from leadscoring.training.infer import infer
from leadscoring.training.options import TrainOptions
from leadscoring.training.pairs import telling_pairs
from leadscoring.training.prepared import by_names, read_leads
from leadscoring.training.quick import Quick
from leadscoring.training.reading.table import read_source
from leadscoring.training.suspects import Verdict, verdicts

SHARED = Path(__file__).resolve().parents[3] / "shared"
LATE = {"Tags", "Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity"} | {
    f"Asymmetrique {what} {how}" for what in ("Activity", "Profile") for how in ("Index", "Score")
}


def accused(found: list[Verdict]) -> set[str]:
    """The columns with signs."""
    return {one.column for one in found if one.signs}


@pytest.mark.parametrize("seed", range(12))
def test_honest_columns_are_not_accused(seed: int) -> None:
    """Strong ones, informative gaps, levels that nearly always convert, names that sound late."""
    columns, y = honest(seed)
    found = verdicts(pl.DataFrame(list(columns.values())), leads_of(pl.DataFrame(), y), 20)
    assert accused(found) == set()


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("seed", range(3))
def test_a_leak_is_found_whatever_its_name(leak: str, seed: int) -> None:
    """And nothing else, with the figures with and without it."""
    columns, y = honest(seed)
    values = LEAKS[leak](y, np.random.default_rng(seed))
    frame = pl.DataFrame([*columns.values(), pl.Series(leak, values, nan_to_null=True)])
    found = verdicts(frame, leads_of(frame, y), 20)
    assert accused(found) == {leak}
    assert found[-1].with_it > found[-1].without
    assert f"with it the ROC-AUC is {found[-1].with_it:.3f}, without it" in found[-1].words


def test_one_of_a_telling_pair_is_accused() -> None:
    """The one that says more alone; the other is honest without it."""
    columns, y = honest(5)
    random = np.random.default_rng(5)
    amount = random.gamma(2.0, 1000.0, len(y))
    pair = [pl.Series("Amount", amount), pl.Series("Column P", amount * (0.4 + 0.3 * y))]
    frame = pl.DataFrame([*columns.values(), *pair])
    found = verdicts(frame, leads_of(frame, y), 20)
    assert accused(found) == {"Column P"}
    assert "ratio with 'Amount' it reaches" in found[-1].words


def test_a_column_that_open_leads_lack_is_accused_if_it_says_something() -> None:
    """A new lead will lack it too."""
    columns, y = honest(5)
    frame = pl.DataFrame(list(columns.values()))
    best = max(verdicts(frame, leads_of(frame, y), 20), key=lambda one: one.evidence.alone).column
    shares = dict.fromkeys(frame.columns, 1.0) | {best: 0.05}
    found = verdicts(frame, msgspec.structs.replace(leads_of(frame, y), filled_open=shares), 20)
    assert accused(found) == {best}
    assert any("of the decided leads have a value, 5% of the open ones" in one.words for one in found)


def accused_in(path: str, target: str) -> set[str]:
    """The columns of a shared file that are accused, with only the target named."""
    if not (SHARED / path).is_file():
        pytest.skip(f"{path} is not in ../shared")
    table = read_source(SHARED / path)
    leads, asked, tokens = read_leads(table, by_names(TrainOptions(target=target), table))
    return accused(verdicts(infer(leads.frame, leads.y, leads.named, asked, tokens).frame, leads, 20))


@pytest.mark.parametrize(
    ("path", "target", "late"),
    [
        ("data/xeducation/Leads.csv", "Converted", LATE),
        ("data/bank/bank-additional-full.csv", "y", {"duration"}),
        ("cases/09_open_deals.csv", "stage", set()),
        ("cases/10_leak_of_two_columns.csv", "Is closed won", {"Weighted amount", "Is closed", "Is closed lost"}),
        ("cases/05_money.csv", "converted", set()),
        ("cases/07_counts_so_far_0_or_1.csv", "converted", set()),
    ],
)
def test_real_files_have_the_leaks_that_are_known(path: str, target: str, late: set[str]) -> None:
    """Every one of them, and no column that is known beforehand."""
    assert accused_in(path, target) == late


def test_a_table_of_very_many_columns_is_looked_at_in_time_that_grows_with_their_number() -> None:
    """Pairs of the most telling ones, models of those that tell something, and a note that says so."""
    random, rows, width = np.random.default_rng(3), 240, 700
    y = (random.random(rows) < 0.4).astype(float)
    noise = [pl.Series(f"c{place}", random.normal(size=rows)) for place in range(width)]
    frame = pl.DataFrame([*noise, pl.Series("Field", y + random.normal(size=rows) * 0.1)])
    fitted: list[int] = []
    looked: list[int] = []

    def quick(self: Quick, *given: object) -> float:
        fitted.append(len(given[0]))  # type: ignore[arg-type]  # the places
        return measured(self, *given)  # type: ignore[arg-type]  # handed on as they came

    def pairs(_quick: Quick, places: list[int], alone: dict[int, float]) -> list[object]:
        looked.append(len(places))
        return found_pairs(_quick, places, alone)  # type: ignore[return-value]  # pairs, whatever they are

    measured, found_pairs = Quick.measured, telling_pairs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Quick, "measured", quick)
        patch.setattr(suspects, "telling_pairs", pairs)
        found = verdicts(frame, leads_of(frame, y), 20)
    assert accused(found) == {"Field"}
    assert looked == [suspects.MOST_PAIRED]
    assert len(fitted) < width / 3
    assert max(fitted) <= suspects.MOST_BESIDE + 1
    (note,) = suspects.not_looked_at(width + 1)
    assert note == "of 701 columns, leaks of two columns together were looked for among the 120 that say most alone"
    assert suspects.not_looked_at(120) == ()
