import numpy as np
import polars as pl
from past_leads import leads

from leadscoring.training.basis import Basis, basis_of, choose
from leadscoring.training.large.encoded import Encoded
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import Prepared, prepare

ROWS = 900
PART = np.arange(ROWS) % 5
SEEN = PART < 3


def past(frame: pl.DataFrame | None = None, **options: str) -> Prepared:
    """Leads before a model is fitted to them; they have a title that says something of the outcome."""
    return prepare(with_title() if frame is None else frame, TrainOptions(target="won", **options))  # type: ignore[arg-type]


def with_title() -> pl.DataFrame:
    """Leads with a text, of which training chooses words."""
    random = np.random.default_rng(0)
    frame = leads(ROWS)
    won = (frame["won"] == "yes").to_numpy()
    chief = random.random(ROWS) < np.where(won, 0.6, 0.3)
    words = random.choice(["of sales", "of marketing", "of production", "of finance", "of research"], ROWS)
    numbers = random.integers(0, 400, ROWS)
    titles = [f"{'Director' if c else 'Clerk'} {w} {n}" for c, w, n in zip(chief, words, numbers, strict=True)]
    return frame.with_columns(title=pl.Series(titles))


def test_leads_are_encoded_once_by_what_was_inferred() -> None:
    """Inference is not repeated, also where a probable leak was left out since."""
    prepared = past()
    basis = basis_of(prepared)
    assert basis.inferred is prepared.guarded.inferred
    assert len(basis.x) == ROWS
    told = pl.when(pl.int_range(ROWS) % 40 == 0).then(pl.lit("ringing")).otherwise("won")
    leaks = past(leads(ROWS).with_columns(remark=told))
    assert "remark" in leaks.leads.named
    assert basis_of(leaks).inferred is leaks.guarded.inferred
    some = basis.of(SEEN)
    assert some.inferred.contract == basis.inferred.contract
    assert np.array_equal(some.x, basis.x[SEEN], equal_nan=True)
    assert some.inferred.frame.height == int(SEEN.sum())


def test_columns_are_chosen_by_the_outcomes_of_some_leads_alone() -> None:
    """The outcomes of the others may be turned round, and no value of any lead changes."""
    prepared = past()
    basis, y = basis_of(prepared), prepared.leads.y
    turned = type(prepared.leads)(
        **{field: getattr(prepared.leads, field) for field in prepared.leads.__struct_fields__}
        | {"y": np.where(SEEN, y, 1.0 - y)}
    )
    one, two = choose(basis, prepared.leads, PART, SEEN), choose(basis, turned, PART, SEEN)
    assert one.inferred.contract == two.inferred.contract
    assert np.array_equal(one.x, two.x, equal_nan=True)
    assert np.array_equal(one.served, two.served, equal_nan=True)
    assert any("director" in name for name in one.inferred.contract.columns.names)
    assert one.x.shape == one.served.shape == (ROWS, len(one.inferred.contract.columns))


def test_without_columns_to_choose_nothing_is_copied() -> None:
    """The matrix of the model is the one that was encoded."""
    prepared = past(leads(ROWS))
    basis = basis_of(prepared)
    chosen = choose(basis, prepared.leads, PART, SEEN)
    assert chosen.x is chosen.served is basis.x


def test_over_time_numbers_that_follow_the_calendar_stay_out() -> None:
    """As judged by the leads that the model learns from."""
    frame = leads(ROWS).with_columns(day=pl.int_range(ROWS), index=pl.int_range(ROWS) // 60 + 0.5)
    prepared = past(frame, time="day")
    chosen = choose(basis_of(prepared), prepared.leads, PART, SEEN)
    assert "index" not in chosen.inferred.contract.names
    assert "follows the calendar" in chosen.inferred.dropped["index"]
    assert chosen.x.shape == (ROWS, len(chosen.inferred.contract.columns))


def test_what_is_encoded_already_is_taken_as_it_is() -> None:
    """Leads that do not fit in memory come with their matrix, and a sample of their columns."""
    prepared = past(leads(ROWS))
    plain = basis_of(prepared)
    some = Encoded(plain.of(PART == 0).inferred, plain.reading, plain.x)
    fields = {field: getattr(prepared, field) for field in prepared.__struct_fields__} | {"encoded": some}
    basis = basis_of(Prepared(**fields))
    assert basis == Basis(some.inferred, some.x, some.reading, complete=True) or basis.complete
    assert basis.x is plain.x
    assert choose(basis, prepared.leads, PART, SEEN).x is plain.x
    assert len(basis.of(SEEN).x) == int(SEEN.sum())
