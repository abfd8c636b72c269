"""Outcomes in a file are read as training reads its file: names, dates, formats and words."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.ledger.outcome import Outcome
from leadscoring.training.outcome_file import Columns, Meaning, OutcomeFile, Rejected, named

NOW = 1_900_000_000_000_000
AT = Columns("id", "stage", "at")
PLAIN = Meaning()


def read(path: Path, columns: Columns = AT, meaning: Meaning = PLAIN) -> list[Outcome | Rejected]:
    """All rows of a file."""
    file = OutcomeFile(path, columns, meaning)
    return list(file.rows(0, len(file), NOW))


def micros(*parts: int) -> int:
    """A moment in UTC, in microseconds since 1970."""
    return (datetime(*parts, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)  # type: ignore[misc,arg-type]  # of the right number


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("31.01.2026", micros(2026, 1, 31)), ("2026-01-31T10:00:00+02:00", micros(2026, 1, 31, 8)),
        ("Jan 31, 2026 10:00 PM", micros(2026, 1, 31, 22)), ("1/31/2026", micros(2026, 1, 31)),
    ],
)  # fmt: skip
def test_dates_are_read_in_the_formats_of_training(tmp_path: Path, text: str, moment: int) -> None:
    """Without a zone as UTC."""
    path = tmp_path / "x.csv"
    path.write_text(f'id;stage;at\n7;Won;"{text}"\n', "utf-8")
    assert read(path) == [Outcome("7", "won", moment)]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Closed Won", "won"),
        ("gewonnen", "won"),
        ("1", "won"),
        ("closed lost: price", "lost"),
        ("0", "lost"),
        ("Neu", "open"),
        ("Tea", None),
    ],
)
def test_words_mean_what_they_mean_in_training(tmp_path: Path, word: str, kind: str | None) -> None:
    """Beside those that the options name, which come first."""
    path = tmp_path / "x.csv"
    path.write_text(f"id,stage,at\n7,{word},2026-01-31\n")
    (found,) = read(path)
    assert (found.outcome if isinstance(found, Outcome) else None) == kind
    (found,) = read(path, meaning=Meaning(lost=(word,)))
    assert isinstance(found, Outcome)
    assert found.outcome == "lost"


def test_types_of_parquet_are_read(tmp_path: Path) -> None:
    """Dates, times with and without a zone; whole numbers as ids; truth as an outcome."""
    path, day = tmp_path / "x.parquet", datetime(2026, 1, 31, 10)  # noqa: DTZ001 - without a zone
    for column in ([date(2026, 1, 31)], [day], [day.replace(tzinfo=UTC)]):
        pl.DataFrame({"id": [7.0], "stage": [True], "at": column}).write_parquet(path)
        hour = 10 if isinstance(column[0], datetime) else 0
        assert read(path) == [Outcome("7", "won", micros(2026, 1, 31, hour))]
    pl.DataFrame({"id": [7], "stage": [True], "at": [5]}).write_parquet(path)
    with pytest.raises(TrainingDataError, match="--at names the column 'at', which holds Int64, not dates"):
        read(path)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With a guess, as in training."""
    path = tmp_path / "x.csv"
    path.write_text("id,stage,closed_at\n7,Won,2026-01-31\n")
    with pytest.raises(
        TrainingDataError, match=r"--at names the column 'closedat', which is not in the data.*closed_at"
    ):
        read(path, AT._replace(at="closedat"))


def test_options_of_several_words_are_split_at_commas() -> None:
    """And may be repeated."""
    assert named(("Won, Tea", "Milk", "")) == ("Won", "Tea", "Milk")
