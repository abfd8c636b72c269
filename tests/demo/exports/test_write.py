"""Exports as files: the trainer's reader reads every row, the truth fits, leaks are leaks, and seeds make the same bytes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from leadscoring.demo.exports.crm import CRMS, ENCODINGS, LOCALES, SEPARATORS, Crm
from leadscoring.demo.exports.write import CHUNK, Style, Tally, Written, chunks, write
from leadscoring.training.reading.header import clean
from leadscoring.training.reading.moments import moments
from leadscoring.training.reading.notation import decide
from leadscoring.training.reading.table import Table, read_table

ROWS = CHUNK + 3_000
"""More than one chunk, and more than one repeated header."""


class Made(NamedTuple):
    """An export as it was written and read again, and the truth beside it."""

    crm: Crm
    path: Path
    written: Written
    read: Table
    truth: pl.DataFrame

    def decided(self) -> tuple[pl.DataFrame, np.ndarray]:
        """The rows of decided deals, each once, and their outcomes."""
        known = self.truth.filter(pl.col("converted").is_not_null())
        frame = self.read.frame.unique(self.crm.key, keep="first").join(known, on=self.crm.key, maintain_order="right")
        return frame, frame["converted"].to_numpy()


def style_of(crm: Crm) -> Style:
    """The style that the CRM has by itself."""
    return Style(crm.locale, crm.encoding, crm.separator)


@pytest.fixture(scope="module", params=list(CRMS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One export of each CRM."""
    crm = CRMS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    out, truth = folder / "deals.csv", folder / "truth.csv"
    written = write(crm, ROWS, 3, out, truth, style_of(crm))
    return Made(crm, out, written, read_table(out), pl.read_csv(truth, schema_overrides={crm.key: pl.String}))


def test_the_reader_accounts_for_every_row(made: Made) -> None:
    """All rows and columns; what else is in the file is named in the notes."""
    assert made.read.frame.shape == (ROWS, len(made.crm.columns))
    assert [made.read.labels.get(name, name) for name in made.read.frame.columns] == [
        column.label for column in made.crm.columns
    ]
    notes = " ".join(made.read.notes)
    assert ("below the data left out" in notes) == bool(made.crm.footer)
    assert ("the header comes again" in notes) == bool(made.crm.again)


def test_the_truth_has_each_deal_once(made: Made) -> None:
    """In the order of the export, in which one row in a hundred repeats another."""
    keys = made.read.frame[made.crm.key]
    assert keys.unique(maintain_order=True).to_list() == made.truth[made.crm.key].to_list()
    assert made.written.deals == made.truth.height
    assert 0.006 < 1 - made.truth.height / ROWS < 0.014
    assert made.read.frame.is_duplicated().sum() == 2 * (ROWS - made.truth.height)


def test_the_target_says_what_the_truth_says(made: Made) -> None:
    """Positive stages converted, open ones have no outcome; the summary counts them."""
    frame = made.truth.join(made.read.frame.unique(made.crm.key), on=made.crm.key, maintain_order="left")
    kind = {stage.text: stage.kind for stage in made.crm.stages}
    kinds = frame[made.crm.target].replace_strict(kind)
    assert frame.filter(kinds == "open")["converted"].null_count() == (kinds == "open").sum() > 0
    assert frame.filter(kinds == "lost")["converted"].to_list() == [0] * made.written.lost
    assert frame.filter(kinds.is_in(["won", "upsell"]))["converted"].to_list() == [1] * made.written.won
    assert (kinds == "open").sum() == made.written.still_open


def test_the_true_probabilities_are_calibrated(made: Made) -> None:
    """In each tenth of the decided deals, within four standard deviations of the binomial."""
    frame, y = made.decided()
    p = frame["true_probability"].to_numpy()
    for part in np.array_split(np.argsort(p), 10):
        assert abs(y[part].sum() - p[part].sum()) < 4 * np.sqrt((p[part] * (1 - p[part])).sum())


def test_the_roc_auc_of_the_truth_is_that_of_the_decided_deals(made: Made) -> None:
    """Where a useful model of real deals would be; counted in bins, as exact as it is printed."""
    frame, y = made.decided()
    assert made.written.roc_auc == pytest.approx(roc_auc_score(y, frame["true_probability"]), abs=5e-5)
    assert 0.83 < made.written.roc_auc < 0.88


def signal(values: np.ndarray, y: np.ndarray) -> float:
    """How well one column alone tells the outcome: ROC-AUC of its numbers, or of the outcomes of its levels."""
    if values.dtype == np.float64:
        values = np.nan_to_num(values, nan=np.nanmin(values) - 1)
        area = roc_auc_score(y, values)
        return float(max(area, 1 - area))
    _, place = np.unique(values.astype(str), return_inverse=True)
    rates = np.bincount(place, y) / np.bincount(place)
    return float(roc_auc_score(y, rates[place]))


def amounts(values: pl.Series) -> np.ndarray:
    """Amounts, shares and counts as numbers, NaN where there is none."""
    decided = decide(values.replace("", None))
    assert decided is not None
    return decided.values


