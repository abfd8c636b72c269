"""Of dates, training takes the age, and what else carries signal."""

import msgspec
import numpy as np
import polars as pl
import pytest

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Reading
from leadscoring.training.column import Read
from leadscoring.training.derived.dates import AGE, HOUR, WEEKDAY, Dates, are_of_lifetimes, iso, settle, stamps
from leadscoring.training.derived.kind import Evidence
from leadscoring.training.encode import encode_table
from leadscoring.training.later import DAY
from leadscoring.training.reading.how import How

ROWS = 3000
RANDOM = np.random.default_rng(6)
NOW = 1_770_000_000_000_000
EARLIER = RANDOM.integers(1, 60 * DAY, ROWS)
GAP = RANDOM.integers(0, 40 * DAY, ROWS)
FRAME = pl.DataFrame({"seen": NOW - EARLIER, "signed": NOW - EARLIER - GAP})
TWO = (Feature("seen", "date"), Feature("signed", "date"))


def chosen(likely: np.ndarray) -> tuple[Aspect, ...]:
    """The columns of the first date, for leads that convert as likely as given."""
    first = msgspec.structs.replace(TWO[0], aspects=Dates().candidates(TWO[0], TWO, None))
    contract = Contract((first, msgspec.structs.replace(TWO[1], aspects=(AGE,))))
    x = encode_table(contract, FRAME, np.full(ROWS, float(NOW)))
    values = {aspect: x[:, place].astype(float) for place, aspect in enumerate(first.aspects)}
    y = (RANDOM.random(ROWS) < likely).astype(float)
    return Dates().choose(TWO[0], Evidence(np.ones(ROWS, dtype=bool), y, values)).aspects


def test_a_date_has_its_age_and_what_carries_signal_besides() -> None:
    """The gap between two dates, or the hour; and nothing else where the age alone says it."""
    days, gap = EARLIER / DAY, GAP / DAY
    assert chosen(np.where(days < 20, 0.5, 0.2)) == (AGE,)
    assert chosen(np.where(gap < 10, 0.6, 0.2)) == (AGE, Aspect("since", "signed"))
    hour = (NOW - EARLIER) // 3_600_000_000 % 24
    assert chosen(np.where(hour < 8, 0.5, 0.2)) == (AGE, HOUR)
    assert WEEKDAY not in chosen(np.full(ROWS, 0.3))


def test_later_files_are_read_in_the_order_of_training() -> None:
    """The second of January does not become the first of February; what is no date is null."""
    column = pl.Series("d", ["02/01/2026", "03/01/2026", "soon", None])
    feature = Feature("d", "date")
    day, month = (Dates().parse(feature, column, Reading(dates={"d": first})) for first in ("day-first", "month-first"))
    assert iso(day) == "2026-01-02"
    assert iso(month) == "2026-02-15"
    assert day.is_null().to_list() == [False, False, True, True]


def test_typed_dates_are_moments_in_utc() -> None:
    """Days, and times with a zone."""
    days = pl.Series("d", ["2026-01-31"]).str.to_date()
    tokyo = pl.Series("d", ["2026-01-31 09:00"]).str.to_datetime("%Y-%m-%d %H:%M").dt.replace_time_zone("Asia/Tokyo")
    assert stamps(days, None).values.tolist() == stamps(tokyo, None).values.tolist() == [1_769_817_600_000_000.0]


def test_a_frequent_text_among_dates_is_missing_with_a_warning() -> None:
    """It is one of many distinct values, so that the column holds dates; a lead that has it is scored as unknown."""
    column = pl.Series("d", [f"2025-01-{day:02d}" for day in range(1, 32)] + ["never"] * 20)
    read = Read(column, column)
    assert Dates().detects(read)
    Dates().read(read)
    assert read.warnings == ["'d' holds dates, but also 'never' 20 times: 20 values were read as missing"]
    assert read.feature is not None
    assert "never" in read.feature.missing
    with pytest.raises(TrainingDataError, match="--read says that 'd' holds dates, but 20 values do not fit"):
        Dates().read(Read(column, column, How(kind="date")))


def test_numbers_are_dates_where_the_user_says_so() -> None:
    """Those of Excel, in training and in later files."""
    column = pl.Series("d", ["45658", "45659", None])
    read = Read(column, column, How(kind="date"))
    Dates().read(read)
    later = Dates().parse(Feature("d", "date"), pl.Series("d", [45658, 45659, None]), Reading())
    assert read.column.to_list() == later.to_list() == [1_735_689_600_000_000, 1_735_776_000_000_000, None]


def test_dates_of_lifetimes_are_a_warning() -> None:
    """They may be birth dates, whatever the name of their column; sign-ups of customers are none."""
    birth = pl.Series("special day", [f"{1950 + k % 50}-03-01" for k in range(100)])
    read = Read(birth, birth)
    Dates().read(read)
    settle([read], np.full(100, float(NOW)))
    assert any("'special day' holds dates of decades before" in words for words in read.warnings)
    assert not are_of_lifetimes(np.linspace(0, 40 * 366 * DAY, 50))
    assert not are_of_lifetimes(np.array([np.nan]))