def numbers(made: Made, frame: pl.DataFrame, label: str) -> np.ndarray:
    """A column as the trainer can see it: days since the creation, numbers, or levels."""
    label = made.read.resolve(label, "the test")
    form = next(column.form for column in made.crm.columns if clean(column.label) == label)
    if form in {"moment", "day"}:
        later, first = moments(frame[label]), moments(frame[made.crm.time])
        return np.asarray((later.values - first.values) / 86_400e6)
    return frame[label].fill_null("").to_numpy() if form == "plain" else amounts(frame[label])


def test_each_leak_tells_the_outcome_or_whether_there_is_one(made: Made) -> None:
    """Better than any honest column alone; a weighted amount does beside the amount."""
    frame, y = made.decided()
    open_too = made.read.frame.unique(made.crm.key).join(made.truth, on=made.crm.key)
    is_open = open_too["converted"].is_null().to_numpy().astype(int)
    for label in made.crm.leaks:
        outcome = signal(numbers(made, frame, label), y)
        assert outcome > 0.62 or signal(numbers(made, open_too, label), is_open) > 0.95, label
    honest = [one.label for one in made.crm.columns if one.label not in {*made.crm.leaks, made.crm.key}]
    for label in ("Industry", next(one.label for one in made.crm.columns if one.cell == "pages")):
        assert label in honest
        assert signal(numbers(made, frame, label), y) < 0.62


def test_every_value_is_read_as_its_form(made: Made) -> None:
    """Moments, amounts, shares and counts: none is left over as text."""
    for column in made.crm.columns:
        values = made.read.frame[clean(column.label)]
        values = values.filter(values.fill_null("") != "")
        if column.form in {"moment", "day"}:
            assert not np.isnan(moments(values).values).any(), column.label
        elif column.form != "plain":
            assert not np.isnan(amounts(values)).any(), column.label


def test_the_bytes_are_of_the_announced_encoding(made: Made) -> None:
    """With its byte order mark, and letters beyond ASCII."""
    content = made.path.read_bytes()
    marks = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe", "cp1252": b'"Opp'}
    assert content.startswith(marks[made.crm.encoding])
    text = content.decode(made.crm.encoding)
    assert "ström" in text
    assert text.count("\ufeff") == 0


def test_the_same_seed_makes_the_same_bytes(made: Made, tmp_path: Path) -> None:
    """Another seed other ones."""
    out, truth = tmp_path / "again.csv", tmp_path / "truth.csv"
    write(made.crm, ROWS, 3, out, truth, style_of(made.crm))
    assert out.read_bytes() == made.path.read_bytes()
    assert truth.read_bytes() == made.path.with_name("truth.csv").read_bytes()
    write(made.crm, ROWS, 4, out, None, style_of(made.crm))
    assert out.read_bytes() != made.path.read_bytes()


@pytest.mark.parametrize("locale", list(LOCALES))
@pytest.mark.parametrize("encoding", list(ENCODINGS))
@pytest.mark.parametrize("separator", list(SEPARATORS))
def test_any_form_can_be_read(tmp_path: Path, locale: str, encoding: str, separator: str) -> None:
    """Each combination, with the same deals in it."""
    crm = CRMS["dynamics"]
    write(crm, 300, 3, tmp_path / "deals.csv", None, Style(locale, encoding, separator))
    frame = read_table(tmp_path / "deals.csv").frame
    assert frame.shape == (300, len(crm.columns))
    write(crm, 300, 3, tmp_path / "as usual.csv", None, style_of(crm))
    usual = read_table(tmp_path / "as usual.csv").frame
    texts = [column.label for column in crm.columns if column.form == "plain"]
    assert frame.select(texts).equals(usual.select(texts))


def test_the_same_seed_makes_the_same_deals_for_each_crm() -> None:
    """So that their formats can be compared, and nothing else differs."""
    first, *others = (next(chunks(crm, 500, 3))[0] for crm in CRMS.values())
    for other in others:
        assert np.array_equal(first.course.probability, other.course.probability)
        assert np.array_equal(first.course.won, other.course.won)


@pytest.mark.parametrize("rows", [1, 2, CHUNK, CHUNK + 1])
def test_any_number_of_rows_is_written(tmp_path: Path, rows: int) -> None:
    """At the borders of a chunk too; a single outcome has no ROC-AUC."""
    written = write(CRMS["salesforce"], rows, 1, tmp_path / "deals.csv", None, style_of(CRMS["salesforce"]))
    assert (written.rows, read_table(tmp_path / "deals.csv").frame.height) == (rows, rows)
    assert np.isnan(written.roc_auc) == (rows < 3)


def test_a_tally_counts_ties_half() -> None:
    """As any ROC-AUC does."""
    tally = Tally()
    p = np.array([0.2, 0.2, 0.7, 0.9])
    tally.add(p, np.array([True, False, True, False]), np.array([False, False, False, True]))
    assert tally.roc_auc == 0.75
    assert tally.open == 1
